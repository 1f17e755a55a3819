"""The vLLM engine for real: served by one command, used by others, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from symposia.core.model_spec import Ability, ModelSpec
from symposia.models.engines.running import EngineState

QUESTION = "Tom has 3 apples and buys 4 more. How many apples does he have?"

pytestmark = pytest.mark.integration

MODEL = "smollm2-135m"
START_SECONDS = 400


def all_gone(processes: list[psutil.Process], within: float = 15) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=within)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_what_is_served(vllm_machine, vllm_server: ModelSpec) -> None:
    (shown,) = vllm_machine.symposia("models", "ps", "--json").json
    assert (shown["name"], shown["engine"], shown["state"]) == (MODEL, "vllm", "running")
    assert shown["endpoint"] == vllm_server.endpoint
    assert shown["memory"] > 1_000_000_000
    assert vllm_server.context == 4096
    assert Ability.N in vllm_server.abilities
    assert Ability.SEED not in vllm_server.abilities, "a seed crashes the CPU build"
    assert vllm_server.memory is not None
    assert vllm_server.memory / 2 < shown["memory"] < vllm_server.memory * 2, "the estimate is of the right size"


def test_it_does_what_is_declared(vllm_machine, vllm_server: ModelSpec) -> None:
    checked = vllm_machine.symposia("models", "check", MODEL, "--json")
    assert {each["ability"]: each["ok"] for each in checked.json} == dict.fromkeys(vllm_server.abilities, True), checked.out
    assert checked.code == 0


@pytest.mark.parametrize("transport", ["litellm", "direct"])
def test_a_vote_in_one_request(vllm_machine, transport: str) -> None:
    options = ["--strategy", "self-consistency", "--set", "n=4", "--set", "max_tokens=48", "--json"]
    ran = vllm_machine.symposia("solve", QUESTION, *options, SYMPOSIA_TRANSPORT=transport)
    assert f"{MODEL} (served by vllm" in ran.err, "nothing was named: what is served is taken"
    result = ran.json
    assert ran.code in {0, 3}, ran.err
    assert len(result["candidates"]) == 4
    assert result["total_usage"]["calls"] == 1
    assert result["total_usage"]["completion_tokens"] > 48, "the tokens of all samples are counted"


def test_a_name_is_served_once(vllm_machine) -> None:
    again = vllm_machine.symposia("models", "serve", MODEL, "--engine", "vllm", "--detach")
    assert again.code == 1
    assert f"{MODEL} is served already at http://127.0.0.1:" in again.err


def test_a_start_that_cannot_work_says_why(new_machine: Callable[[], Any]) -> None:
    machine = new_machine()
    refused = machine.symposia("models", "serve", MODEL, "--engine", "vllm", "--engine-arg=--no-such-flag", timeout=START_SECONDS)
    assert refused.code == 1
    assert "vllm did not start: unrecognized arguments: --no-such-flag" in refused.err
    assert machine.running.all() == []


def test_interrupted_while_it_loads(new_machine: Callable[[], Any]) -> None:
    machine = new_machine()
    command = [sys.executable, "-m", "symposia.cli", "models", "serve", MODEL, "--engine", "vllm"]
    serving = subprocess.Popen(command, env=machine.environment, cwd=machine.home, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + START_SECONDS
    while (record := machine.running.find(MODEL)) is None or len(record.living()) < 3:  # the guard, the server, its first child
        assert serving.poll() is None, serving.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.2)
    processes = record.living()
    serving.send_signal(signal.SIGINT)
    _, err = serving.communicate(timeout=30)
    assert serving.returncode == 130, err
    assert all_gone(processes)
    assert machine.running.all() == []


def test_nothing_outlives_an_owner_that_is_killed(new_machine: Callable[[], Any]) -> None:
    machine = new_machine()
    assert machine.symposia("models", "serve", MODEL, "--engine", "vllm", "--detach", timeout=START_SECONDS).code == 0
    record = machine.running.get(MODEL)
    processes = record.living()
    assert len(processes) >= 4, "guard, server, engine core, worker"
    os.kill(record.owner.pid, signal.SIGKILL)
    assert all_gone(processes)
    assert machine.running.get(MODEL).state is EngineState.DEAD
    assert MODEL in machine.symposia("models", "stop", "--all", "--json").json
    assert machine.running.all() == []
