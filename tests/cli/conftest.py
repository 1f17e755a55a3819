"""The real command against a real server on loopback, in this process or in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from symposia.cli import main


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment without anything of the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
    home = tmp_path / "home"
    home.mkdir()
    return kept | {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}


@pytest.fixture
def symposia(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``symposia ARGUMENTS`` in an empty folder; ``env`` adds variables.

    In this process, which has loaded what a new one would first have to load for a second. Tests of signals, of killed
    processes and of what outlives a command take :func:`symposia_process`.
    """

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        streams = {"stdin": _stream(stdin), "stdout": _stream(), "stderr": _stream()}
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            _replace_environment(patch, environment | (env or {}))
            patch.setattr(sys, "argv", ["symposia", *arguments])
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, _text(streams["stdout"]), _text(streams["stderr"]))

    return run


@pytest.fixture
def symposia_process(tmp_path: Path, environment: dict[str, str]) -> Command:
    """As :func:`symposia`, in a process of its own that ends with the command."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None, timeout: float = 60) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "symposia.cli", *arguments],
            check=False,
            cwd=tmp_path,
            env=environment | (env or {}),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def _stream(text: str = "") -> io.TextIOWrapper:
    """A standard stream as a pipe would give it: bytes below, no terminal."""
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _replace_environment(patch: pytest.MonkeyPatch, wanted: dict[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)
