from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, inspect, text

from symposia.core.errors import StoreVersionError
from symposia.core.retrieval import Document
from symposia.memory import migrate, schema, upgrade
from symposia.memory.database import Database
from symposia.memory.store import Store


def _tables(connection: Connection) -> dict[str, Any]:
    """Columns, keys and indexes, table for table."""
    seen = inspect(connection)
    return {
        table: [
            [{**column, "type": repr(column["type"])} for column in seen.get_columns(table)],
            seen.get_pk_constraint(table),
            *(
                sorted(found, key=lambda one: str(one["name"]))
                for found in (seen.get_foreign_keys(table), seen.get_unique_constraints(table), _indexes(seen, table))
            ),
        ]
        for table in sorted(seen.get_table_names())
    }


def _indexes(seen: Inspector, table: str) -> list[dict[str, Any]]:
    """Conditions of indexes as text: two expressions of SQLAlchemy are never equal."""
    found = seen.get_indexes(table)
    return [{**each, "dialect_options": {k: str(v) for k, v in each.get("dialect_options", {}).items()}} for each in found]


async def _read(place: Path | str, work: Callable[[Connection], Any]) -> Any:
    database = await Database.open(place)
    try:
        return await database.read(work)
    finally:
        await database.close()


async def _shape(place: Path | str) -> dict[str, Any]:
    return dict(await _read(place, _tables))


async def _migrated(place: Path | str) -> None:
    """A store made by running every migration on an empty database."""
    database = await Database.open(place)
    await database.write(lambda connection: upgrade.run_migrations(connection, None, "here"))
    await database.close()


def _differences(connection: Connection) -> tuple[Any, str | None]:
    context = MigrationContext.configure(
        connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    )
    return compare_metadata(context, schema.metadata), context.get_current_revision()


@pytest.fixture
def another(place, tmp_path, request) -> Path | str:
    """A second place of the same kind."""
    return tmp_path / "another.db" if isinstance(place, Path) else request.getfixturevalue("postgres_server").new_database()


async def test_migrations_and_tables_are_the_same(place, another):
    await _migrated(place)
    async with await Store.open(another):
        pass
    assert await _shape(place) == await _shape(another)
    for where in (place, another):
        assert await _read(where, _differences) == ([], schema.REVISION)


async def test_a_migrated_store_works(place, make):
    await _migrated(place)
    async with await Store.open(place) as store:
        run = await store.create_run(make.spec())
        assert await store.run(run.id) == run
        await store.corpora().add("library", [Document(id="a", text="The cats sleep.", metadata={"year": 1})])
        assert await store.corpora().search("sleeping cat", corpus="library", where={"year": 1})


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


@pytest.fixture
def next_migration(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Adds a revision to the real ones, as the next build would bring it; its ``upgrade`` runs the given statements."""

    def add(body: str) -> None:
        scripts = tmp_path / "migrations"
        (scripts / "versions").mkdir(parents=True)
        for script in upgrade._SCRIPTS.rglob("*.py"):
            (scripts / script.relative_to(upgrade._SCRIPTS)).write_text(script.read_text())
        (scripts / "versions" / "9999_next.py").write_text(
            f"import time\nimport sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '9999'\ndown_revision = {schema.REVISION!r}\ndef upgrade():\n{textwrap.indent(body, '    ')}\n"
        )
        monkeypatch.setattr(upgrade, "_SCRIPTS", scripts)
        for module in (schema, migrate, upgrade):
            monkeypatch.setattr(module, "REVISION", "9999")

    return add


async def test_an_older_store_is_upgraded_once_and_keeps_its_runs(place, make, next_migration):
    async with await Store.open(place) as store:
        run = await store.create_run(make.spec())
    # Slow enough for all four to have seen the old revision.
    next_migration("time.sleep(0.1)\nop.create_table('notes', sa.Column('id', sa.Integer, primary_key=True))")
    stores = await asyncio.gather(*(Store.open(place) for _ in range(4)))
    for store in stores:
        assert (await store.run(run.id)).id == run.id
        await store.close()
    assert "notes" in await _shape(place)


async def test_a_migration_that_fails_changes_nothing(place, next_migration):
    async with await Store.open(place):
        pass
    before = await _shape(place)
    next_migration("op.create_table('notes', sa.Column('id', sa.Integer))\nraise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        await Store.open(place)
    assert await _shape(place) == before


async def test_a_newer_store_is_refused_and_left_as_it_is(place):
    async with await Store.open(place) as store:
        newer = f"UPDATE {schema.VERSION_TABLE} SET version_num = '0042'"
        await store._database.write(lambda connection: connection.exec_driver_sql(newer))
    with pytest.raises(StoreVersionError, match=r"has revision '0042'.*written by a newer symposia: upgrade symposia"):
        await Store.open(place)
    stored = text(f"SELECT version_num FROM {schema.VERSION_TABLE}")
    assert await _read(place, lambda connection: connection.execute(stored).scalar()) == "0042"


@pytest.mark.parametrize("times", [1, 2])
def test_neither_a_new_nor_a_current_store_loads_alembic(path, times):
    code = (
        "import asyncio, sys\nfrom symposia.memory.store import Store\n"
        "async def main():\n    async with await Store.open(sys.argv[1]): pass\n"
        f"for _ in range({times}): asyncio.run(main())\nassert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, path], check=True)


async def test_a_store_from_before_experiments_keeps_its_runs(place, tmp_path, monkeypatch, make):
    scripts = tmp_path / "migrations"
    (scripts / "versions").mkdir(parents=True)
    for script in upgrade._SCRIPTS.rglob("*.py"):
        if not script.name[:1].isdigit() or script.name < "0003":
            (scripts / script.relative_to(upgrade._SCRIPTS)).write_text(script.read_text())
    with monkeypatch.context() as before:
        before.setattr(upgrade, "_SCRIPTS", scripts)
        await _migrated(place)
    old = {"id": "old", "state": "queued", "created_at": 1.0, "updated_at": 1.0, "elapsed": 0.0, "fence": 0, "expires_at": 0.0}
    spec = make.spec().model_dump_json(exclude={"experiment"})
    database = await Database.open(place)
    columns = ", ".join([*old, "spec"])
    insert = text(f"INSERT INTO runs ({columns}) VALUES ({', '.join(f':{name}' for name in [*old, 'spec'])})")
    await database.write(lambda connection: connection.execute(insert, {**old, "spec": spec}))
    await database.close()
    async with await Store.open(place) as store:
        assert [run.id for run in await store.runs()] == ["old"]
        assert (await store.run("old")).spec == make.spec()
        await store.create_experiment("spring", {})
        await store.create_run(make.spec(experiment="spring"))
        assert (await store.experiment("spring")).runs == {"queued": 1}
