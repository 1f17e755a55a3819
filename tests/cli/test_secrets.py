"""Secrets planted wherever a run takes something in, and looked for wherever it leaves something."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symposia.testing import Fault, LoopbackServer

KEY = "planted-Environment-Value-31337"
PLANTED = {
    "named like a key": KEY,
    "named like a password": "correct-horse-battery",
    "openai": "sk-proj-Abcdefgh0123456789",
    "google": "AIzaSyA0123456789abcdefghijklmnopqrstuvw",
    "hugging face": "hf_abcdefghijklmnopqrstuvwxyz012345",
    "github": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "slack": "xoxb-123456789012-abcdefghijkl",
    "aws id": "AKIAIOSFODNN7EXAMPLE",
    "aws secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE0KEY",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "postgres": "hunter2hunter2",
    "header": "0123456789abcdef0123",
    "bearer": "opaque.token.9876543210",
}
TEXT = f"""What is 6 + 12? {PLANTED["openai"]} {PLANTED["google"]} {PLANTED["hugging face"]} {PLANTED["github"]}
{PLANTED["slack"]} {PLANTED["aws id"]} {PLANTED["jwt"]} {KEY} {PLANTED["named like a password"]}
aws_secret_access_key = "{PLANTED["aws secret"]}" postgresql://user:{PLANTED["postgres"]}@db.example.org/runs
x-api-key: {PLANTED["header"]}
Authorization: Bearer {PLANTED["bearer"]}"""
CATALOGUE = """
[models.leaky]
endpoint = "{url}"
served_name = "fake"
transport = "{transport}"
key_env = "LEAKY_API_KEY"
abilities = ["chat"]
[models.leaky.extra]
user = "{openai}"
metadata = {{ "x-api-key" = "{header}", note = "x-api-key: {header}" }}
"""


@pytest.fixture
def secret_environment(environment: dict[str, str]) -> dict[str, str]:
    return {"LEAKY_API_KEY": KEY, "SOME_PASSWORD": PLANTED["named like a password"]}


@pytest.fixture
def catalogue(environment: dict[str, str]) -> Callable[..., None]:
    """Makes ``leaky`` a model of this server, with secrets in its own fields."""

    def write(server: LoopbackServer, transport: str = "direct") -> None:
        folder = Path(environment["XDG_CONFIG_HOME"]) / "symposia"
        folder.mkdir(parents=True, exist_ok=True)
        text = CATALOGUE.format(url=server.url, transport=transport, **{name: PLANTED[name] for name in ("openai", "header")})
        (folder / "models.toml").write_text(text)

    return write


@pytest.fixture
def parrot() -> Iterator[LoopbackServer]:
    """A server that says back what it was told, and whose refusals quote the key."""
    echo = json.dumps({"error": {"message": f"bad request with Authorization: Bearer {KEY} and x-api-key: {PLANTED['header']}"}})
    faults = {1: Fault.answer(400, echo), 2: Fault.answer(500, f"<p>{KEY} {PLANTED['jwt']}</p>")}
    with LoopbackServer(lambda prompt, _: f"{TEXT} {prompt} \\boxed{{18}}", faults=faults, pace=0.001).running() as server:
        yield server


def leaks(text: str | bytes) -> list[str]:
    data = text.encode() if isinstance(text, str) else text
    return [name for name, secret in PLANTED.items() if secret.encode() in data]


def kept(home: Path) -> dict[str, list[str]]:
    """Leaks by file below ``home``, the user's own configuration left out."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "models.toml"]
    assert files
    return {path.name: found for path in files if (found := leaks(path.read_bytes()))}


@pytest.mark.parametrize("transport", ["direct", pytest.param("litellm", marks=pytest.mark.integration)])
def test_no_secret_leaves_a_run(symposia, catalogue, parrot, environment, secret_environment, transport: str) -> None:
    catalogue(parrot, transport)
    home = Path(environment["HOME"])
    options = ["--model", "leaky", "--set", "n=4", "--set", "batched=false"]
    solved = symposia("solve", TEXT, *options, "--json", env=secret_environment)
    assert solved.code == 0, solved.err
    assert parrot.requests[0].headers["authorization"] == f"Bearer {KEY}", "the key itself does reach the server"
    run_id = solved.json["run_id"]
    detached = symposia("solve", TEXT, *options, "--detach", "--json", env=secret_environment)
    said = [solved, detached, symposia("run", "attach", detached.json["run_id"], env=secret_environment)]
    # Without the variables in the environment: what was written is clean, not only what is shown.
    for command in (
        ["attach", run_id, "--json"],
        ["show", run_id],
        ["show", run_id, "--json"],
        ["list"],
        ["events", run_id],
        ["replay", run_id],
        ["fork", run_id, "--no-run"],
        *(["export", run_id, "--format", form] for form in ("jsonl", "json", "md")),
    ):
        ran = symposia("run", *command, env={"LEAKY_API_KEY": "another-key-01"})
        assert ran.code == 0, ran.err
        said.append(ran)
    assert [leaks(ran.out + ran.err) for ran in said] == [[]] * len(said)
    assert kept(home) == {}
    assert Path(detached.json["log"]).read_text()


def test_no_secret_lies_in_what_a_killed_process_leaves(symposia, catalogue, environment, secret_environment) -> None:
    with LoopbackServer(lambda prompt, _: f"{TEXT} {prompt}", pace=0.01, latency=0.05).running() as server:
        catalogue(server)
        options = ["--model", "leaky", "--set", "n=200", "--set", "stop=beta", "--set", "window=2"]
        started = symposia("solve", TEXT, *options, "--detach", "--json", env=secret_environment).json
        deadline = time.monotonic() + 30
        while len(server.requests) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(started["pid"], signal.SIGKILL)
    wal = list(Path(environment["HOME"]).rglob("*-wal"))
    assert wal
    assert wal[0].stat().st_size, "the write-ahead log is what this looks into"
    assert kept(Path(environment["HOME"])) == {}


def test_no_secret_stands_in_an_error(symposia, catalogue, environment, secret_environment) -> None:
    with LoopbackServer(api_key="right-key-00").running() as server:
        catalogue(server)
        for command in (
            ["solve", TEXT, "--model", "leaky", "--strategy", "greedy"],
            ["solve", "?", "--set", TEXT],
            ["--debug", "solve", "?", "--model", TEXT],
            ["solve", "?", "--strategy", PLANTED["github"]],
            ["run", "show", PLANTED["openai"]],
            ["--debug", "run", "fork", TEXT, "--at", TEXT],
            [TEXT],
            ["run", TEXT],
            ["run", "list", "--store", f"mysql://user:{PLANTED['postgres']}@db.example.org/runs"],
        ):
            ran = symposia(*command, "--json", env=secret_environment)
            assert ran.code in {1, 2}, ran.err
            assert leaks(ran.out + ran.err) == [], ran.err
    assert kept(Path(environment["HOME"])) == {}
