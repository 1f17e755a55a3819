"""Where a store lies: a file, this process's memory, or a PostgreSQL database; and how that may be shown to people.

An address may hold a password. It is kept in ``dsn`` only, for the driver; ``shown`` is what errors, logs and commands print.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import platformdirs
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ..core.errors import ConfigError

_HINT = "write a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
_HOST = r"(?:[\w.-]*|\[[\w.:%]+\])(?::\d+)?"
_ADDRESS = re.compile(
    r"(?P<scheme>[\w+.-]+)://(?:(?P<user>[^:@/?#\s]*)(?::[^@/?#\s]*)?@)?"
    rf"(?P<host>{_HOST}(?:,{_HOST})*)(?P<database>/[^?#@\s]*)?(?P<query>\?[^#\s]*)?"
)
_POSTGRES = {"postgresql", "postgres", "postgresql+asyncpg"}


class Place(NamedTuple):
    """Exactly one of ``path`` and ``dsn`` is there, or neither for a store in memory."""

    shown: str
    """For people: never a password."""
    path: Path | None = None
    dsn: str | None = None
    """The address as the PostgreSQL driver takes it, with everything that it holds."""


def locate(where: str | Path | None) -> Place:
    """The place that ``where`` means; None is the user's data folder. Raises :class:`ConfigError` for other addresses."""
    if where is None:
        where = Path(platformdirs.user_data_dir("symposia", appauthor=False)) / "symposia.db"
    elif str(where) == ":memory:":
        return Place("in memory")
    elif isinstance(where, str) and "://" in where:
        return _at_address(where)
    path = Path(where).expanduser().absolute()
    return Place(str(path), path=path)


def show(where: str) -> str:
    """A path or address as it may be shown: password and options taken out, nothing but the scheme where it is malformed."""
    scheme, found, _ = where.partition("://")
    if not found:
        return where
    match = _ADDRESS.fullmatch(where)
    if match is None:
        return f"{scheme if scheme.isascii() else ''}://…"
    user = f"{match['user']}@" if match["user"] else ""
    return f"{match['scheme']}://{user}{match['host']}{match['database'] or ''}"


def _at_address(where: str) -> Place:
    scheme = where.partition("://")[0]
    if scheme not in _POSTGRES:
        return _sqlite(where)
    if _ADDRESS.fullmatch(where) is None:
        hint = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with @ as %40 and / as %2F in the password"
        raise ConfigError(f"the store's address {show(where)} cannot be read", hint=hint)
    return Place(show(where), dsn="postgresql" + where.removeprefix(scheme))


def _sqlite(where: str) -> Place:
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        raise ConfigError(f"the store's address {show(where)} is no URL", hint=_HINT) from None
    if url.drivername not in {"sqlite", "sqlite+aiosqlite"} or url.query or url.host:
        raise ConfigError(f"the store's address {show(where)} is not supported", hint=_HINT)
    if url.database in {None, "", ":memory:"}:
        return Place("in memory")
    path = Path(str(url.database)).expanduser().absolute()
    return Place(str(path), path=path)
