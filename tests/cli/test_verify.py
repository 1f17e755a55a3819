"""``symposia verify`` and ``symposia verifiers``: files in, scores with their reasons out, errors in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symposia.testing import LoopbackServer

QUESTION = "Ann has 3 boxes of 4 pears and eats 2. How many are left?"
STEPS = ["3 boxes hold 3 * 4 = 12 pears.", "12 - 2 = 10 are left."]


def reply(prompt: str, sample: int) -> str:
    del sample
    return "Each step follows.\nScore: 85" if "= 10" in prompt else "\x1b[31mThe second step is off.\nScore: 5"


@pytest.fixture
def server():
    with LoopbackServer(reply).running() as running:
        yield running


def put(folder: Path, name: str, content: Any) -> str:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return name


def arguments(server: LoopbackServer, *more: str) -> list[str]:
    return ["verify", *more, "--model", f"{server.url}#fake", "--set", "mode=verdict"]


def test_a_file_with_its_question_is_scored_with_the_reason(symposia, server, tmp_path: Path) -> None:
    put(tmp_path, "one.json", {"question": QUESTION, "steps": STEPS})
    ran = symposia(*arguments(server, "one.json"))
    assert ran.code == 0, ran.err
    assert ran.out == "one.json: score 0.850\nEach step follows.\nScore: 85\n"
    assert "score 0.85 by " in ran.err


def test_several_files_of_one_question_are_ranked_in_one_run(symposia, server, tmp_path: Path) -> None:
    put(tmp_path, "right.txt", "12 - 2 = 10\n")
    put(tmp_path, "wrong.txt", "12 - 2 = 9\n")
    ran = symposia(*arguments(server, "right.txt", "wrong.txt", "--question", QUESTION, "--json"))
    told = ran.json
    assert [(each["source"], each["score"]) for each in told["verdicts"]] == [("right.txt", 0.85), ("wrong.txt", 0.05)]
    assert told["candidate"]["text"] == "12 - 2 = 10"
    assert [each["first_error"] for each in told["verdicts"]] == [None, None], "the whole was judged, no step"
    again = symposia("run", "replay", told["run_id"], "--json").json
    assert again["candidates"] == told["candidates"]


def test_lines_of_a_file_are_solutions(symposia, server, tmp_path: Path) -> None:
    rows = [{"question": QUESTION, "solution": "12 - 2 = 10"}, {"question": QUESTION, "solution": "12 - 2 = 11"}]
    put(tmp_path, "many.jsonl", "\n".join(map(json.dumps, rows)))
    ran = symposia(*arguments(server, "many.jsonl"))
    assert "many.jsonl:1: score 0.850" in ran.out
    assert "many.jsonl:2: score 0.050" in ran.out
    assert "\x1b" not in ran.out, "what a model says may not steer the terminal"


def test_standard_input_is_a_solution(symposia, server) -> None:
    ran = symposia(*arguments(server, "-", "--question", QUESTION), stdin="12 - 2 = 10")
    assert ran.out.startswith("-: score 0.850")


def test_no_readable_verdict_is_code_3(symposia, tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "12 - 2 = 10")
    with LoopbackServer(["perhaps"]).running() as server:
        ran = symposia(*arguments(server, "a.txt", "--question", QUESTION))
    assert (ran.code, ran.out.splitlines()[0]) == (3, "a.txt: no score")
    assert "no verdict could be read" in ran.err


WRONG_FILES: dict[str, tuple[str, Any, tuple[str, ...], str]] = {
    "no question": ("a.txt", "10", (), "nobody says what the solution is of (add --question TEXT|@FILE"),
    "two questions": (
        "a.jsonl",
        '{"question": "a?", "solution": "1"}\n{"question": "b?", "solution": "1"}',
        (),
        "the solutions are of 2 questions",
    ),
    "empty": ("a.txt", "  \n", ("--question", "?"), "a.txt holds no solution: it is empty"),
    "no json": ("a.json", "{", ("--question", "?"), "a.json is not JSON"),
    "no object": ("a.json", "[1]", ("--question", "?"), "a.json holds no object (write {"),
    "no solution": ("a.json", {"question": "?"}, (), "a.json holds no solution (write {"),
    "steps of numbers": ("a.json", {"question": "?", "steps": [1, 2]}, (), "a.json holds no solution"),
    "unknown verifier": ("a.txt", "10", ("--question", "?", "--verifier", "jugde"), "did you mean 'judge'?"),
    "unknown option": ("a.txt", "10", ("--question", "?", "--set", "mod=verdict"), "did you mean 'mode'?"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_what_cannot_be_judged_is_said_before_anything_is_spent(symposia, server, tmp_path: Path, case: str) -> None:
    name, content, more, said = WRONG_FILES[case]
    put(tmp_path, name, content)
    ran = symposia("verify", name, *more, "--model", f"{server.url}#fake")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert server.requests == []


def test_a_missing_file_is_named(symposia) -> None:
    ran = symposia("verify", "nowhere.txt", "--question", "?")
    assert (ran.code, "the solution file nowhere.txt cannot be read: No such file" in ran.err) == (2, True)


def test_the_verifiers_are_listed_with_their_options(symposia) -> None:
    assert "judge " in symposia("verifiers").out
    card = symposia("verifiers", "judge")
    assert "asks the model of the role verifier, which needs chat; makes use of" in card.out
    assert "mode " in card.out
    assert {"judge"} <= {each["name"] for each in symposia("verifiers", "--json").json}
    assert symposia("verifiers", "judge", "--json").json["abilities"] == {"verifier": ["chat"]}
    assert symposia("verifiers", "jugde").code == 2
