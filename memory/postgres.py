"""PostgreSQL: how it is reached and what its errors mean.

The driver is asyncpg: it gives every failure its SQLSTATE, refused passwords and missing databases included, where libpq gives
a sentence in the server's language; it pipelines ``executemany``; and it reads an address as libpq does (``sslmode``, several
hosts, ``~/.pgpass``, ``PG…`` variables, a socket's folder as ``?host=``).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..core.errors import ConfigError, StoreError, StoreFullError, StoreReadOnlyError, StoreUnreachableError
from .place import Place

T = TypeVar("T")

Enter = Callable[[], AbstractAsyncContextManager[AsyncConnection]]

_CONNECT_SECONDS = 10
_COMMAND_SECONDS = 60
_POOL = 5
"""Connections of a process: one writes, the others read. Eight processes stay well under a server's usual 100."""

_RETRYABLE = {"40001", "40P01", "23505"}
_TRIES = 4
"""Of a transaction that another one locked out, or was quicker to insert the same key, or whose connection was lost."""
_SAFE = "what was committed is safe; `symposia run resume` goes on from there"


class PostgresEngine:
    """A database on a server. It connects when it is first used.

    What is written about a run begins by locking the run's row, so that runs do not wait for each other. Should two
    transactions lock each other out, the server ends one of them, which is run again.

    Raises :class:`ConfigError` where the driver is not installed.
    """

    dialect: str = "postgresql"

    def __init__(self, place: Place) -> None:
        self._writing = _open(place)
        # Each statement of a reader sees what was committed before it, as in SQLite's own autocommit mode.
        self._reading = self._writing.execution_options(isolation_level="AUTOCOMMIT")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """See :class:`.database.Engine`."""
        return await self._repeat(self._reading.connect, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """See :class:`.database.Engine`."""
        return await self._repeat(self._writing.begin, work)

    async def _repeat(self, enter: Enter, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a connection, again where that is safe.

        It is where another transaction was in the way, and where the connection was lost before a commit was asked for: a
        server that was restarted costs nothing then. A commit that got no answer may have been carried out.
        """
        tries = 0
        while True:
            tries += 1
            worked = False
            try:
                async with enter() as connection:
                    value = await connection.run_sync(work)
                    worked = True
            except DBAPIError as error:
                lost_before = error.connection_invalidated and not worked
                locked_out = error.orig is not None and sqlstate(error.orig) in _RETRYABLE
                if tries == _TRIES or not (lost_before or locked_out):
                    raise
            else:
                return value

    async def close(self) -> None:
        """See :class:`.database.Engine`."""
        await self._writing.dispose()


def _open(place: Place) -> AsyncEngine:
    try:
        import asyncpg  # noqa: PLC0415 - an extra
    except ImportError:
        hint = 'pip install "symposia[postgres]"'
        raise ConfigError(f"the store {place.shown} needs the PostgreSQL driver, which is not installed", hint=hint) from None

    async def connect() -> Any:
        try:
            return await asyncpg.connect(
                place.dsn,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
                server_settings={"application_name": "symposia", "idle_in_transaction_session_timeout": "60s"},
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as error:
            raise refusal(error, place.shown) from None

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        pool_size=_POOL,
        max_overflow=0,
    )


def refusal(error: Exception, place: str) -> StoreError:
    """The error of our tree for a connection that could not be made."""
    state = sqlstate(error)
    if state is not None:
        return translate(state, str(error), place)
    if isinstance(error, OSError):
        reason = error.strerror or ("no answer" if isinstance(error, TimeoutError) else str(error))
        hint = "is PostgreSQL running there, and the address right?"
        return StoreUnreachableError(f"nobody answers for the store {place}: {reason}", hint=hint)
    return StoreError(f"the store {place} cannot be opened: {_line(str(error))}", hint="check its address")


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of a failure; None where it comes from elsewhere."""
    found = getattr(error, "sqlstate", None)
    return found if isinstance(found, str) else None


def translate(state: str, message: str, place: str) -> StoreError:  # noqa: PLR0911 - a table
    """The error of our tree for a SQLSTATE."""
    reason = _line(message)
    match state:
        case "28P01" | "28000":
            hint = "give them in the address, in ~/.pgpass or in PGPASSWORD, and see the server's pg_hba.conf"
            return StoreError(f"the server of the store {place} refuses the user or the password", hint=hint)
        case "3D000":
            return StoreError(f"the database of the store {place} does not exist", hint="make it with createdb")
        case "53100":
            return StoreFullError(f"no space left for the store {place}: {reason}", hint=f"free some space there; {_SAFE}")
        case "42501" | "25006":
            hint = "give the role the rights to create and change tables there, or use another role"
            return StoreReadOnlyError(f"the store {place} cannot be written: {reason}", hint=hint)
        case "53300" | "57P03":
            return StoreUnreachableError(f"the server of the store {place} takes no connection now: {reason}", hint="try again")
    if state in {"57P01", "57P02", "57P05", "25P03"} or state.startswith("08"):
        return lost(place)
    return StoreError(f"the store {place} cannot be used: {reason} (SQLSTATE {state})")


def lost(place: str) -> StoreUnreachableError:
    """The error for a connection that broke while it was used."""
    return StoreUnreachableError(f"the connection to the store {place} was lost", hint=_SAFE)


def _line(message: str) -> str:
    """The first line, without the class that SQLAlchemy's adapter puts before it."""
    return message.strip().split("\n")[0].removeprefix("<class 'asyncpg.exceptions.").partition("'>: ")[-1] or message
