"""What importing costs, in a fresh interpreter: import-linter reads the source, this sees what really happens."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

RecordProperty = Callable[[str, object], None]

HEAVY = ("litellm", "torch", "textual", "vllm", "langgraph", "sqlalchemy", "aiohttp")

_PROBE = """
import json, sys, time
begin = time.perf_counter()
{statement}
seconds = time.perf_counter() - begin
print(json.dumps({{"modules": sorted(sys.modules), "seconds": seconds}}))
"""


def _imported(statement: str) -> tuple[set[str], float]:
    done = subprocess.run(
        [sys.executable, "-c", _PROBE.format(statement=statement)], capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    return set(found["modules"]), found["seconds"]


def test_importing_symposia_loads_nothing_heavy(record_property: RecordProperty) -> None:
    modules, seconds = _imported("import symposia")
    record_property("import_seconds", seconds)
    print(f"import symposia: {seconds * 1000:.1f} ms")
    assert not modules & set(HEAVY)
    assert not {name for name in modules if name.startswith("symposia.")}, "the front door loads each name when it is used"


def test_core_needs_no_machinery() -> None:
    modules, _ = _imported("from symposia import Problem, Budget, Usage, Result, SymposiaError")
    assert not modules & set(HEAVY)


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_answers_without_machinery(argument: str) -> None:
    statement = (
        "import contextlib, io, symposia.cli\n"
        f"sys.argv = ['symposia', {argument!r}]\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    symposia.cli.main()"
    )
    modules, _ = _imported(statement)
    assert not modules & set(HEAVY)


def test_help_is_quick(record_property: RecordProperty) -> None:
    """Aimed at 0.3 s; asserted at ten times that, since a shared machine proves nothing finer."""
    begin = time.perf_counter()
    subprocess.run([Path(sys.executable).with_name("symposia"), "--help"], capture_output=True, check=True, timeout=60)
    seconds = time.perf_counter() - begin
    record_property("help_seconds", seconds)
    print(f"symposia --help: {seconds:.2f} s")
    assert seconds < 3
