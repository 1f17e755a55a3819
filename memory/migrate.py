"""Brings a store to this build's revision, under the database's write lock.

A store that is up to date costs one SELECT, and a new one is made from the tables themselves: Alembic (0.26 s to import)
is loaded only where an older store has to be changed. A test keeps tables and migrations equal.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, Dialect, MetaData, String, Table, func, insert, inspect, select
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.exc import OperationalError, ProgrammingError

from ..core.errors import StoreCorruptError
from .database import Database
from .schema import REVISION, VERSION_TABLE, metadata

_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))
# As Alembic names it, so that a new store and a migrated one are the same.
_version.primary_key.name = f"{VERSION_TABLE}_pkc"
_STORED = select(_version.c.version_num)
_CREATION: dict[str, list[str]] = {}

_LOCK = 0x73796D706F736961
"""Of PostgreSQL: whoever makes or changes tables holds it. The letters of "symposia"."""


async def migrate(database: Database) -> None:
    """Create or upgrade the tables.

    Raises :class:`StoreVersionError` for a store of a newer symposia and :class:`StoreCorruptError` for a database that
    belongs to something else; neither is changed.
    """
    revision = await database.read(_revision)
    if revision == REVISION:
        return
    if revision is None:
        await database.read(lambda connection: _refuse_foreign(connection, database.place))
        await database.read(_use_wal)
    await database.write(lambda connection: _upgrade(connection, database.place))


def _revision(connection: Connection) -> str | None:
    """The stored revision, or None where there is none yet."""
    try:
        return connection.execute(_STORED).scalar()
    except (OperationalError, ProgrammingError):
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
    return connection.execute(_STORED).scalar()  # another process made the table meanwhile, or it is really broken


def _refuse_foreign(connection: Connection, place: str) -> None:
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        return
    if connection.dialect.name != "sqlite":
        tables &= set(metadata.tables)  # a server's database may well hold other tables beside ours
    if tables:
        raise StoreCorruptError(
            f"{place} is a database of another program: it has a table {min(tables)!r}", hint="choose another place for the store"
        )


def _use_wal(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _upgrade(connection: Connection, place: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    # Again: another process may have been quicker. Asked first, for on PostgreSQL a query that fails ends the transaction.
    made = inspect(connection).has_table(VERSION_TABLE)
    revision = connection.execute(_STORED).scalar() if made else None
    if revision is None:
        for statement in _creation(connection.dialect):
            connection.exec_driver_sql(statement)
        connection.execute(insert(_version).values(version_num=REVISION))
    elif revision != REVISION:
        from .upgrade import run_migrations  # noqa: PLC0415 - loads Alembic

        run_migrations(connection, revision, place)


def _creation(dialect: Dialect) -> list[str]:
    """What makes the tables of a new store. Kept, for composing it takes several times as long as executing it."""
    if dialect.name not in _CREATION:
        statements: list[str] = []
        written = MockConnection(dialect, lambda element, *_: statements.append(str(element.compile(dialect=dialect))))
        for tables in (metadata, _version.metadata):
            tables.create_all(written, checkfirst=False)
        _CREATION[dialect.name] = statements
    return _CREATION[dialect.name]
