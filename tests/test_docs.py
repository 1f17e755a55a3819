"""Runs the documentation: each python fence, and each ``$ symposia …`` line, against the scripted fake model.

A fence stands alone, as a reader copies it: it runs in a fresh folder whose ``symposia.toml`` names the fake model and a
store of its own. A fence that cannot run says so with a reason in its info string (``python no-run: needs a GPU``), and
there may only be :data:`MAX_EXCLUDED` of them. Of console fences only the ``$ symposia`` lines run, one after the other in
one folder; each must succeed unless the line before it is ``# exit N``.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from symposia.testing import LoopbackServer

from .command import Ran, in_process, program_in_process

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MAX_EXCLUDED = 4
REPLY = "Each of the two halves comes to nine, and twice nine is eighteen.\n\n$9 + 9 = 18$\n\nThe answer is \\boxed{18}."

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]+)\n(?P<body>.*?)^(?P=indent)```[ ]*$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`]*\"")
_SHELL = re.compile(r"[|&;<>$`*?~]|^[A-Z_]+=")
_READ = re.compile(r"\$\(cat (\w+)\)")
_WRITTEN = re.compile(r"(.*?)(?: > ([\w.]+))?")
_COMMAND = re.compile(r"\$ (?P<command>(?:[A-Z_]+=\S* )*symposia(?:\s.*)?)$")


class Fence(NamedTuple):
    """A fence of a page."""

    page: Path
    line: int
    language: str
    excluded: str
    """Why it cannot run; empty where it can."""
    body: str

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    def commands(self) -> list[tuple[str, int]]:
        """The ``$ symposia`` lines with the exit code each must give; a trailing backslash joins lines."""
        found, expected = [], 0
        for line in self.body.replace("\\\n", "").splitlines():
            if match := re.fullmatch(r"# exit (\d+)", line.strip()):
                expected = int(match[1])
            elif match := _COMMAND.match(line):
                found.append((match["command"], expected))
                expected = 0
        return found


def _fences(page: Path) -> Iterator[Fence]:
    text = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(text):
        language, _, rest = match["info"].strip().partition(" ")
        body = re.sub(rf"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        yield Fence(page, text.count("\n", 0, match.start()) + 1, language, rest.strip(), body)


FENCES = [fence for page in PAGES if page.exists() for fence in _fences(page)]
PYTHON = [fence for fence in FENCES if fence.language == "python" and not fence.excluded]
CONSOLE = [fence for fence in FENCES if fence.language in {"console", "sh"} and not fence.excluded and fence.commands()]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Base address of a server that gives every prompt the same worked answer."""
    with LoopbackServer([REPLY]).running() as server:
        yield server.url


@pytest.fixture
def environment(tmp_path: Path, url: str) -> dict[str, str]:
    """A home without configuration, and the folder's own, which names the fake model."""
    (tmp_path / "symposia.toml").write_text(f'model = "{url}#fake"\nstore = "runs.db"\nmodels_dir = "models"\n')
    (tmp_path / "user.toml").write_text("")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), clean.get("PATH", "")])
    return clean | {"SYMPOSIA_CONFIG": str(tmp_path / "user.toml"), "PATH": path, "COLUMNS": "120", "PYTHONWARNINGS": "error"}


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("fence", PYTHON, ids=lambda fence: fence.id)
def test_python_examples_run(fence: Fence, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = program_in_process(fence.body, tmp_path, environment, monkeypatch)
    assert ran.code == 0, f"{fence.id}\n{ran.out}\n{ran.err}"


def test_the_first_python_example_runs_in_a_process_of_its_own(tmp_path: Path, environment: dict[str, str]) -> None:
    """What the others leave to the process they share: the end of the interpreter, which closes the default session."""
    done = _run([sys.executable, "-c", PYTHON[0].body], tmp_path, environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fence", CONSOLE, ids=lambda fence: fence.id)
def test_console_examples_run(fence: Fence, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that asks no more of the shell than to write and read a file runs in this process, at a fraction of the time."""
    symposia = in_process(tmp_path, environment, monkeypatch)
    for command, expected in fence.commands():
        asked, target = _WRITTEN.fullmatch(_READ.sub(lambda read: (tmp_path / read[1]).read_text().strip(), command)).groups()
        if _SHELL.search(_QUOTED.sub("", asked)):
            done = _run(["bash", "-o", "pipefail", "-c", command], tmp_path, environment)
            ran = Ran(done.returncode, done.stdout, done.stderr)
        else:
            ran = symposia(*shlex.split(asked)[1:])
            if target is not None:
                (tmp_path / target).write_text(ran.out)
        assert ran.code == expected, f"{fence.id}: {command}\n{ran.out}\n{ran.err}"


def test_few_examples_are_excluded_and_each_says_why() -> None:
    excluded = [fence for fence in FENCES if fence.excluded]
    assert [fence.id for fence in excluded if not re.fullmatch(r"no-run: \S.{5,}", fence.excluded)] == []
    assert len(excluded) <= MAX_EXCLUDED


def test_every_link_inside_the_repository_leads_somewhere() -> None:
    dead = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert dead == []


def test_fences_are_found_with_line_reason_and_exit_codes(tmp_path: Path) -> None:
    page = ROOT / "docs" / "sample.md"
    sample = tmp_path / "sample.md"
    sample.write_text(
        "# A\n\n```python\nx = 1\n```\n\n- item\n  ```python no-run: needs a GPU\n  y = 2\n  ```\n\n"
        "```console\n$ make solve\n$ symposia a \\\n  b\nout\n# exit 3\n$ X=1 symposia c | head\n$ symposiac\n```\n"
    )
    first, second, third = (fence._replace(page=page) for fence in _fences(sample))
    assert (first.id, first.body, first.excluded) == ("docs/sample.md:3", "x = 1\n", "")
    assert (second.body, second.excluded) == ("y = 2\n", "no-run: needs a GPU")
    assert third.commands() == [("symposia a   b", 0), ("X=1 symposia c | head", 3)]
