"""The boundary to the database: its errors become errors of our tree here and nowhere else."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..core.errors import StoreCorruptError, StoreError, StoreFullError, StoreReadOnlyError
from . import postgres

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}

_FREE_SPACE = "free some space and run the command again; what was committed is safe"


@contextmanager
def translating(place: str) -> Iterator[None]:
    """Turn every database and file error of the block into a :class:`StoreError` that names the store at ``place``."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise translate(error, place) from error


def translate(error: Exception, place: str) -> StoreError:
    """The error of our tree for an error of SQLAlchemy, a driver or the file system."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return postgres.lost(place)
    cause = _origin(error)
    if (state := postgres.sqlstate(cause)) is not None:
        return postgres.translate(state, _sentence(cause), place)
    if isinstance(cause, OSError):
        return _translate_os(cause, place)
    if isinstance(cause, sqlite3.Error):
        return _translate_sqlite(cause, place)
    return StoreError(f"the store {place} cannot be used: {_sentence(cause)}")


def _origin(error: Exception) -> BaseException:
    """The driver's own error: SQLAlchemy keeps it in ``orig``, its asyncio adapter behind ``__cause__``."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, sqlite3.Error | OSError) and postgres.sqlstate(found) is None:
        found = getattr(found, "orig", None) or found.__cause__
    return found or error


def _translate_os(error: OSError, place: str) -> StoreError:
    reason = error.strerror or _sentence(error)
    if error.errno in _FULL:
        return StoreFullError(f"no space left for the store {place}: {reason}", hint=_FREE_SPACE)
    if error.errno in _DENIED:
        return StoreReadOnlyError(f"the store {place} cannot be written: {reason}", hint="choose another place for the store")
    return StoreError(f"the store {place} cannot be opened: {reason}")


def _translate_sqlite(error: sqlite3.Error, place: str) -> StoreError:
    name: str = getattr(error, "sqlite_errorname", "")  # absent where the sqlite3 module itself raises
    if name.startswith("SQLITE_FULL"):
        return StoreFullError(f"no space left for the store {place}", hint=_FREE_SPACE)
    if name in {"SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_TRUNCATE"}:
        # SQLite says SQLITE_FULL for ENOSPC only; a quota or a file size limit arrives here.
        hint = f"check the disk, its quota and the file size limit; {_FREE_SPACE}"
        return StoreFullError(f"the store {place} cannot grow: {_sentence(error)}", hint=hint)
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        hint = "make the file and its folder writable, or choose another place for the store"
        return StoreReadOnlyError(f"the store {place} cannot be written: {_sentence(error)}", hint=hint)
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        hint = "nothing was changed in it; move it away to begin a new store, or restore a copy"
        return StoreCorruptError(f"{place} is not a store or is damaged: {_sentence(error)}", hint=hint)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"the store {place} is busy: another process has been writing for seconds", hint="try again")
    return StoreError(f"the store {place} cannot be used: {_sentence(error)}")


def _sentence(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__
