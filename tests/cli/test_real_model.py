"""The whole command on a real model: SmolLM2-135M served by llama.cpp, as `make integration` pulls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from symposia.models.catalogue import Catalogue
from symposia.models.weights import installed, models_folder


@pytest.fixture
def symposia(symposia_process):
    """Loading a model in this process would leave its memory behind."""
    return symposia_process


MODEL = "smollm2-135m"
QUESTION = "Tom has 3 apples and buys 4 more. How many apples does he have?"

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def weights(environment: dict[str, str]) -> None:
    if installed(Catalogue.load().get(MODEL)) is None:
        pytest.fail(f"{MODEL} is not downloaded: `symposia models pull {MODEL}`")
    environment["SYMPOSIA_MODELS_DIR"] = str(models_folder())


def engines() -> list[int]:
    """Pids of llama.cpp servers of ours that are alive."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        if any("llamacpp_server" in part for part in command) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


@pytest.fixture(autouse=True)
def leaves_no_engine():
    before = engines()
    yield
    deadline = time.monotonic() + 10
    while set(engines()) - set(before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not set(engines()) - set(before)


def test_a_real_model_judges_its_own_samples(symposia) -> None:
    options = ["--strategy", "best-of-n", "--set", "n=2", "--set", "max_tokens=96"]
    ran = symposia("solve", QUESTION, "--model", MODEL, "--json", *options, timeout=300)
    result = ran.json
    judged = [candidate["scores"] for candidate in result["candidates"] if candidate["answer"]]
    assert all(len(scores) == 1 and 0 < scores[0]["value"] < 1 for scores in judged), ran.err
    assert result["usage"].get("verifier", {"calls": 0})["calls"] == len({c["text"] for c in result["candidates"] if c["answer"]})
    replayed = symposia("run", "replay", result["run_id"], "--json").json
    assert replayed["candidates"] == result["candidates"]


@pytest.mark.parametrize("options", [["--strategy", "greedy"], ["--set", "n=4"], ["--set", "n=6", "--set", "stop=beta"]])
def test_solve_and_replay(symposia, options: list[str]) -> None:
    ran = symposia("solve", QUESTION, "--model", MODEL, "--json", "--set", "max_tokens=128", *options, timeout=300)
    result = ran.json
    # So small a model may well say nothing readable; what counts is that the run ends as what it was.
    assert (ran.code, result["status"]) in {(0, "answered"), (3, "no_answer")}, ran.err
    assert result["models"] == {"policy": MODEL}
    assert result["total_usage"]["completion_tokens"] > 0
    assert result["total_usage"]["prompt_tokens"] > 20 * len(result["candidates"])
    replayed = symposia("run", "replay", result["run_id"], "--json").json
    assert replayed | {"seconds": 0} == result | {"seconds": 0}


def test_the_default_model_is_the_one_that_is_here(symposia) -> None:
    ran = symposia("solve", QUESTION, "--strategy", "greedy", "--set", "max_tokens=64", timeout=300)
    assert ran.code in {0, 3}
    assert "none was named" in ran.err


def test_a_token_budget_holds(symposia) -> None:
    options = ["--set", "n=8", "--set", "max_tokens=64", "--budget", "completion_tokens=200"]
    result = symposia("solve", QUESTION, "--model", MODEL, "--json", *options, timeout=300).json
    assert result["stop_reason"] == "budget"
    assert 0 < result["total_usage"]["completion_tokens"] <= 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_and_its_engine_ends(symposia, tmp_path: Path, environment, number: signal.Signals) -> None:
    options = ["--set", "n=12", "--set", "max_tokens=200", "--json"]
    command = [sys.executable, "-m", "symposia.cli", "solve", QUESTION, "--model", MODEL, *options]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while (
        not (runs := symposia("run", "list", "--json").json)
        or "call_finished" not in symposia("run", "events", runs[0]["id"]).out
    ):
        assert process.poll() is None, process.communicate()
    os.kill(process.pid, number)
    out, _ = process.communicate(timeout=60)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert json.loads(out)["status"] == "cancelled"
    (record,) = symposia("run", "list", "--json").json
    assert record["state"] == "interrupted"
    resumed = symposia("run", "resume", record["id"], "--json", timeout=300)
    assert resumed.code in {0, 3}, resumed.err
    assert len(resumed.json["candidates"]) == 12


def test_the_library_in_a_program(tmp_path: Path, environment) -> None:
    program = f"""
import asyncio, symposia

async def main():
    return await symposia.solve({QUESTION!r}, strategy="greedy", team={MODEL!r}, options={{"max_tokens": 64}})

first = asyncio.run(main())
second = symposia.solve_sync({QUESTION!r}, strategy="greedy", team={MODEL!r}, options={{"max_tokens": 64}})
assert first.candidate is None or first.candidate.text == second.candidate.text
print(second.status, second.total_usage.completion_tokens)
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] in {"answered", "no_answer"}
