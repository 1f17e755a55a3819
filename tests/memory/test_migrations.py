from __future__ import annotations

import ast
import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from symposia.core.errors import StoreVersionError
from symposia.memory import migrate, schema, upgrade
from symposia.memory.database import Database
from symposia.memory.sql import batch_statements
from symposia.memory.store import Store


def _shape(path: Path) -> dict[str, Any]:
    """The tables and indexes of a store, column for column."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            table: [connection.execute(f"PRAGMA {what}('{table}')").fetchall() for what in ("table_info", "foreign_key_list")]
            + [sorted(row[1:4] for row in connection.execute(f"PRAGMA index_list('{table}')"))]
            for table in tables
        }


async def _migrated(path: Path) -> None:
    """A store made by running every migration on an empty database."""
    database = await Database.open(path)
    await database.write(lambda connection: upgrade.run_migrations(connection, None, str(path)))
    await database.close()


async def test_migrations_and_tables_are_the_same(tmp_path):
    await _migrated(tmp_path / "migrated.db")
    async with await Store.open(tmp_path / "new.db"):
        pass
    assert _shape(tmp_path / "migrated.db") == _shape(tmp_path / "new.db")
    for name in ("migrated.db", "new.db"):
        engine = create_engine(f"sqlite:///{tmp_path / name}")
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, schema.metadata) == []
            assert context.get_current_revision() == schema.REVISION
        engine.dispose()


async def test_a_migrated_store_works(path, make):
    await _migrated(path)
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
        assert await store.run(run.id) == run


def test_the_constant_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", str(upgrade._SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


def test_migrations_do_not_follow_the_code():
    """A migration that imports the tables would change with them."""
    for script in upgrade._SCRIPTS.glob("versions/*.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [f"{'.' * node.level}{node.module or ''}"] if isinstance(node, ast.ImportFrom) else []
            assert all(name.split(".")[0] in {"__future__", "sqlalchemy", "alembic"} for name in names), script


async def test_an_older_store_is_upgraded_and_keeps_its_runs(path, make, monkeypatch):
    """The next revision, as this build would meet it: a script added to the real ones."""
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
    scripts = path.parent / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for script in upgrade._SCRIPTS.rglob("*.py"):
        (scripts / script.relative_to(upgrade._SCRIPTS)).write_text(script.read_text())
    (scripts / "versions" / "0002_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        "def upgrade():\n    op.create_table('notes', sa.Column('id', sa.Integer, primary_key=True))\n"
    )
    monkeypatch.setattr(upgrade, "_SCRIPTS", scripts)
    for module in (schema, migrate, upgrade):
        monkeypatch.setattr(module, "REVISION", "0002")
    stores = await asyncio.gather(*(Store.open(path) for _ in range(4)))
    for store in stores:
        assert (await store.run(run.id)).id == run.id
        await store.close()
    assert "notes" in _shape(path)


async def test_a_migration_that_fails_changes_nothing(path, make, monkeypatch):
    async with await Store.open(path):
        pass
    before = _shape(path)
    scripts = path.parent / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for script in upgrade._SCRIPTS.rglob("*.py"):
        (scripts / script.relative_to(upgrade._SCRIPTS)).write_text(script.read_text())
    (scripts / "versions" / "0002_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0002'\ndown_revision = '0001'\n"
        "def upgrade():\n    op.create_table('notes', sa.Column('id', sa.Integer))\n    raise RuntimeError('half way')\n"
    )
    monkeypatch.setattr(upgrade, "_SCRIPTS", scripts)
    monkeypatch.setattr(migrate, "REVISION", "0002")
    with pytest.raises(RuntimeError, match="half way"):
        await Store.open(path)
    assert _shape(path) == before


async def test_a_newer_store_is_refused_and_left_as_it_is(path):
    async with await Store.open(path):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0042'")
    with pytest.raises(StoreVersionError, match=r"has revision '0042'.*written by a newer symposia: upgrade symposia"):
        await Store.open(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [("0042",)]


@pytest.mark.parametrize("times", [1, 2])
def test_neither_a_new_nor_a_current_store_loads_alembic(path, times):
    code = (
        "import asyncio, sys\nfrom symposia.memory.store import Store\n"
        "async def main():\n    async with await Store.open(sys.argv[1]): pass\n"
        f"for _ in range({times}): asyncio.run(main())\nassert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, path], check=True)


def test_the_batch_statements_are_spelt_for_postgresql_too():
    """Only the spelling: no server runs here."""
    statements = batch_statements("postgresql")
    texts = [str(statement.compile(dialect=postgresql.dialect())) for statement in statements]
    assert [text.count("ON CONFLICT") for text in texts] == [1, 1, 1, 1, 0]
    for table in schema.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
