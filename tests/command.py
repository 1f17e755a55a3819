"""The command in this process, which has loaded what a new one would first have to load for a second."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping
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


def in_process(folder: Path, environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs ``symposia ARGUMENTS`` in ``folder`` under ``environment``; ``env`` adds variables."""

    def run(*arguments: str, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        streams = {"stdin": _stream(stdin), "stdout": _stream(), "stderr": _stream()}
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            _replace_environment(patch, {**environment, **(env or {})})
            patch.setattr(sys, "argv", ["symposia", *arguments])
            for name, stream in streams.items():
                patch.setattr(sys, name, stream)
            with pytest.raises(SystemExit) as ended:
                main()
        code = ended.value.code
        assert isinstance(code, int)
        return Ran(code, _text(streams["stdout"]), _text(streams["stderr"]))

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
