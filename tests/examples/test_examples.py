"""The examples run as their docstrings say. ``second_opinion`` is tried in ``tests/testing/test_third_party.py``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from symposia.testing import LoopbackServer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(folder: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "symposia.toml").write_text('store = "runs.db"\n')
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    more = {"SYMPOSIA_CONFIG": str(folder / "none.toml"), "PYTHONWARNINGS": "error"}
    (folder / "none.toml").touch()
    return subprocess.run(command, cwd=folder, env=clean | more, capture_output=True, text=True, check=False, timeout=120)


def test_a_host_that_crashed_goes_on_where_it_was(tmp_path: Path) -> None:
    """A real crash, in another process: of five samples two are here, three are asked for again, none of the two."""
    slow = iter([0.0, 0.0, 3600.0, 3600.0, 3600.0])
    with LoopbackServer([r"\boxed{144}"], latency=lambda rng: next(slow, 0.0)).running() as server:
        model = f"{server.url}#fake"
        crashed = run(tmp_path, "embed_in_graph.py", "--model", model, "--crash-after", "2", "How much is 12 * 12?")
        assert crashed.returncode == 1, crashed.stderr
        assert crashed.stdout.count("is here") == 2
        assert len(server.requests) == 5
        resumed = run(tmp_path, "embed_in_graph.py", "--model", model)
        assert resumed.returncode == 0, resumed.stderr
        assert len(server.requests) == 8
    asked = Counter(request.body["seed"] for request in server.requests)
    assert sorted(asked.values()) == [1, 1, 2, 2, 2]
    assert [request.state for request in server.requests].count("cancelled") == 3
    said = resumed.stdout.splitlines()
    assert said[-3:-1] == ["human: How much is 12 * 12?", "ai: 144"]
    assert said[-1].startswith("ai: 100% of the votes; see `symposia run show ")


def test_without_a_model_a_scripted_one_answers(tmp_path: Path) -> None:
    done = run(tmp_path, "embed_in_graph.py", "How much is 12 * 12?")
    assert done.returncode == 0, done.stderr
    assert "ai: 144" in done.stdout.splitlines()
