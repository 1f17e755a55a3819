"""`symposia models serve|ps|stop|check` as a user runs them, with a stand-in for vLLM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from symposia.models.engines.running import EngineRecord, EngineState, RunningEngines
from symposia.testing import LoopbackServer, write_vllm_python


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A model folder named ``tiny``."""
    path = tmp_path / "tiny"
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"max_position_embeddings": 1024}))
    return str(path)


@pytest.fixture
def running(environment: dict[str, str], tmp_path: Path) -> Iterator[RunningEngines]:
    environment["SYMPOSIA_VLLM_PYTHON"] = str(write_vllm_python(tmp_path))
    environment["TMPDIR"] = str(tmp_path)
    environment["VLLM_CPU_KVCACHE_SPACE"] = "0.001"
    engines = RunningEngines(Path(environment["XDG_DATA_HOME"]) / "symposia" / "engines")
    yield engines
    for record in engines.all():
        for process in (record.owner.process(), *record.living()):
            if process is not None and process.pid != os.getpid():
                process.kill()


@pytest.fixture
def serving(
    environment: dict[str, str], tmp_path: Path, running: RunningEngines
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``symposia models serve ARGUMENTS`` in the foreground."""
    started = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "symposia.cli", "models", "serve", *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def awaited(running: RunningEngines, state: EngineState, *, processes: int = 1, name: str = "tiny") -> EngineRecord:
    deadline = time.monotonic() + 60
    while (record := running.find(name)) is None or record.state is not state or len(record.living()) < processes:
        assert time.monotonic() < deadline, record
        time.sleep(0.02)
    return record


def ended(processes: list[psutil.Process], within: float = 20) -> bool:
    deadline = time.monotonic() + within
    while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_detached_until_stopped(symposia, folder: str, running: RunningEngines, tmp_path: Path) -> None:
    served = symposia("models", "serve", folder, "--detach", "--json", "--litellm-proxy", "proxy.yaml", "--alias", "small")
    assert served.code == 0, served.err
    assert "small is served by vllm in " in served.err
    assert served.json["state"] == "running"
    assert (served.json["context"], served.json["name"]) == (1024, "small")
    assert f'api_base: "{served.json["endpoint"]}"' in (tmp_path / "proxy.yaml").read_text()
    (shown,) = symposia("models", "ps", "--json").json
    assert (shown["endpoint"], shown["owner_pid"]) == (served.json["endpoint"], served.json["owner_pid"])
    assert shown["memory"] > 10_000_000

    again = symposia("models", "serve", folder, "--detach", "--alias", "small")
    assert again.code == 1
    assert f"small is served already at {shown['endpoint']}" in again.err
    unknown = symposia("models", "stop", "smal")
    assert unknown.code == 2
    assert "did you mean 'small'?" in unknown.err

    solved = symposia("solve", "2 + 3?", "--json", "--strategy", "greedy")
    assert "model: small (served by vllm" in solved.err, "what is served is the default"
    assert solved.json["models"] == {"policy": "small"}
    named = symposia("solve", "2 + 3?", "--model", "small", "--json", "--strategy", "greedy")
    assert named.json["total_usage"]["calls"] == 1

    processes = running.get("small").living()
    assert len(processes) == 4
    stopped = symposia("models", "stop", "small", "--json")
    assert (stopped.code, stopped.json) == (0, ["small"])
    assert ended(processes, within=0), "it returns when nothing is left"
    assert symposia("models", "ps", "--json").json == []
    assert symposia("models", "stop", "--all").code == 0, "nothing to do is no error"
    gone = symposia("run", "resume", solved.json["run_id"])
    assert gone.code == 0, "a finished run needs no engine"


def test_in_the_foreground_until_interrupted(serving, folder: str, running: RunningEngines, symposia) -> None:
    process = serving(folder, "--json")
    record = awaited(running, EngineState.RUNNING)
    processes = record.living()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert json.loads(out)["endpoint"] == record.endpoint
    assert "Ctrl-C ends it" in err
    assert ended(processes, within=0)
    assert running.all() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_while_it_loads(serving, folder: str, running: RunningEngines, number: signal.Signals) -> None:
    process = serving(folder, "--engine-arg=--fake-hang")
    processes = awaited(running, EngineState.STARTING, processes=2).living()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "ending tiny" in err
    assert ended(processes, within=0)
    assert running.all() == []


def test_a_detached_start_that_is_interrupted(serving, folder: str, running: RunningEngines) -> None:
    process = serving(folder, "--detach", "--engine-arg=--fake-hang")
    record = awaited(running, EngineState.STARTING, processes=2)
    assert record.owner.pid != process.pid
    processes = record.living()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert ended(processes, within=0)
    assert running.all() == []


def test_starting_is_told_and_taken(serving, folder: str, running: RunningEngines, symposia) -> None:
    serving(folder, "--engine-arg=--fake-hang")
    awaited(running, EngineState.STARTING)
    assert [shown["state"] for shown in symposia("models", "ps", "--json").json] == ["starting"]
    again = symposia("models", "serve", folder)
    assert (again.code, "is served already and is starting" in again.err) == (1, True)
    assert symposia("models", "stop", "tiny").code == 0
    assert running.all() == []


def test_nothing_outlives_an_owner_that_is_killed(symposia, folder: str, running: RunningEngines) -> None:
    assert symposia("models", "serve", folder, "--detach").code == 0
    record = running.get("tiny")
    processes = record.living()
    os.kill(record.owner.pid, signal.SIGKILL)
    assert ended(processes)
    (shown,) = symposia("models", "ps", "--json").json
    assert shown["state"] == "dead"
    doctor = symposia("doctor", "--json")
    finding = next(each for each in doctor.json if each["what"] == "engines")
    assert "tiny was dead or orphaned: cleared away" in finding["detail"]
    assert running.all() == []


def test_an_engine_that_dies_while_it_serves(serving, folder: str, running: RunningEngines, symposia) -> None:
    process = serving(folder)
    record = awaited(running, EngineState.RUNNING)
    os.kill(record.processes[1].pid, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "symposia: vllm ended while it was serving: " in err
    (shown,) = symposia("models", "ps", "--json").json
    assert shown["state"] == "dead"
    assert "FAKE vLLM" in Path(shown["log"]).read_text()
    assert symposia("models", "stop", "tiny").err.startswith("tiny was dead already")
    assert running.all() == []


def test_a_start_that_fails(symposia, folder: str, running: RunningEngines) -> None:
    for detach in ([], ["--detach"]):
        failed = symposia("models", "serve", folder, "--engine-arg=--fake-error=ValueError: no such model", *detach)
        assert failed.code == 1
        assert f"symposia: vllm did not start: {folder}: no such model (log: " in failed.err
    assert running.all() == []


def test_it_does_not_wait_for_ever(symposia, folder: str, running: RunningEngines) -> None:
    late = symposia("models", "serve", folder, "--engine-arg=--fake-hang", env={"SYMPOSIA_ENGINE_TIMEOUT": "1"})
    assert late.code == 1
    assert "vllm was not ready after 1 seconds" in late.err
    assert running.all() == []


def test_a_port_that_is_taken(symposia, folder: str, running: RunningEngines) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = symposia("models", "serve", folder, "--port", str(taken.getsockname()[1]))
    assert refused.code == 1
    assert "cannot be used: Address already in use (choose another with --port)" in refused.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["smollm2-13m"], "did you mean 'smollm2-135m'?"),
        (["smollm2-135m"], "the weights of smollm2-135m are not here"),
        (["openai/gpt-4o-mini"], "openai/gpt-4o-mini runs elsewhere already"),
        (["./none"], "there is no folder ./none"),
        (["."], "holds no model: its config.json cannot be read"),
        (["smollm2-135m", "--engine", "vlm"], "unknown engine 'vlm' (did you mean 'vllm'?)"),
    ],
)
def test_what_cannot_be_served(symposia, running: RunningEngines, arguments: list[str], message: str) -> None:
    refused = symposia("models", "serve", *arguments)
    assert refused.code in {1, 2}
    assert message in refused.err
    assert len(refused.err.splitlines()) == 1


def test_stop_wants_a_name_or_all(symposia) -> None:
    assert symposia("models", "stop").code == 2
    assert symposia("models", "stop", "m", "--all").code == 2


def test_check_asks_for_each_ability(symposia) -> None:
    with LoopbackServer("The answer is 5.").running() as server:
        checked = symposia("models", "check", f"{server.url}#fake", "--json")
        table = symposia("models", "check", f"{server.url}#fake")
    assert {each["ability"]: each["ok"] for each in checked.json} == {"chat": True, "n": True, "seed": True}
    assert checked.code == 0
    assert table.out.splitlines()[0].split() == ["ABILITY", "STATE", "DETAIL"]


def test_check_of_what_is_not_served(symposia) -> None:
    refused = symposia("models", "check", "smollm2-135m")
    assert refused.code == 1
    assert "smollm2-135m is not being served (run `symposia models serve smollm2-135m --detach` first)" in refused.err
