"""Downloads: sources in order, resumed after every kind of interruption, checked before they are put into place."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import os
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

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
