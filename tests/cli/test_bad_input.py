"""Bad input: one clear sentence on stderr, the documented exit code, nothing lost."""

from __future__ import annotations

import functools
import socket
import sqlite3
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from symposia.testing import Fault, LoopbackServer


@pytest.fixture
def server():
    with LoopbackServer(["\\boxed{18}"]).running() as running:
        yield running


def sentence(ran, code: int, *parts: str) -> None:
    """Exactly one line on stderr, with these parts, and this exit code."""
    assert ran.code == code, ran
    assert ran.out == ""
    lines = ran.err.strip().splitlines()
    assert len(lines) == 1, ran.err
    for part in parts:
        assert part in lines[0]


def test_unknown_names_come_with_the_nearest(symposia, server, tmp_path: Path) -> None:
    model = ["--model", f"{server.url}#fake"]
    sentence(symposia("solv", "?"), 2, "unknown command 'solv'", "'solve'")
    sentence(symposia("solve", "?", "--strategy", "self-consistancy", *model), 2, "unknown strategy", "'self-consistency'")
    sentence(symposia("solve", "?", "--model", "smollm2-135"), 2, "unknown model", "'smollm2-135m'")
    sentence(symposia("solve", "?", "--set", "widnow=3", *model), 2, "unknown option 'widnow'", "'window'")
    sentence(symposia("solve", "?", "--budget", "call=3", *model), 2, "unknown budget 'call'", "'calls'")
    sentence(symposia("solve", "?", "--team", "best", *model), 2, "unknown team 'best'")
    sentence(symposia("strategies", "gredy"), 2, "unknown strategy 'gredy'", "'greedy'")
    sentence(symposia("run", "show", "nothing"), 2, "nothing")
    (tmp_path / "symposia.toml").write_text('modell = "x"\n')
    sentence(symposia("solve", "?"), 2, "symposia.toml", "'modell'", "'model'")


def test_options_that_cannot_be_used(symposia, server) -> None:
    model = ["--model", f"{server.url}#fake"]
    sentence(symposia("solve", "?", "--set", "n=0", *model), 2, "n=0", "greater than or equal to 1")
    sentence(symposia("solve", "?", "--set", "n", *model), 2, "key=value")
    sentence(symposia("solve", "?", "--set", "stop=never", *model), 2, "stop='never'")
    sentence(symposia("solve", "?", "--model", "verifier=", *model), 2, "no model is named")
    sentence(symposia("solve", "?", "--budget", "seconds=soon", *model), 2, "seconds=soon")
    sentence(symposia("solve", "?", "--answer-kind", "text", *model), 2, "cannot compare answers of kind text", "greedy")
    sentence(symposia("solve", "?", "--budget", "dollars=1", *model), 2, "price", "unknown")


@pytest.mark.parametrize("budget", ["0", "calls=0", "tokens=0", "dollars=0", "seconds=0"])
def test_a_budget_of_zero(symposia, server, budget: str) -> None:
    sentence(symposia("solve", "?", "--budget", budget, "--model", f"{server.url}#fake"), 2, "=0", "no model call")
    assert server.requests == []


def test_questions_that_cannot_be_asked(symposia, server, tmp_path: Path) -> None:
    model = ["--model", f"{server.url}#fake"]
    for empty in ("", "   ", "-"):
        sentence(symposia("solve", empty, *model), 2, "the question is empty")
    sentence(symposia("solve", "@missing.txt", *model), 2, "missing.txt", "No such file")
    (tmp_path / "large.txt").write_text("x" * 1_000_000)
    sentence(symposia("solve", "@large.txt", *model), 2, "1,000,000 characters", "200,000")
    sentence(symposia("solve", "-", *model, stdin="x" * 1_000_000), 2, "characters", "200,000")
    assert server.requests == []


def test_an_endpoint_where_nobody_answers(symposia) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sentence(symposia("solve", "?", "--model", f"http://127.0.0.1:{port}/v1#fake"), 5, f"127.0.0.1:{port}")


def test_a_server_that_went_away_leaves_a_run_to_be_tried_again(symposia) -> None:
    with LoopbackServer(["\\boxed{18}"], faults=lambda request: Fault.server_error()).running() as server:
        ran = symposia("solve", "?", "--model", f"{server.url}#fake", env={"SYMPOSIA_MAX_ATTEMPTS": "1"})
        assert (ran.code, ran.out) == (5, "")
        assert "Traceback" not in ran.err
        record = symposia("run", "list", "--json").json[0]
        assert record["result"]["status"] == "failed"
        server._faults = ()
        assert symposia("run", "resume", record["id"]).out == "18\n"


def test_an_absent_key_is_named_and_never_shown(symposia) -> None:
    ran = symposia("solve", "?", "--model", "openai/gpt-4o-mini", env={"OPENAI_API_KEY": ""})
    sentence(ran, 2, "OPENAI_API_KEY")


def test_a_wrong_key_is_never_shown(symposia, tmp_path: Path) -> None:
    with LoopbackServer(["\\boxed{18}"], api_key="right").running() as server:
        catalogue = tmp_path / "home" / "config" / "symposia"
        catalogue.mkdir(parents=True)
        lines = [
            "[models.mine]",
            f'endpoint = "{server.url}"',
            'served_name = "fake"',
            'transport = "direct"',
            'key_env = "MY_KEY"',
        ]
        (catalogue / "models.toml").write_text("\n".join(lines))
        secret = "sk-" + "verysecret" * 2
        ran = symposia("solve", "?", "--model", "mine", "--set", "n=1", "--json", env={"MY_KEY": secret})
    assert ran.code == 1
    assert "MY_KEY" in ran.err + ran.out
    assert secret not in ran.err + ran.out
    for file in (tmp_path / "home").rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes()


def test_weights_with_a_wrong_sha256_are_not_kept(symposia, tmp_path: Path) -> None:
    (tmp_path / "weights.gguf").write_bytes(b"GGUF" + bytes(60))
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        folder = tmp_path / "home" / "config" / "symposia"
        folder.mkdir(parents=True)
        source = f'{{ kind = "url", url = "http://127.0.0.1:{http.server_port}/weights.gguf" }}'
        weights = f'file = "small.gguf"\nsize = 64\nsha256 = "{"0" * 64}"\nlicence = "none"\nsources = [{source}]\n'
        (folder / "models.toml").write_text(f'[models.small]\nengine = "llama.cpp"\n[models.small.weights]\n{weights}')
        ran = symposia("models", "pull", "small")
        http.shutdown()
    assert ran.code == 1
    assert ran.out == ""
    assert "sha256" in ran.err.splitlines()[-1]
    assert not list((tmp_path / "home").rglob("*.gguf"))


def test_a_corrupt_store_is_left_alone(symposia, server, tmp_path: Path) -> None:
    store = tmp_path / "broken.db"
    store.write_bytes(b"this is not a database" * 100)
    ran = symposia("solve", "?", "--model", f"{server.url}#fake", "--store", str(store))
    sentence(ran, 1, "broken.db")
    assert store.read_bytes() == b"this is not a database" * 100
    assert server.requests == []


def test_a_newer_store_is_refused(symposia, server, tmp_path: Path) -> None:
    store = tmp_path / "runs.db"
    assert symposia("solve", "?", "--model", f"{server.url}#fake", "--store", str(store)).code == 0
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE symposia_version SET version_num = '9999'")
    connection.close()
    sentence(symposia("run", "list", "--store", str(store)), 1, "9999", "newer")


def test_a_full_disk_loses_nothing_committed(symposia, server, tmp_path: Path, environment) -> None:
    store = tmp_path / "runs.db"
    arguments = ["solve", "?", "--model", f"{server.url}#fake", "--store", str(store), "--set", "n=64", "--set", "batched=false"]
    assert symposia(*arguments).code == 0
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({store.stat().st_size + 30_000},) * 2); "
        "from symposia.cli import main; main()"
    )
    # Without coverage, whose own file could not grow either.
    bare = {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=bare, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot grow" in done.stderr
    records = symposia("run", "list", "--store", str(store), "--json").json
    assert records[-1]["state"] == "finished"
    for record in records[:-1]:
        resumed = symposia("run", "resume", record["id"], "--store", str(store))
        assert resumed.out == "18\n"
