"""Calibrations, version by version. What is stored is never changed, only removed."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, func, select, update

from ..core.calibration import Calibration, StoredCalibration
from ..core.errors import ConfigError, StoreCorruptError, UnknownNameError
from . import bulk
from .database import Database
from .names import RULE, is_name
from .rows import RowMaker, read
from .schema import calibrations
from .writer import Writer

_BODY: TypeAdapter[Calibration] = TypeAdapter(Calibration)
_KEPT = select(calibrations).where(calibrations.c.body.is_not(None))


class Calibrations:
    """The calibrations of an open store; made by :meth:`.store.Store.calibrations`.

    Each method raises :class:`StoreError` where the database cannot be used.
    """

    def __init__(self, database: Database, writer: Writer, rows: RowMaker) -> None:
        self._database = database
        self._writer = writer
        self._rows = rows

    async def add(self, name: str, calibration: Calibration) -> StoredCalibration:
        """Store a calibration as the next version of its name. The same as the latest one is that one: nothing is stored then.

        Raises :class:`ConfigError` for a name that cannot be one, and for an option that holds what looks like a key or a
        password, which is never stored.
        """
        if not is_name(name):
            raise ConfigError(f"a calibration cannot be called {name!r}", hint=f"a name is {RULE}")
        body = self._rows.stored(_BODY, calibration)
        if body.value != calibration:
            raise ConfigError(f"the options of calibration {name} hold what looks like a key or a password")
        return await self._writer.run(partial(_add, name=name, calibration=calibration, body=body.text))

    async def every(self) -> list[StoredCalibration]:
        """All versions that are not removed, by name, the latest last. Raises as :meth:`find`."""
        query = _KEPT.order_by(calibrations.c.name, calibrations.c.version)
        return await self._database.read(lambda connection: [_calibration(row) for row in connection.execute(query)])

    async def find(self, title: str) -> StoredCalibration:
        """``NAME@VERSION``, or the latest version of ``NAME``.

        Raises :class:`UnknownNameError`, and :class:`StoreCorruptError` for one that is not what was fitted.
        """
        return await self._database.read(partial(_find, title=title))

    async def that_hold_for(self, key: str) -> list[StoredCalibration]:
        """Those for a strategy, its options and its models, by their hash, the newest first; broken ones are left out."""
        query = _KEPT.where(calibrations.c.holds_for == key).order_by(calibrations.c.created_at.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_calibration(row) for row in rows if _is_whole(row)]

    async def remove(self, title: str) -> list[int]:
        """Remove ``NAME@VERSION``, or all versions of ``NAME``; their numbers. Raises :class:`UnknownNameError`."""
        return await self._writer.run(partial(_remove, title=title))


def _add(connection: Connection, name: str, calibration: Calibration, body: str) -> StoredCalibration:
    mine, digest = calibrations.c.name == name, calibration.digest
    added, last = 0, 0
    while not added:  # again where another process took the number
        latest = connection.execute(_KEPT.where(mine).order_by(calibrations.c.version.desc()).limit(1)).one_or_none()
        if latest is not None and latest.digest == digest:
            return _calibration(latest)
        last = connection.execute(select(func.max(calibrations.c.version)).where(mine)).scalar() or 0
        row = {
            "name": name,
            "version": last + 1,
            "created_at": time.time(),
            "holds_for": calibration.key,
            "digest": digest,
            "body": body,
        }
        added = bulk.put(connection, calibrations, [row], key=("name", "version"))
    return _find(connection, f"{name}@{last + 1}")


def _find(connection: Connection, title: str) -> StoredCalibration:
    return _calibration(_rows_of(connection, title)[-1])


def _remove(connection: Connection, title: str) -> list[int]:
    found = [row.version for row in _rows_of(connection, title)]
    name = title.partition("@")[0]
    mine = (calibrations.c.name == name) & calibrations.c.version.in_(found)
    connection.execute(update(calibrations).where(mine).values(body=None))
    return found


def _rows_of(connection: Connection, title: str) -> list[Row[Any]]:
    """The versions that a title means, the latest last; at least one."""
    name, _, version = title.partition("@")
    rows = connection.execute(_KEPT.order_by(calibrations.c.name, calibrations.c.version)).all()
    found = [row for row in rows if row.name == name and version in {"", str(row.version)}]
    if not found:
        known = [f"{row.name}@{row.version}" for row in rows] if version else {row.name for row in rows}
        raise UnknownNameError("calibration", title, known)
    return found


def _is_whole(row: Row[Any]) -> bool:
    try:
        _calibration(row)
    except StoreCorruptError:
        return False
    return True


def _calibration(row: Row[Any]) -> StoredCalibration:
    what = f"calibration {row.name}@{row.version}"
    body = read(_BODY, row.body, what)
    if body.digest != row.digest or body.key != row.holds_for:
        raise StoreCorruptError(
            f"{what} is not what was fitted, so it is not applied",
            hint=f"run `symposia calibrate remove {row.name}@{row.version}`",
        )
    return StoredCalibration(name=row.name, version=row.version, made_at=row.created_at, calibration=body)
