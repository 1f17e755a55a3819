from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symposia.testing import LoopbackServer


@pytest.fixture
def server():
    with LoopbackServer(lambda prompt, sample: f"So \\boxed{{{[18, 18, 20][sample % 3]}}}").running() as running:
        yield running


def solve(server: LoopbackServer, *more: str) -> list[str]:
    return ["solve", "6 + 12?", "--model", f"{server.url}#fake", *more]


def test_json_has_what_a_program_needs(symposia, server) -> None:
    ran = symposia(*solve(server, "--json", "--set", "n=6"))
    assert ran.code == 0, ran.err
    result = ran.json
    assert {"answer", "status", "stop_reason", "confidence", "selections", "usage", "run_id"} <= set(result)
    assert (result["answer"], result["status"], result["stop_reason"]) == ("18", "answered", "finished")
    assert result["confidence"] == pytest.approx(4 / 6)
    assert result["selections"]["majority"]["answer"] == "18"
    assert len(result["candidates"]) == 6


def test_stdout_is_the_answer_and_stderr_the_rest(symposia, server) -> None:
    ran = symposia(*solve(server))
    assert ran.out == "18\n"
    assert "votes" in ran.err
    assert "cost tokens" in ran.err
    assert "\x1b" not in ran.err, "no terminal, no escape sequences"


@pytest.mark.parametrize("source", ["-", "@question.txt"])
def test_the_question_from_elsewhere(symposia, server, tmp_path: Path, source: str) -> None:
    (tmp_path / "question.txt").write_text("What is 6 + 12?")
    ran = symposia("solve", source, "--model", f"{server.url}#fake", stdin="What is 6 + 12?")
    assert ran.out == "18\n", ran.err
    assert "What is 6 + 12?" in server.requests[-1].prompt


def test_seed_and_options_reach_the_server(symposia, server) -> None:
    symposia(*solve(server, "--seed", "7", "--set", "n=1", "--set", "temperature=0.25", "--set", "max_tokens=99"))
    seven = server.requests[-1].body
    symposia(*solve(server, "--seed", "8", "--set", "n=1"))
    eight = server.requests[-1].body
    assert (seven["temperature"], seven["max_tokens"]) == (0.25, 99)
    assert seven["seed"] != eight["seed"]


def test_no_answer_is_exit_code_3(symposia) -> None:
    with LoopbackServer(lambda prompt, sample: "I cannot say.").running() as server:
        ran = symposia(*solve(server))
    assert (ran.code, ran.out) == (3, "")


def test_budget_gone_is_exit_code_4(symposia) -> None:
    with LoopbackServer(lambda prompt, sample: "I cannot say.").running() as server:
        ran = symposia(*solve(server, "--set", "batched=false", "--budget", "2", "--json"))
    assert (ran.code, ran.json["status"], ran.json["stop_reason"]) == (4, "no_answer", "budget")


def test_text_answers_are_printed_whole(symposia) -> None:
    with LoopbackServer(lambda prompt, sample: "First line.\nSecond \x1b[31mline.").running() as server:
        ran = symposia(*solve(server, "--strategy", "greedy", "--answer-kind", "text"))
    assert ran.out == "First line.\nSecond [31mline.\n"


def test_run_list_show_events_and_replay(symposia, server) -> None:
    assert symposia("run", "list", "--json").json == []
    run_id = symposia(*solve(server, "--json")).json["run_id"]
    assert [run["id"] for run in symposia("run", "list", "--json").json] == [run_id]
    assert run_id in symposia("run", "list").out
    assert "6 + 12?" in symposia("run", "show", run_id[:8]).out
    events = [json.loads(line) for line in symposia("run", "events", run_id).out.splitlines()]
    assert events[-1]["event"]["type"] == "run_finished"
    assert symposia("run", "events", run_id, "--after", str(events[-2]["seq"])).out.count("\n") == 1
    requests = len(server.requests)
    replayed = symposia("run", "replay", run_id)
    assert (replayed.code, replayed.out) == (0, "18\n")
    again = symposia("run", "resume", run_id)
    assert "has ended" in again.err
    assert again.out == "18\n"
    assert len(server.requests) == requests


def test_strategies_and_config(symposia, tmp_path: Path) -> None:
    names = [strategy["name"] for strategy in symposia("strategies", "--json").json]
    assert {"greedy", "self-consistency"} <= set(names)
    shown = symposia("strategies", "self-consistency")
    assert "window" in shown.out
    assert "Calls in flight" in shown.out
    (tmp_path / "symposia.toml").write_text('model = "smollm2-135m"\n[strategies.self-consistency]\nn = 3\n')
    values = symposia("config", "show", "--json", env={"SYMPOSIA_SEED": "5"}).json
    assert values["model"]["value"] == "smollm2-135m"
    assert "symposia.toml:1" in values["model"]["origin"]
    assert values["seed"] == {"value": 5, "origin": "SYMPOSIA_SEED"}
    assert values["strategies.self-consistency.n"]["value"] == 3


def test_configured_options_hold_and_flags_win(symposia, server, tmp_path: Path) -> None:
    (tmp_path / "symposia.toml").write_text(f'model = "{server.url}#fake"\n[strategies.self-consistency]\nn = 3\n')
    assert len(symposia("solve", "?", "--json").json["candidates"]) == 3
    assert len(symposia("solve", "?", "--json", "--set", "n=2").json["candidates"]) == 2


def started(arguments: list[str], folder: Path, environment: dict[str, str], server: LoopbackServer, requests: int):
    command = [sys.executable, "-m", "symposia.cli", *arguments]
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 30
    while sum(request.state != "open" for request in server.requests) < requests and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_softly(symposia, tmp_path: Path, environment, number: signal.Signals) -> None:
    with LoopbackServer(["\\boxed{18}"], latency=lambda rng: 0.1 if rng.random() < 0.5 else 60, seed=3).running() as server:
        arguments = solve(server, "--set", "batched=false", "--json")
        process = started(arguments, tmp_path, environment, server, 2)
        time.sleep(0.2)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        result = json.loads(out)
        assert process.returncode == 130, err
        assert (result["status"], result["stop_reason"], result["answer"]) == ("cancelled", "steered", "18")
        assert "Traceback" not in err
        server._latency = 0.0
        resumed = symposia("run", "resume", result["run_id"], "--json")
    assert (resumed.code, resumed.json["status"], len(resumed.json["candidates"])) == (0, "answered", 8)
    assert len(server.cancelled) == 8 - len(result["candidates"])


def test_the_second_ctrl_c_ends_now_and_leaves_a_resumable_run(symposia, tmp_path: Path, environment) -> None:
    with LoopbackServer(["\\boxed{18}"], latency=60).running() as server:
        process = started(solve(server, "--set", "batched=false"), tmp_path, environment, server, 0)
        while len(server.requests) < 8:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGSTOP)  # so that both signals wait for it together, as an impatient hand sends them
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        os.kill(process.pid, signal.SIGCONT)
        _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert "Traceback" not in err
        (record,) = symposia("run", "list", "--json").json
        assert record["state"] == "interrupted"
        server._latency = 0.0
        assert symposia("run", "resume", record["id"]).out == "18\n"


def test_a_running_run_can_be_paused_resumed_and_stopped(symposia, tmp_path: Path, environment) -> None:
    with LoopbackServer(["\\boxed{18}", "\\boxed{20}"], latency=0.05).running() as server:
        options = ["--set", "stop=beta", "--set", "confidence=0.99999999999", "--set", "n=1024", "--set", "window=1", "--json"]
        process = started(solve(server, *options), tmp_path, environment, server, 1)
        (record,) = symposia("run", "list", "--json").json
        assert record["state"] == "running"
        assert symposia("run", "resume", record["id"]).code == 2, "a running run is executed by its owner only"
        symposia("run", "pause", record["id"])
        while symposia("run", "list", "--json").json[0]["state"] != "paused":
            assert process.poll() is None
        made = len(server.requests)
        time.sleep(0.5)
        assert len(server.requests) == made
        symposia("run", "resume", record["id"])
        symposia("run", "stop", record["id"])
        out, err = process.communicate(timeout=20)
    assert json.loads(out)["stop_reason"] == "steered", err


@pytest.mark.parametrize("group", [[], ["run"], ["models"], ["config"]])
def test_a_group_without_a_command_shows_its_help(symposia, group: list[str]) -> None:
    ran = symposia(*group)
    assert (ran.code, ran.err) == (0, "")
    assert "Commands:" in ran.out
