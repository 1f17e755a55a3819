from __future__ import annotations

import asyncio
import stat
import time

import pytest

from symposia.core.errors import ConfigError, RunNotFoundError, StoreCorruptError, StoreError
from symposia.core.result import RunState
from symposia.memory import runs
from symposia.memory.place import show
from symposia.memory.store import Store, this_process


async def test_a_run_is_read_back_as_it_was_created(store, make):
    record = await store.create_run(make.spec(config={"n": 3}, seed=7))
    assert record.state is RunState.QUEUED
    assert record.spec == make.spec(config={"n": 3}, seed=7)
    assert record.owner is None
    assert await store.run(record.id) == record


async def test_ids_are_short_unique_and_sort_by_time(store, make):
    first = [(await store.create_run(make.spec())).id for _ in range(20)]
    await asyncio.sleep(0.005)
    second = [record.id for record in await asyncio.gather(*(store.create_run(make.spec()) for _ in range(20)))]
    assert len({*first, *second}) == 40
    assert max(first) < min(second)
    assert {len(run_id) for run_id in first} == {12}


async def test_an_id_that_is_taken_is_drawn_again(store, make, monkeypatch):
    ids = iter(["same", "same", "other"])
    monkeypatch.setattr(runs, "new_id", lambda: next(ids))
    assert [(await store.create_run(make.spec())).id for _ in range(2)] == ["same", "other"]


async def test_a_given_id_is_used_once(store, make):
    assert (await store.create_run(make.spec(), id="mine")).id == "mine"
    with pytest.raises(StoreError, match="there is a run mine already"):
        await store.create_run(make.spec(), id="mine")


@pytest.mark.parametrize("run_id", ["", "a b", "a/b", "a" * 65, "é", "%"])
async def test_an_id_that_would_be_trouble_is_refused(store, make, run_id):
    with pytest.raises(StoreError, match="cannot be the id"):
        await store.create_run(make.spec(), id=run_id)


async def test_a_unique_prefix_finds_a_run(store, make):
    for run_id in ("abc1", "abd2", "abd"):
        await store.create_run(make.spec(), id=run_id)
    assert (await store.run("abc")).id == "abc1"
    assert (await store.run(" abd ")).id == "abd", "a whole id goes before a prefix"


async def test_an_ambiguous_prefix_names_the_runs(store, make):
    for index in range(7):
        await store.create_run(make.spec(), id=f"abc{index}")
    with pytest.raises(RunNotFoundError, match=r"several runs begin with 'abc'.*abc6, abc5, abc4, abc3, abc2, …"):
        await store.run("abc")


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [("abcdx", "did you mean 'abcde'"), ("zzz", "symposia run list"), ("%", "no run"), ("", "no run"), ("\udcff", "no run")],
)
async def test_no_run_is_a_clear_error(store, make, wanted, hint):
    await store.create_run(make.spec(), id="abcde")
    with pytest.raises(RunNotFoundError, match=hint):
        await store.run(wanted)


async def test_runs_come_newest_first_and_by_state(store, make):
    ids = [(await store.create_run(make.spec())).id for _ in range(5)]
    lease = await store.acquire(ids[1], owner=this_process())
    assert {record.id for record in await store.runs()} == set(ids)
    assert [record.created_at for record in await store.runs()] == sorted(
        (record.created_at for record in await store.runs()), reverse=True
    )
    assert len(await store.runs(limit=2)) == 2
    assert [record.id for record in await store.runs(state=RunState.RUNNING)] == [ids[1]]
    assert len(await store.runs(state=RunState.QUEUED, limit=3)) == 3
    await store.release(lease, RunState.PAUSED, 1.5)
    (paused,) = await store.runs(state=RunState.PAUSED)
    assert (paused.id, paused.elapsed, paused.owner) == (ids[1], 1.5, None)


async def test_a_state_is_found_behind_pages_of_others(store, make):
    """A running run whose process is gone looks running to SQL; such rows must not fill the page."""
    dead = this_process().rsplit(":", 1)[0] + ":1"
    for index in range(6):
        await store.create_run(make.spec(), id=f"run{index}")
        await store.acquire(f"run{index}", owner=this_process() if index == 0 else dead, ttl=60)
    assert [record.id for record in await store.runs(state=RunState.RUNNING, limit=2)] == ["run0"]
    interrupted = await store.runs(state=RunState.INTERRUPTED, limit=2)
    assert [record.id for record in interrupted] == ["run5", "run4"]
    assert len(await store.runs(state=RunState.INTERRUPTED, limit=50)) == 5


async def test_finish_keeps_the_result_and_frees_the_run(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    store.append(lease, [make.warned()])
    await store.finish(lease, RunState.FINISHED, make.result(run.id), 2.5)
    found = await store.run(run.id)
    assert (found.state, found.elapsed, found.owner) == (RunState.FINISHED, 2.5, None)
    assert found.result == make.result(run.id)
    assert len(await store.events(run.id)) == 1, "events appended before are written with it"
    assert found.updated_at >= found.created_at > time.time() - 60


async def test_a_record_of_another_shape_is_named(store, make):
    run = await store.create_run(make.spec())
    await store._database.write(lambda connection: connection.exec_driver_sql("""UPDATE runs SET spec = '{"strategy": 1}'"""))
    with pytest.raises(StoreCorruptError, match=f"the description of run {run.id} cannot be read"):
        await store.run(run.id)


async def test_folder_and_file_are_private_and_existing_folders_are_left_alone(tmp_path):
    tmp_path.chmod(0o755)
    path = tmp_path / "a" / "b" / "symposia.db"
    async with await Store.open(path) as store:
        assert store.path == path
        modes = [stat.S_IMODE(place.stat().st_mode) for place in (tmp_path, path.parent.parent, path.parent, path)]
        wal = path.with_name("symposia.db-wal")
        assert stat.S_IMODE(wal.stat().st_mode) == 0o600
    assert modes == [0o755, 0o700, 0o700, 0o600]


@pytest.mark.parametrize("form", ["{path}", "sqlite:///{path}", "sqlite+aiosqlite:///{path}"])
async def test_paths_and_urls_open_the_same_store(path, make, form):
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
    async with await Store.open(form.format(path=path)) as store:
        assert await store.run(run.id) == run


@pytest.mark.parametrize("where", [":memory:", "sqlite://", "sqlite+aiosqlite://", "sqlite:///:memory:"])
async def test_a_store_in_memory_ends_with_its_closing(where, make):
    async with await Store.open(where) as store:
        assert store.path is None
        await store.create_run(make.spec())
    async with await Store.open(where) as store:
        assert await store.runs() == []


async def test_the_default_is_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    async with await Store.open() as store:
        assert store.path is not None
        assert store.path.is_relative_to(tmp_path)
        assert store.path.parts[-2:] == ("symposia", "symposia.db")


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        ("mysql://u:hidden@h/db", "write a path, sqlite:///PATH or postgresql://"),
        ("postgresql+psycopg://u:hidden@h/db", "write a path, sqlite:///PATH or postgresql://"),
        ("://", "write a path"),
        ("sqlite:///a.db?mode=ro", "write a path"),
        ("sqlite://host/a.db", "write a path"),
        ("postgresql://u:hid/den@h/db", "with @ as %40"),
        ("postgresql://u:hid@den@h/db", "with @ as %40"),
        ("postgresql://u:hid#den@h/db", "with @ as %40"),
        ("postgresql://u:hid?den@h/db", "with @ as %40"),
        ("postgresql://u:hidden", "with @ as %40"),
        ("postgresql://u:hidden@h:port/db", "with @ as %40"),
    ],
)
async def test_other_urls_are_refused_without_showing_a_password(where, hint):
    with pytest.raises(ConfigError, match=hint) as caught:
        await Store.open(where)
    assert "hid" not in str(caught.value)
    assert "den" not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("postgresql://u:hidden@h:5432/db?sslmode=require&password=hidden", "postgresql://u@h:5432/db"),
        ("postgres://u:hid%40den@a.b-c,[::1]:7/db", "postgres://u@a.b-c,[::1]:7/db"),
        ("postgresql:///db?host=/run/postgresql", "postgresql:///db"),
        ("postgresql://u:hid@den@h/db", "postgresql://…"),
        ("relative/runs.db", "relative/runs.db"),
        ("sqlite:////data/runs.db", "sqlite:////data/runs.db"),
    ],
)
def test_an_address_is_shown_without_its_password(where, shown):
    assert show(where) == shown


async def test_pragmas_are_set_on_every_connection(filed):
    async def pragma(name: str) -> object:
        return await filed._database.read(lambda connection: connection.exec_driver_sql(f"PRAGMA {name}").scalar())

    names = ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    for _ in range(2):
        found = await asyncio.gather(*(pragma(name) for name in names))  # together, so on several connections
        assert found == ["wal", 1, 5000, 1]


async def test_odd_paths_work(tmp_path, make, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("with space?#%20.db", "file:odd.db", "ü.db")
    for name in names:
        async with await Store.open(name) as store:
            await store.create_run(make.spec())
    assert {entry.name for entry in tmp_path.iterdir()} == set(names)
