"""SQLite: threads of our own around its blocking calls.

A transaction is one visit to a thread, from ``BEGIN IMMEDIATE`` to ``COMMIT``: it holds the only write lock of the file, so it
must not wait for the event loop in between.
"""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from ..core.errors import StoreError
from .threads import Threads

T = TypeVar("T")

_BUSY_MS = 5000
_RETRY_SECONDS = (0.0005, 0.003)
_IMMEDIATE = "symposia_immediate"
_THREADS = 4


class SqliteEngine:
    """An open file, or a database in this process's memory. Makes the file where there is none."""

    dialect: str = "sqlite"

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            _create_file(path)
        # In memory there is one connection: one thread, so that what two tasks do on it cannot interleave.
        pool = {} if path is not None else {"poolclass": StaticPool}
        self._engine = create_engine(
            URL.create("sqlite", database=str(path) if path is not None else ":memory:"),
            hide_parameters=True,  # else every error would carry the rows, whole model outputs, in its text
            connect_args={"isolation_level": None, "check_same_thread": False},
            **pool,
        )
        self._writing = self._engine.execution_options(**{_IMMEDIATE: True})
        self._threads = Threads(_THREADS if path is not None else 1, "symposia store")
        self._closed = False
        event.listen(self._engine, "connect", _set_pragmas)
        event.listen(self._engine, "begin", _begin)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """See :class:`.database.Engine`."""
        return await self._visit(self._engine.connect, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """See :class:`.database.Engine`."""
        return await self._visit(self._writing.begin, work)

    async def _visit(self, enter: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise StoreError("the store is closed")

        def visit() -> T:
            with enter() as connection:
                return work(connection)

        return await self._threads.run(visit)

    async def close(self) -> None:
        """See :class:`.database.Engine`. What a cancelled caller left in a thread ends first."""
        if not self._closed:
            self._closed = True
            await self._threads.close()
            self._engine.dispose()


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
        _lock(connection.connection.dbapi_connection)


def _lock(connection: Any) -> None:
    """Take the file's write lock. SQLite's own waiting grows to a tenth of a second a try, which starves who waits longest."""
    deadline = time.monotonic() + _BUSY_MS / 1000
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(*_RETRY_SECONDS))  # noqa: S311 - so that two who wait do not keep in step
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
