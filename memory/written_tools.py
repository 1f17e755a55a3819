"""Tools that were written at run time, version by version. What is stored is never changed, only removed."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, Select, func, select, update

from ..core.base import Frozen
from ..core.errors import StoreCorruptError, ToolRefusedError, UnknownNameError
from ..core.written import Provenance, ToolDraft, WrittenTool
from . import bulk
from .database import Database
from .rows import RowMaker, read
from .schema import written_tools
from .writer import Writer


class _Body(Frozen):
    draft: ToolDraft
    provenance: Provenance


_BODY: TypeAdapter[_Body] = TypeAdapter(_Body)
_KEPT = select(written_tools).where(written_tools.c.body.is_not(None))


class WrittenTools:
    """The written tools of an open store; made by :meth:`.store.Store.written_tools`.

    It keeps what it is given: whether a tool may be kept is for the caller to say. Each method raises :class:`StoreError` where
    the database cannot be used.
    """

    def __init__(self, database: Database, writer: Writer, rows: RowMaker) -> None:
        self._database = database
        self._writer = writer
        self._rows = rows

    async def add(self, draft: ToolDraft, provenance: Provenance) -> WrittenTool:
        """Store a tool as the next version of its name. The same as the latest one is that one: nothing is stored then.

        Raises :class:`ToolRefusedError` where it holds what looks like a key or a password, which is never stored.
        """
        body = self._rows.stored(_BODY, _Body(draft=draft, provenance=provenance))
        if body.value.draft != draft:
            raise ToolRefusedError(f"the tool {draft.name!r} holds what looks like a key or a password")
        return await self._writer.run(partial(_add, draft=draft, body=body.text))

    async def names(self) -> list[str]:
        """The names of those that are not removed, sorted."""
        query = select(written_tools.c.name).where(written_tools.c.body.is_not(None)).distinct()
        return await self._database.read(lambda connection: sorted(connection.execute(query).scalars()))

    async def every(self) -> list[WrittenTool]:
        """All versions that are not removed, by name, the latest last."""
        query = _KEPT.order_by(written_tools.c.name, written_tools.c.version)
        return await self._database.read(lambda connection: [_tool(row) for row in connection.execute(query)])

    async def find(self, name: str, *, version: int | None = None, digest: str | None = None) -> WrittenTool:
        """The latest version of a tool, or the one named. Raises :class:`UnknownNameError`."""
        return await self._database.read(partial(_find, name=name, version=version, digest=digest))

    async def remove(self, name: str, version: int | None = None) -> list[int]:
        """Remove a version of a tool, or all of them; their numbers. Raises :class:`UnknownNameError`."""
        return await self._writer.run(partial(_remove, name=name, version=version))


def _add(connection: Connection, draft: ToolDraft, body: str) -> WrittenTool:
    mine = written_tools.c.name == draft.name
    added = 0
    while not added:  # again where another process took the number
        latest = connection.execute(_latest(_KEPT.where(mine))).one_or_none()
        if latest is not None and latest.digest == draft.digest:
            return _tool(latest)
        last = connection.execute(select(func.max(written_tools.c.version)).where(mine)).scalar() or 0
        row = {"name": draft.name, "version": last + 1, "created_at": time.time(), "digest": draft.digest, "body": body}
        added = bulk.put(connection, written_tools, [row], key=("name", "version"))
    return _find(connection, draft.name, None, draft.digest)


def _find(connection: Connection, name: str, version: int | None, digest: str | None) -> WrittenTool:
    query = _KEPT.where(written_tools.c.name == name)
    if version is not None:
        query = query.where(written_tools.c.version == version)
    if digest is not None:
        query = query.where(written_tools.c.digest == digest)
    row = connection.execute(_latest(query)).one_or_none()
    if row is None:
        raise _unknown(connection, name, version, digest)
    return _tool(row)


def _remove(connection: Connection, name: str, version: int | None) -> list[int]:
    mine = (written_tools.c.name == name) & written_tools.c.body.is_not(None)
    if version is not None:
        mine &= written_tools.c.version == version
    found = sorted(connection.execute(select(written_tools.c.version).where(mine)).scalars())
    if not found:
        raise _unknown(connection, name, version, None)
    connection.execute(update(written_tools).where(mine).values(body=None))
    return found


def _latest(query: Select[Any]) -> Select[Any]:
    return query.order_by(written_tools.c.version.desc()).limit(1)


def _tool(row: Row[Any]) -> WrittenTool:
    what = f"the written tool {row.name}@{row.version}"
    body = read(_BODY, row.body, what)
    if body.draft.digest != row.digest or body.draft.name != row.name:
        raise StoreCorruptError(f"{what} is not what was admitted", hint=f"run `symposia tools remove {row.name}@{row.version}`")
    return WrittenTool(draft=body.draft, version=row.version, written_at=row.created_at, provenance=body.provenance)


def _unknown(connection: Connection, name: str, version: int | None, digest: str | None) -> UnknownNameError:
    kept = select(written_tools.c.name, written_tools.c.version).where(written_tools.c.body.is_not(None))
    rows = connection.execute(kept).all()
    if version is None and digest is None:
        return UnknownNameError("written tool", name, {row.name for row in rows})
    wanted = f"{name}@{version}" if version is not None else f"{name} of sha256 {digest and digest[:16]}…"
    return UnknownNameError("written tool", wanted, [f"{row.name}@{row.version}" for row in rows])
