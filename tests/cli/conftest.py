"""The real command in a process of its own, against a real server on loopback.

The process is forked from one that has imported the command already: importing LangGraph takes longer than most tests. Tests
that kill a command, or look at how it starts, start it themselves.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, NamedTuple

import pytest

_FORKED = Path(__file__).with_name("forked_command.py")


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


@pytest.fixture(scope="session")
def forks() -> ForkServerContext:
    """Makes processes in which everything that the command needs is imported."""
    context = multiprocessing.get_context("forkserver")
    commands = [f"symposia.cli.{name}" for name in ("app", "solve", "strategies", "runs", "models", "doctor", "config")]
    context.set_forkserver_preload([*commands, "symposia.graphs.best_of_n", "symposia.graphs.self_consistency"])
    return context


@pytest.fixture
def symposia(tmp_path: Path, environment: dict[str, str], forks: ForkServerContext) -> Command:
    """Runs ``symposia ARGUMENTS`` in an empty folder; ``env`` adds variables. ``fresh`` starts an interpreter for it."""

    def start(arguments: tuple[str, ...], stdin: str, env: dict[str, str], timeout: float) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "symposia.cli", *arguments],
            check=False,
            cwd=tmp_path,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def fork(arguments: tuple[str, ...], stdin: str, env: dict[str, str], timeout: float) -> Ran:
        pipes = [tmp_path.parent / f"{tmp_path.name}.{name}" for name in ("in", "out", "err")]
        pipes[0].write_text(stdin)
        request = {"arguments": arguments, "folder": tmp_path, "environment": env, "pipes": pipes}
        process = forks.Process(target=runpy.run_path, args=(str(_FORKED), {"REQUEST": request}))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        return Ran(process.exitcode, pipes[1].read_text(), pipes[2].read_text())

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None, timeout: float = 60, fresh: bool = False) -> Ran:
        return (start if fresh else fork)(arguments, stdin, environment | (env or {}), timeout)

    return run
