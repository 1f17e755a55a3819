"""``symposia tools``, in this process, with the sandbox that starts at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symposia.testing import LoopbackServer

TOOL: dict[str, Any] = {
    "name": "twice",
    "description": "Twice a number.",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "source": "def run(n):\n    return 2 * n",
    "tests": [{"arguments": {"n": 1}, "expected": 2}, {"arguments": {"n": 3}, "expected": 6}],
}
KEYS = dict.fromkeys(("SERPER_API_KEY", "BRAVE_API_KEY", "TAVILY_API_KEY"), "")


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | KEYS | {"SYMPOSIA_SANDBOX": "monty", "SYMPOSIA_STORE": "tools.db"}


def put(folder: Path, **changes: Any) -> str:
    (folder / "tool.json").write_text(json.dumps(TOOL | changes))
    return "tool.json"


def test_the_list_says_what_each_needs(symposia) -> None:
    ran = symposia("tools", "list")
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert lines["TOOL"].split() == ["TOOL", "WHAT", "IT", "DOES", "NEEDS", "COST", "FROM"]
    assert lines["calculator"].endswith("nothing  symposia")
    assert "network, needs key SERPER_API_KEY or BRAVE_API_KEY or TAVILY_API_KEY  unknown" in lines["web-search"]
    found = {each["name"]: each for each in symposia("tools", "list", "--json").json}
    assert (found["python"]["permissions"], found["wiki"]["missing_keys"]) == (["sandbox"], None)
    assert found["web-search"]["missing_keys"] == "SERPER_API_KEY or BRAVE_API_KEY or TAVILY_API_KEY"


def test_servers_are_asked_only_where_they_are_asked_for(symposia, tmp_path: Path) -> None:
    (tmp_path / "symposia.toml").write_text('[mcp.files]\ncommand = "no-such-program"\n')
    ran = symposia("tools", "list")
    assert (ran.code, ran.err) == (0, "MCP servers that were not asked: files (--mcp asks them)\n")
    asked = symposia("tools", "list", "--mcp")
    assert (asked.code, asked.err.startswith("left out: the MCP server files")) == (0, True)


def test_a_tool_is_shown_with_its_schema(symposia) -> None:
    ran = symposia("tools", "show", "calculator")
    assert ran.out.startswith("calculator\nComputes an arithmetic expression")
    assert '"expression"' in ran.out
    assert symposia("tools", "show", "calculator", "--json").json["parameters"]["required"] == ["expression"]
    wrong = symposia("tools", "show", "calculater")
    assert (wrong.code, "did you mean 'calculator'?" in wrong.err) == (2, True)


def test_a_call_by_hand(symposia) -> None:
    ran = symposia("tools", "run", "calculator", "expression=2 * 3", "--json")
    assert (ran.code, ran.json["output"]["value"], ran.json["error"]) == (0, "6", None)
    assert symposia("tools", "run", "calculator", "expression=6", "--json").json["output"]["value"] == "6"  # a text, no number
    assert json.loads(symposia("tools", "run", "python", '{"code": "1 + 1"}').out)["value"] == 2


def test_what_goes_wrong_has_its_code(symposia) -> None:
    for arguments, code, said in (
        (["calculator", "expression=1/0"], 1, "divides by zero"),
        (["calculator"], 1, "argument expression of tool calculator is missing"),
        (["calculator", "{"], 2, "the arguments are no JSON"),
        (["calculator", "2+2"], 2, "not of the form key=value"),
        (["nothing"], 2, "unknown tool 'nothing'"),
        (["web-search", "query=x"], 2, "needs a key in SERPER_API_KEY or"),
    ):
        ran = symposia("tools", "run", *arguments)
        assert (ran.code, ran.out) == (code, "")
        assert said in ran.err


def test_a_tool_from_a_file_to_its_end(symposia, tmp_path: Path) -> None:
    first = symposia("tools", "add", put(tmp_path))
    assert (first.code, first.out) == (0, "twice@1\n")
    assert "a person is asked about each call unless approve.twice says otherwise" in first.err
    del (other := dict(TOOL))["source"]
    (tmp_path / "other.json").write_text(json.dumps(other))
    (tmp_path / "other.py").write_text("def run(n):\n    return n + n\n")
    second = symposia("tools", "add", "other.json", "--json").json
    assert (second["version"], second["provenance"]["sandbox"], len(second["sha256"])) == (2, "monty", 64)
    assert symposia("tools", "run", "twice", "n=21").out == "42\n"
    shown = symposia("tools", "show", "twice@1").out
    assert "written by a person" in shown
    assert "return 2 * n" in shown
    assert 'test: {"n": 3} -> 6' in shown
    assert "written, version 2" in symposia("tools", "list").out
    assert symposia("tools", "remove", "twice@2", "--json").json == ["twice@2"]
    assert symposia("tools", "remove", "twice").err == "removed twice@1\n"
    gone = symposia("tools", "run", "twice", "n=1")
    assert (gone.code, "unknown tool 'twice'" in gone.err) == (2, True)


def test_what_is_not_admitted(symposia, tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("no JSON")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    for arguments, said in (
        ([put(tmp_path, source="def run(n):\n    return open('/etc/passwd')")], 'test 1, run(**{"n": 1}), should give 2 and'),
        (["text.json"], "text.json is no JSON"),
        (["bytes.json"], "bytes.json is no text in UTF-8"),
        (["gone.json"], "does not exist"),
        ([], "give a file, or a run with --run"),
        (["--run", "none"], "none"),
    ):
        ran = symposia("tools", "add", *arguments)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err
    failed = symposia("tools", "add", put(tmp_path, name="calculator"), "--json")
    assert (failed.code, failed.json["error"]["code"]) == (2, "name_taken")
    assert "twice" not in symposia("tools", "list").out


def test_killed_between_the_sandbox_and_the_store(symposia, symposia_process, tmp_path: Path) -> None:
    assert symposia_process("tools", "add", put(tmp_path), env={"SYMPOSIA_FAILPOINT": "tool-tried:1"}).code == -9
    assert "twice" not in symposia("tools", "list").out
    assert symposia("tools", "add", put(tmp_path)).out == "twice@1\n"


def test_escape_sequences_of_a_tool_reach_no_terminal(symposia, tmp_path: Path) -> None:
    source = "def run(n):\n    return '\\x1b[2J' if n > 3 else 2 * n"
    assert symposia("tools", "add", put(tmp_path, source=source)).code == 0
    assert symposia("tools", "run", "twice", "n=4").out == "[2J\n"


def test_a_model_writes_one(symposia, tmp_path: Path) -> None:
    told = {name: value for name, value in TOOL.items() if name != "source"}
    wrong = {**told, "tests": [TOOL["tests"][0], {"arguments": {"n": 3}, "expected": 7}]}

    def reply(prompt: str, sample: int) -> str:
        block = json.dumps(told if "not admitted" in prompt else wrong)
        return f"```python\n{TOOL['source']}\n```\n```json\n{block}\n```"

    with LoopbackServer(reply).running() as server:
        model = f"{server.url}#fake"
        none = symposia("tools", "write", "Twice.", "--model", model, "--set", "repairs=0")
        assert (none.code, none.out) == (3, "")
        ran = symposia("tools", "write", "Twice.", "--model", model, "--name", "double", "--json")
    assert (ran.code, ran.json["draft"]["name"], ran.json["version"]) == (0, "double", 1)
    run_id = ran.json["provenance"]["run_id"]
    assert f"in run {run_id}" in ran.err
    assert symposia("tools", "run", "double", "n=4").out == "8\n"
    assert symposia("run", "replay", run_id).code == 0
    assert symposia("tools", "add", "--run", run_id).out == "double@1\n"
    symposia("tools", "remove", "double")
    assert symposia("run", "replay", run_id).code == 0
    assert symposia("tools", "add", "--run", run_id).out == "double@2\n"
