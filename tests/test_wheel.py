"""The wheel holds the package and nothing else, and every data file that the package reads."""

from __future__ import annotations

import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import symposia

ROOT = Path(__file__).resolve().parent.parent
DATA = {".toml", ".md", ".txt", ".json", ".jsonl", ".jinja", ".tcss"}
"""Kinds of files besides Python that folders of the library hold; each must reach the wheel."""


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [info.filename for info in archive.infolist() if stat.S_ISLNK(info.external_attr >> 16)]
        return set(archive.namelist())


def test_the_wheel_installs_one_package_only(members: set[str]) -> None:
    """A top-level ``agents`` or ``tools`` would clash with other distributions."""
    assert {name.split("/")[0] for name in members} == {"symposia", f"symposia-{symposia.__version__}.dist-info"}
    assert not [name for name in members if "__pycache__" in name]


def test_the_wheel_holds_the_data_that_the_package_reads(members: set[str]) -> None:
    assert {"symposia/py.typed", "symposia/models/catalogue.toml"} <= members
    assert [name for name in members if name.startswith("symposia/agents/prompts/")]
    assert [name for name in members if name.startswith("symposia/memory/migrations/versions/")]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in members)


def test_every_file_of_the_library_is_in_the_wheel(members: set[str]) -> None:
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    files = {path for folder in folders for path in folder.rglob("*") if path.suffix in DATA | {".py", ".mako"}}
    assert {f"symposia/{path.relative_to(ROOT).as_posix()}" for path in files} <= members
