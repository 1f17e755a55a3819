"""Another package's strategy, verifier, tool and engine: built as a wheel, put beside symposia, and used by name in real runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symposia.testing import LoopbackServer

from ..command import Ran

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "examples" / "second_opinion"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the example's wheel as an installer would unpack it."""
    folder = tmp_path_factory.mktemp("third-party")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    texts = [r"Nine and nine make \boxed{18}.", r"\boxed{19}", r"I would say that it is \boxed{18}, after some thought."]
    with LoopbackServer(texts).running() as server:
        yield server


@pytest.fixture
def run(site: Path, tmp_path: Path, server: LoopbackServer) -> Run:
    """Runs a command where the example is installed and the fake model is the default one."""
    (tmp_path / "symposia.toml").write_text(f'model = "{server.url}#fake"\nstore = "runs.db"\nmodels_dir = "models"\n')
    (tmp_path / "user.toml").write_text("")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
    here = str(Path(sys.executable).parent)

    def runner(*command: str, more: Path | None = None) -> subprocess.CompletedProcess[str]:
        paths = os.pathsep.join(str(path) for path in (site, more) if path is not None)
        environment = {"PATH": os.pathsep.join([here, clean["PATH"]]), "PYTHONPATH": paths, "PYTHONWARNINGS": "error"}
        environment["SYMPOSIA_CONFIG"] = str(tmp_path / "user.toml")
        return subprocess.run(
            command, cwd=tmp_path, env=clean | environment, capture_output=True, text=True, check=False, timeout=300
        )

    return runner


def lines_in_one(run: Run, *lines: list[str], more: Path | None = None) -> list[Ran]:
    """Several command lines in one process, which loads what each of its own would load for a second."""
    program = """
import json, os, pathlib, sys, pytest
sys.path.append(sys.argv[1])
from tests.command import in_process
run = in_process(pathlib.Path.cwd(), dict(os.environ), pytest.MonkeyPatch())
print(json.dumps([run(*line) for line in json.loads(sys.argv[2])]))
"""
    done = run(sys.executable, "-c", program, str(ROOT), json.dumps(lines), more=more)
    assert done.returncode == 0, done.stderr
    return [Ran(*ran) for ran in json.loads(done.stdout)]


@pytest.mark.integration
def test_its_own_conformance_tests_pass(run: Run) -> None:
    plain = ["-p", "no:cacheprovider", "-p", "no:asyncio", "-c", os.devnull]
    done = run(sys.executable, "-m", "pytest", "-q", *plain, str(PACKAGE / "tests"))
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_its_strategy_is_listed_explained_and_run(run: Run, server: LoopbackServer) -> None:
    asking = ["solve", "How much is 9 + 9?", "--strategy", "second-opinion", "--json"]
    listed, explained, solved = lines_in_one(run, ["strategies"], ["strategies", "second-opinion"], asking)
    assert "second-opinion" in listed.out
    assert "opinions" in explained.out
    assert solved.code == 0, solved.err
    result = solved.json
    assert (result["answer"], result["strategy"], result["stop_reason"]) == ("18", "second-opinion", "agreed")
    asked = [request.prompt for request in server.requests]
    assert len(asked) == 3
    assert ["Take another way" in prompt for prompt in asked] == [False, True, True], "its prompt file is part of the run"
    replayed = run("symposia", "run", "replay", result["run_id"])
    assert replayed.returncode == 0, replayed.stderr
    assert len(server.requests) == 3


def test_its_verifier_judges_with_its_tool(run: Run) -> None:
    options = ["--strategy", "best-of-n", "--set", "n=3", "--set", "verifier=brevity", "--set", "verifier_options.half=4"]
    done = run("symposia", "solve", "How much is 9 + 9?", *options, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["answer"], result["decided_by"]) == ("19", "best-of"), "the shortest solution, right or not"
    (score,) = result["candidate"]["scores"]
    assert score["value"] == 4 / 5
    assert score["evidence"][0] == {"tool": "count-words", "input": {"text": r"\boxed{19}"}, "output": 1, "error": None}


def test_its_engine_serves_a_model(run: Run, tmp_path: Path) -> None:
    """By the name of the engine in a catalogue entry: started for the run, and gone after it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "canned.txt").write_text(r"It is \boxed{7}.")
    program = """
import asyncio, json, symposia
from symposia.core.model_spec import ModelSpec, Weights

async def main():
    weights = Weights(file="canned.txt", size=16, sha256="0" * 64, licence="none", sources=())
    spec = ModelSpec(name="oracle", engine="canned", transport="direct", weights=weights)
    async with symposia.Session(models={"oracle": spec}) as session:
        result = await session.solve("3 + 4?", strategy="greedy", team="oracle")
        print(result.answer, result.candidate.model)

asyncio.run(main())
"""
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "7 oracle\n"


def test_a_broken_package_takes_only_itself_down(run: Run, tmp_path: Path) -> None:
    """Found when its name is asked for, said in one sentence, and in no other run's way."""
    metadata = tmp_path / "broken" / "broken-1.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    points = {
        "absent": "no_such_module:STRATEGY",
        "nameless": "broken_strategy:NOTHING",
        "stray": "broken_strategy:NUMBER",
        "raising": "broken_raising:STRATEGY",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (metadata / "entry_points.txt").write_text(f"[symposia.strategies]\n{lines}")
    (metadata.parent / "broken_strategy.py").write_text("NUMBER = 7\n")
    (metadata.parent / "broken_raising.py").write_text('raise RuntimeError("no licence for this machine")\n')
    said = {
        "absent": "strategy 'absent' (no_such_module:STRATEGY) cannot be loaded: No module named 'no_such_module'",
        "nameless": "strategy 'nameless' (broken_strategy:NOTHING) cannot be loaded: ",
        "stray": "strategy 'stray' (broken_strategy:NUMBER) is not a Strategy",
        "raising": "strategy 'raising' (broken_raising:STRATEGY) cannot be loaded: no licence for this machine",
    }
    questions = [["solve", "9 + 9?", "--strategy", name] for name in (*said, "greedy")]
    *asked, listed = lines_in_one(run, *questions, ["strategies"], more=metadata.parent)
    *broken, fine = asked
    for ran, sentence in zip(broken, said.values(), strict=True):
        assert ran.code == 2
        assert sentence in ran.err
        assert "Traceback" not in ran.err
    assert (fine.code, fine.out) == (0, "18\n")
    assert listed.code == 0
    assert "self-consistency" in listed.out
    assert all(f"left out: {sentence}" in listed.err for sentence in said.values())
