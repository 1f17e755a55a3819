"""What stands in the way: every case is one clear sentence, and nothing that was committed is lost."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import ArgumentError, DBAPIError

from symposia.core.errors import StoreCorruptError, StoreError, StoreFullError, StoreReadOnlyError
from symposia.memory import sqlite
from symposia.memory.errors import translating
from symposia.memory.store import Store, this_process

ME = this_process()


async def _filled(path: Path, make, entries: int = 50) -> str:
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
        lease = await store.acquire(run.id, owner="elsewhere:1:1", ttl=0.01)
        await store.record(lease, [make.entry(index, text="x" * 2000) for index in range(entries)])
    return run.id


# Not a store


@pytest.mark.parametrize("content", [b"not a database at all, but some text" * 100, b"\0" * 4096, b"\x00\xff" * 5000, b"{}"])
async def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreCorruptError, match=r"notes.txt is not a store or is damaged: .* \(nothing was changed in it"):
        await Store.open(path)
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


async def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "places.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (id INTEGER)")
    before = path.read_bytes()
    with pytest.raises(StoreCorruptError, match="is a database of another program"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_a_damaged_store_says_so_and_still_gives_what_can_be_read(path, make):
    run_id = await _filled(path, make)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    async with await Store.open(path) as store:
        with pytest.raises(StoreCorruptError, match="is damaged: database disk image is malformed"):
            await store.journal(run_id)
        assert (await store.run(run_id)).id == run_id


async def test_a_truncated_store_is_refused(path, make):
    await _filled(path, make)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(StoreCorruptError):
        async with await Store.open(path) as store:
            await store.runs()


async def test_an_empty_file_becomes_a_store(tmp_path, make):
    path = tmp_path / "empty.db"
    path.touch()
    await _filled(path, make)


async def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        await Store.open(tmp_path)


async def test_a_folder_inside_a_file_cannot_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file/symposia.db cannot be opened: (Not a directory|File exists)"):
        await Store.open(tmp_path / "file" / "symposia.db")


# Read-only


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that other users can enter; ``tmp_path`` is closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="symposia-test-"))
    folder.chmod(0o777)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


# Root may write anywhere: the child becomes nobody, once everything that is loaded when it is first used is loaded.
_AS_NOBODY = """
async def main(path):
    async with await Store.open(":memory:") as store:
        await store.create_run(SPEC)
    await asyncio.to_thread(int)
    if os.getuid() == 0:
        os.setuid(65534)
    try:
        async with await Store.open(path) as store:
            print(len(await store.runs()), "runs")
            await store.create_run(SPEC)
    except StoreError as error:
        print(type(error).__name__, error)

asyncio.run(main(sys.argv[1]))
"""


def _as_nobody(spawn, path: Path) -> str:
    out, err = spawn(_AS_NOBODY, path, measured=False).communicate(timeout=60)
    assert err == ""
    return out


def test_a_folder_that_cannot_be_written(spawn, shared):
    shared.chmod(0o555)
    for path in (shared / "symposia.db", shared / "deeper" / "symposia.db"):
        out = _as_nobody(spawn, path)
        assert out.startswith(f"StoreReadOnlyError the store {path} cannot be written: Permission denied")
    assert list(shared.iterdir()) == []


async def test_a_store_that_cannot_be_written_can_be_read(spawn, shared, make):
    path = shared / "symposia.db"
    await _filled(path, make)
    path.chmod(0o444)
    out = await asyncio.to_thread(_as_nobody, spawn, path)
    assert out.startswith(f"1 runs\nStoreReadOnlyError the store {path} cannot be written: attempt to write a readonly database")
    path.chmod(0o600)
    async with await Store.open(path) as store:
        assert len(await store.runs()) == 1


async def test_a_store_in_a_folder_that_cannot_be_written(spawn, shared, make):
    path = shared / "symposia.db"
    await _filled(path, make)
    path.chmod(0o444)
    shared.chmod(0o555)
    out = await asyncio.to_thread(_as_nobody, spawn, path)
    assert "StoreReadOnlyError the store" in out
    assert "cannot be written" in out


async def test_a_store_of_another_user(spawn, shared, make):
    path = shared / "symposia.db"
    await _filled(path, make)
    path.chmod(0o000)
    out = await asyncio.to_thread(_as_nobody, spawn, path)
    assert out.startswith(f"StoreReadOnlyError the store {path} cannot be written: unable to open database file")


# Full


async def test_a_full_store_fails_who_waits_and_loses_nothing(filed, make):
    run = await filed.create_run(make.spec())
    lease = await filed.acquire(run.id, owner=ME)
    await filed.record(lease, [make.entry(0)])

    async def allow(pages: int) -> None:
        await filed._database.read(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages}").all())

    await allow(40)  # one connection at a time is used here, so always the same one
    filed.append(lease, [make.warned(0)])
    done = await asyncio.gather(
        *(filed.record(lease, [make.entry(index, text="x" * 100_000)]) for index in range(1, 4)), return_exceptions=True
    )
    assert [type(error) for error in done] == [StoreFullError] * 3
    assert f"no space left for the store {filed.path}" in str(done[0])
    assert [entry.key for entry in await filed.journal(run.id)] == [make.entry(0).key]
    assert await filed.events(run.id) == []
    filed.append(lease, [make.added(1, text="x" * 200_000)])
    with pytest.raises(StoreFullError):
        await filed.flush()
    await allow(100_000)
    await filed.record(lease, [make.entry(1)])
    assert [stored.event for stored in await filed.events(run.id)] == [make.warned(0), make.added(1, text="x" * 200_000)]
    assert len(await filed.journal(run.id)) == 2


async def test_closing_says_that_events_could_not_be_written(path, make):
    store = await Store.open(path)
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ME)
    await store._database.read(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1").all())
    store.append(lease, [make.added(0, text="x" * 200_000)])
    with pytest.raises(StoreFullError):
        await store.close()
    async with await Store.open(path) as store:
        assert await store.events(run.id) == []


_UNTIL_FULL = """
import resource

async def main(path, limit):
    async with await Store.open(path) as store:
        run = await store.create_run(SPEC)
        lease = await store.acquire(run.id, owner="elsewhere:1:1", ttl=0.01)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        print(run.id, flush=True)
        for index in range(1000):
            try:
                await store.record(lease, [entry(f"k{index}", 20_000)])
            except StoreError as error:
                print(type(error).__name__, len(await store.journal(run.id)), index, error)
                break

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def _check_full(spawn, path: Path, limit: int) -> None:
    out, err = await asyncio.to_thread(spawn(_UNTIL_FULL, path, limit).communicate, timeout=60)
    assert err == ""
    run_id, said = out.split("\n", 1)
    kind, read, recorded, _ = said.split(" ", 3)
    assert kind == "StoreFullError"
    assert read == recorded
    assert int(recorded) > 5
    async with await Store.open(path) as store:
        assert [entry.key for entry in await store.journal(run_id)] == [f"k{index}" for index in range(int(recorded))]


async def test_a_file_size_limit(spawn, path):
    await _check_full(spawn, path, 600_000)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a small file system")
async def test_a_full_disk(spawn, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = await asyncio.to_thread(
        subprocess.run, ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        await _check_full(spawn, disk / "symposia.db", 0)
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 4096)
        with pytest.raises(StoreFullError, match="no space left"):
            async with await Store.open(disk / "new.db"):
                pass
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", disk], check=True)


# Busy


async def test_a_store_that_stays_locked(path, make, monkeypatch):
    monkeypatch.setattr(sqlite, "_BUSY_MS", 30)
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
        lease = await store.acquire(run.id, owner=ME)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            store.append(lease, [make.warned()])
            with pytest.raises(StoreError, match=r"is busy: another process has been writing for seconds \(try again\)"):
                await store.record(lease, [make.entry()])
            assert (await store.run(run.id)).id == run.id, "readers never wait"
        await store.record(lease, [make.entry()])
        assert len(await store.events(run.id)) == 1


async def test_errors_carry_no_rows(path, make):
    """Rows are whole model outputs: they have no business in a traceback."""
    async with await Store.open(path) as store:
        run = await store.create_run(make.spec())
        lease = await store.acquire(run.id, owner=ME)
        await store._database.read(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1").all())
        with pytest.raises(StoreFullError) as caught:
            await store.record(lease, [make.entry(text="x" * 100_000)])
    assert len(str(caught.value)) < 300
    assert len(str(caught.value.__cause__)) < 1000


def _sqlite_error(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StoreFullError, "no space left for the store DB: No space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), StoreFullError, "no space left for the store DB: Disk quota"),
        (OSError(errno.EROFS, "Read-only file system"), StoreReadOnlyError, "the store DB cannot be written: Read-only"),
        (OSError(errno.ELOOP, "Too many levels"), StoreError, "the store DB cannot be opened: Too many levels"),
        (_sqlite_error("SQLITE_IOERR_WRITE"), StoreFullError, r"the store DB cannot grow: disk I/O error \(check the disk"),
        (_sqlite_error("SQLITE_READONLY_DBMOVED"), StoreReadOnlyError, "the store DB cannot be written"),
        (_sqlite_error("SQLITE_CORRUPT_INDEX"), StoreCorruptError, "DB is not a store or is damaged"),
        (_sqlite_error("SQLITE_IOERR_READ"), StoreError, "the store DB cannot be used: disk I/O error"),
        (sqlite3.ProgrammingError(""), StoreError, "the store DB cannot be used: ProgrammingError"),
        (ArgumentError("first\nsecond"), StoreError, "the store DB cannot be used: first$"),
        (DBAPIError("SELECT", {}, _sqlite_error("SQLITE_FULL")), StoreFullError, "no space left for the store DB"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_becomes_one_of_ours(error, kind, message):
    with pytest.raises(StoreError, match=message) as caught, translating("DB"):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
