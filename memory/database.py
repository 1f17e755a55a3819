"""One database, with its two ways in, ``read`` and ``write``, and its errors as ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self, TypeVar

from sqlalchemy import Connection

from . import postgres, sqlite
from .errors import translating
from .place import Place, locate

T = TypeVar("T")


class Engine(Protocol):
    """What a kind of database does for itself."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a connection; each of its statements sees what was committed before it."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction: all of it is committed, or nothing. ``work`` may be run more than once."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Database:
    """An open database. Belongs to the event loop in which it was opened."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self.path = place.path
        """None for a database in memory or on a server."""
        self.place = place.shown
        """For people: never with a password."""
        self.dialect = engine.dialect
        """``sqlite`` or ``postgresql``."""
        self._engine = engine

    @classmethod
    async def open(cls, where: str | Path | None) -> Self:
        """Open the database at a path or address, creating the file where it is one; None is the user's data folder.

        Raises :class:`StoreError` with a sentence for whatever stands in the way, :class:`ConfigError` for an address that
        is not supported or needs a driver that is not installed.
        """
        place = locate(where)
        with translating(place.shown):
            engine = _engine(place)
        return cls(engine, place)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on a connection; see :class:`Engine`. Raises :class:`StoreError`."""
        with translating(self.place):
            return await self._engine.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction; see :class:`Engine`. Raises :class:`StoreError`."""
        with translating(self.place):
            return await self._engine.write(work)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.close()


def _engine(place: Place) -> Engine:
    return sqlite.SqliteEngine(place.path) if place.dsn is None else postgres.PostgresEngine(place)
