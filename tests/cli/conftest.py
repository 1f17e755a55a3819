"""The real command against a real server on loopback, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..command import Command, Ran, in_process


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

    In this process. Tests of signals, of killed processes and of what outlives a command take :func:`symposia_process`.
    """
    return in_process(tmp_path, environment, monkeypatch)


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
