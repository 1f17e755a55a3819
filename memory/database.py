"""One database: where it lies, how it is opened, and its two ways in, ``read`` and ``write``."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Self, TypeVar

import platformdirs
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from ..core.errors import ConfigError, StoreError
from .errors import translating

T = TypeVar("T")

_BUSY_MS = 5000
_IMMEDIATE = "symposia_immediate"


class Database:
    """An open database. Belongs to the event loop in which it was opened."""

    def __init__(self, engine: AsyncEngine, path: Path | None) -> None:
        self.path = path
        """None for a database in memory."""
        self.place = str(path) if path else "in memory"
        self._engine = engine
        self._writing = engine.execution_options(**{_IMMEDIATE: True})
        # A database in memory is one connection: what two tasks do on it must not interleave.
        self._turn: AbstractAsyncContextManager[Any] = contextlib.nullcontext() if path else asyncio.Lock()

    @classmethod
    async def open(cls, where: str | Path | None) -> Self:
        """Open or create the database at a path or ``sqlite:///`` URL; None is the user's data folder.

        Raises :class:`StoreError` with a sentence for whatever stands in the way, :class:`ConfigError` for a URL that
        is not supported.
        """
        path = locate(where)
        place = str(path) if path else "in memory"
        with translating(place):
            if path is not None:
                await asyncio.to_thread(_create_file, path)
        url = URL.create("sqlite+aiosqlite", database=str(path) if path else ":memory:")
        # Without hide_parameters every error would carry the rows, whole model outputs, in its text.
        engine = create_async_engine(url, hide_parameters=True, connect_args={"isolation_level": None})
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        event.listen(engine.sync_engine, "begin", _begin)
        return cls(engine, path)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a connection; each of its statements sees what was committed before it."""
        with translating(self.place):
            async with self._turn, self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction that no other writer can enter; all of it is committed, or nothing."""
        with translating(self.place):
            async with self._turn, self._writing.begin() as connection:
                return await connection.run_sync(work)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def locate(where: str | Path | None) -> Path | None:
    """The file that ``where`` means; None for a database in memory. Raises :class:`ConfigError` for other URLs."""
    if where is None:
        return Path(platformdirs.user_data_dir("symposia", appauthor=False)) / "symposia.db"
    if str(where) == ":memory:":
        return None
    if isinstance(where, str) and "://" in where:
        try:
            url = make_url(where)
        except ArgumentError:
            raise ConfigError(f"the store's address {where!r} is no URL", hint="write a path or sqlite:///PATH") from None
        if url.drivername not in {"sqlite", "sqlite+aiosqlite"} or url.query or url.host:
            shown = url.render_as_string(hide_password=True)
            raise ConfigError(f"the store's address {shown} is not supported", hint="write a path or sqlite:///PATH")
        if url.database in {None, "", ":memory:"}:
            return None
        where = str(url.database)
    return Path(where).expanduser().absolute()


def _create_file(path: Path) -> None:
    """Make the folder (0700) and an empty file (0600) where there is none."""
    missing = [folder for folder in path.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
    if path.is_dir():
        raise StoreError(f"the store {path} is a folder", hint="name a file in it")
    if not path.exists():
        # Only a file that is new may be opened and closed here: closing a file that SQLite has open in this process would
        # drop SQLite's locks on it.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _set_pragmas(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    try:
        # WAL itself is a property of the file, set when the store is created.
        for pragma in (f"busy_timeout={_BUSY_MS}", "synchronous=NORMAL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    # Readers begin nothing: in SQLite's own autocommit mode each of their statements is a short transaction.
    if connection.get_execution_options().get(_IMMEDIATE):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
