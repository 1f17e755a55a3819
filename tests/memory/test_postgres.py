"""PostgreSQL alone: what its server can do to a store, each a clear sentence that never holds a password."""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import DBAPIError

from symposia.core.errors import (
    ConfigError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnreachableError,
)
from symposia.memory import postgres
from symposia.memory.place import locate
from symposia.memory.store import Store, this_process
from symposia.testing import PostgresServer

ME = this_process()

needs_server = pytest.mark.integration


async def refused(url: str, kind: type[StoreError], message: str) -> None:
    with pytest.raises(StoreError, match=message) as caught:
        await Store.open(url)
    assert type(caught.value) is kind
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    assert password
    assert password not in str(caught.value)
    assert password not in repr(caught.value.__cause__)


@needs_server
async def test_a_wrong_password(postgres_server, postgres_url):
    wrong = postgres_url.replace(postgres_server.password, "hidden-and-wrong")
    await refused(wrong, StoreError, "refuses the user or the password")


@needs_server
async def test_a_database_that_does_not_exist(postgres_server):
    await refused(postgres_server.url("nothing"), StoreError, r"nothing does not exist \(make it with createdb")


@needs_server
async def test_a_server_that_is_down(unused_port):
    message = f"nobody answers for the store postgresql://u@127.0.0.1:{unused_port}/db: .*is PostgreSQL running"
    await refused(f"postgresql://u:hidden@127.0.0.1:{unused_port}/db", StoreUnreachableError, message)


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://u:hidden@127.0.0.1:{silent.getsockname()[1]}/db"
        await refused(url, StoreUnreachableError, "nobody answers for the store .*: no answer")


async def test_an_option_that_is_none():
    await refused("postgresql://u:hidden@127.0.0.1/db?sslmode=odd", StoreError, "cannot be opened: .*sslmode.*check its address")


async def test_a_driver_that_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigError, match=r'not installed \(pip install "symposia\[postgres\]"\)') as caught:
        await Store.open("postgresql://u:hidden@127.0.0.1/db")
    assert "hidden" not in str(caught.value)


@needs_server
@pytest.mark.parametrize("form", ["postgresql", "postgres", "postgresql+asyncpg"])
async def test_each_form_of_the_address_opens_the_same_store(postgres_url, make, form):
    async with await Store.open(postgres_url) as store:
        run = await store.create_run(make.spec())
        assert store.path is None
    async with await Store.open(form + postgres_url.removeprefix("postgresql")) as store:
        assert await store.run(run.id) == run
        assert re.fullmatch(rf"{re.escape(form)}://symposia@127\.0\.0\.1:\d+/test\d+", store.place)


@needs_server
async def test_tables_of_another_program_stay_its_own(postgres_server, postgres_url):
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute("CREATE TABLE bookmarks (id int)", name)
    async with await Store.open(postgres_url) as store:
        assert await store.runs() == []  # others' tables may be there
    other = postgres_server.new_database()
    postgres_server.execute("CREATE TABLE runs (id int)", other.rpartition("/")[2])
    with pytest.raises(StoreCorruptError, match="a database of another program: it has a table 'runs'"):
        await Store.open(other)


@pytest.fixture
def read_only(postgres_server: PostgresServer, postgres_url: str) -> Callable[[], str]:
    """The address of the database for a role that may read its tables only."""

    def grant() -> str:
        name = postgres_url.rpartition("/")[2]
        postgres_server.execute(f"CREATE ROLE reader_{name} LOGIN PASSWORD 'hidden-word'")
        postgres_server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)
        postgres_server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{name}", name)
        return postgres_server.url(name, user=f"reader_{name}", password="hidden-word")

    return grant


@needs_server
async def test_a_role_that_may_only_read_reads(postgres_url, read_only, make):
    async with await Store.open(postgres_url) as store:
        await store.create_run(make.spec())
    async with await Store.open(read_only()) as store:
        assert len(await store.runs()) == 1
        with pytest.raises(StoreReadOnlyError, match=r"permission denied for table .*give the role the rights"):
            await store.create_run(make.spec())


@needs_server
async def test_a_role_that_may_only_read_makes_no_store(read_only):
    await refused(read_only(), StoreReadOnlyError, "cannot be written: permission denied for schema public")


@needs_server
async def test_a_server_that_is_restarted_costs_nothing_that_was_committed(make):
    with PostgresServer.running() as server:
        async with await Store.open(server.new_database()) as store:
            run = await store.create_run(make.spec())
            lease = await store.acquire(run.id, owner=ME)
            await store.record(lease, [make.entry(0)])
            server.stop()
            store.append(lease, [make.warned(0)])
            with pytest.raises(StoreUnreachableError) as caught:
                await store.record(lease, [make.entry(1)])
            assert server.password not in str(caught.value)
            server.start()
            await store.record(lease, [make.entry(1)])
            assert [entry.key[-1] for entry in await store.journal(run.id)] == ["0", "1"]
            assert len(await store.events(run.id)) == 1, "events that nobody waited for are written later"
            server.stop()
            server.start()
            await store.record(lease, [make.entry(2)])  # over a connection that was lost while it was idle


@pytest.mark.parametrize(("ended", "tries"), [(False, 4), (True, 1)], ids=["before the commit", "in the commit"])
async def test_only_what_left_nothing_is_run_again(ended, tries):
    engine = postgres.PostgresEngine(locate("postgresql://u:hidden@127.0.0.1/db"))
    seen = 0

    @asynccontextmanager
    async def enter():
        yield SimpleNamespace(run_sync=run_sync)
        raise DBAPIError("COMMIT", {}, Exception("gone"), connection_invalidated=True)

    async def run_sync(work):
        nonlocal seen
        seen += 1
        if not ended:
            raise DBAPIError("SELECT", {}, Exception("gone"), connection_invalidated=True)

    with pytest.raises(DBAPIError):
        await engine._repeat(enter, lambda connection: None)
    assert seen == tries
    await engine.close()


@needs_server
async def test_a_connection_that_is_lost_in_the_middle(postgres_server, postgres_url, make):
    async with await Store.open(postgres_url) as store:
        run = await store.create_run(make.spec())
        name = postgres_url.rpartition("/")[2]

        def cut(connection):
            connection.exec_driver_sql("SELECT 1")
            postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            connection.exec_driver_sql("SELECT 1")

        with pytest.raises(StoreUnreachableError, match=r"the connection to the store .* was lost .*what was committed is safe"):
            await store._database.write(cut)
        assert (await store.run(run.id)).id == run.id, "the next one connects anew"


@needs_server
async def test_transactions_that_lock_each_other_out_are_run_again(postgres_url, make):
    async with await Store.open(postgres_url) as store:
        ids = [(await store.create_run(make.spec())).id for _ in range(2)]
        tries = 0

        async def lock(order: list[str]) -> None:
            def work(connection):
                nonlocal tries
                tries += 1
                for run_id in order:
                    connection.exec_driver_sql(f"UPDATE runs SET elapsed = elapsed + 1 WHERE id = '{run_id}'")
                    connection.exec_driver_sql("SELECT pg_sleep(0.05)")

            await store._database.write(work)

        await asyncio.gather(lock(ids), lock(ids[::-1]))
        assert tries == 3
        assert [(await store.run(run_id)).elapsed for run_id in ids] == [2, 2]


@needs_server
async def test_a_busy_server(postgres_server, postgres_url):
    name = postgres_url.rpartition("/")[2]
    postgres_server.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
    postgres_server.execute("DROP ROLE IF EXISTS someone")
    postgres_server.execute("CREATE ROLE someone LOGIN PASSWORD 'hidden-word'")
    url = postgres_server.url(name, user="someone", password="hidden-word")
    await refused(url, StoreUnreachableError, r"takes no connection now: too many connections.*try again")


@pytest.mark.parametrize(
    ("state", "kind", "message"),
    [
        ("53100", StoreFullError, r"no space left for the store PG: said \(free some space there"),
        ("25006", StoreReadOnlyError, "the store PG cannot be written: said"),
        ("57P03", StoreUnreachableError, "takes no connection now"),
        ("57P01", StoreUnreachableError, "the connection to the store PG was lost"),
        ("08006", StoreUnreachableError, "the connection to the store PG was lost"),
        ("42703", StoreError, r"the store PG cannot be used: said \(SQLSTATE 42703\)"),
    ],
)
def test_each_state_becomes_one_of_ours(state, kind, message):
    error = postgres.translate(state, "<class 'asyncpg.exceptions.Error'>: said\nmore", "PG")
    assert type(error) is kind
    assert re.search(message, str(error))


def test_only_the_driver_gets_the_password():
    place = locate("postgres://u:hidden@h/db?sslmode=require")
    assert place.dsn == "postgresql://u:hidden@h/db?sslmode=require"
    assert "hidden" not in place.shown
