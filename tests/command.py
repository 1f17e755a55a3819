"""Commands and programs in this process, which has loaded what a new one would first have to load for a second."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from symposia.cli import main
from symposia.runtime.api import close_default


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


def in_process(folder: Path, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``symposia ARGUMENTS`` in ``folder`` under ``environment``; ``env`` adds variables."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["symposia", *arguments])
            return _run(main, folder, {**environment, **(env or {})}, stdin, patch)

    return run


def program_in_process(program: str, folder: Path, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Runs a program as ``python -c`` does, with a default session of its own."""
    module = ModuleType("__main__")

    def work() -> None:
        try:
            exec(compile(program, "<program>", "exec"), module.__dict__)
        finally:
            close_default()

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "__main__", module)
        return _run(work, folder, environment, "", patch)


def _run(work: Callable[[], object], folder: Path, environment: Mapping[str, str], stdin: str, patch: pytest.MonkeyPatch) -> Ran:
    streams = {"stdin": _stream(stdin), "stdout": _stream(), "stderr": _stream()}
    patch.chdir(folder)
    _replace_environment(patch, environment)
    for name, stream in streams.items():
        patch.setattr(sys, name, stream)
    patch.setattr(sys, "excepthook", sys.__excepthook__)
    return Ran(_exit_code(work), _text(streams["stdout"]), _text(streams["stderr"]))


def _exit_code(work: Callable[[], object]) -> int:
    """How the interpreter would end: what nobody caught is shown, and code 1."""
    try:
        work()
    except SystemExit as ended:
        return _whole(ended.code)
    except Exception as error:  # noqa: BLE001
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _whole(code: object) -> int:
    assert isinstance(code, int)
    return code


def _stream(text: str = "") -> io.TextIOWrapper:
    """A standard stream as a pipe would give it: bytes below, no terminal."""
    return io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


def _replace_environment(patch: pytest.MonkeyPatch, wanted: Mapping[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        patch.delenv(name)
    for name, value in wanted.items():
        patch.setenv(name, value)
