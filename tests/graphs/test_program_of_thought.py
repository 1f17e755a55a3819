"""``program-of-thought`` keeps to its card: write, run, answer; repair what failed; vote over several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symposia.core.answers import extract
from symposia.core.candidate import ExtractionRule
from symposia.core.errors import ConfigError, ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.result import Result, Status, StopReason
from symposia.core.sandbox import Ending, Execution
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel, ScriptedSandbox

from .tooled import in_turn, opened

POT = STRATEGIES.get("program-of-thought")


def program(code: str) -> str:
    return f"So:\n```python\n{code}\n```"


SEVEN, EIGHT = program("answer = 7"), program("answer = 8")


async def solve(session: Session, **changes: Any) -> Result:
    asked = {"strategy": "program-of-thought", "team": "fake", "answer_kind": "number", **changes}
    return await session.solve("What is it?", **asked)


async def test_the_trace(tmp_path: Path) -> None:
    model, sandbox = ScriptedModel(SEVEN), ScriptedSandbox()
    async with opened(tmp_path, model, sandbox=sandbox) as session:
        result = await solve(session)
        keys = [entry.key for entry in await session.store.journal(result.run_id) if entry.response is not None]
    assert keys == ["program-of-thought/write.0.0", "program-of-thought/run.0.0"]
    assert (result.status, result.answer, result.stop_reason) == (Status.ANSWERED, "7", StopReason.FINISHED)
    assert sandbox.programs == ["answer = 7\nanswer"]
    (candidate,) = result.candidates
    assert candidate.text == f"{SEVEN}\n\nOutput:\nanswer = 7"
    assert candidate.answer is not None
    assert (candidate.id, candidate.answer.rule) == ("program-of-thought/write.0.0#0", ExtractionRule.PROGRAM)
    (call,) = model.calls
    assert (call.request.temperature, call.request.n) == (0.0, 1)
    assert call.request.messages[0].text.startswith("Write a Python program")


async def test_several_programs_are_voted_on(tmp_path: Path) -> None:
    model = ScriptedModel([EIGHT, SEVEN, SEVEN])
    async with opened(tmp_path, model, abilities=(Ability.CHAT, Ability.N, Ability.SEED)) as session:
        result = await solve(session, options={"n": 3})
    assert (result.answer, result.confidence, [vote.count for vote in result.votes]) == ("7", pytest.approx(2 / 3), [2, 1])
    assert [call.request.n for call in model.calls] == [3]
    assert [candidate.id[-1] for candidate in result.candidates] == ["0", "1", "2"]
    assert model.calls[0].request.temperature == 0.4


def test_the_temperature_of_several_is_the_papers_unless_said() -> None:
    assert POT.configure({"n": 3}).temperature == 0.4
    assert POT.configure({"n": 3, "temperature": 0}).temperature == 0
    assert POT.configure({}).temperature == 0
    assert POT.configure(POT.configure({"n": 3}).model_dump(mode="json")) == POT.configure({"n": 3})


WRONG = {
    "no code fence": ("I think that it is 7.", None, "holds no Python program"),
    "an endless loop": (program("while True: pass"), Execution(ending=Ending.TIME), "did not end in time"),
    "an error": (
        program("answer = 1 / 0"),
        Execution(ending=Ending.ERROR, error="ZeroDivisionError: division by zero (line 1)"),
        "ZeroDivisionError",
    ),
    "a wrong type": (program("answer = [1, 2]"), None, "gave [1, 2], where one number is wanted"),
    "no output": (program("x = 7"), None, "bound nothing to `answer` and printed nothing"),
    "a crash": (program("crash()"), Execution(ending=Ending.CRASHED), "was ended: crashed"),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_went_wrong_is_told_and_mended(tmp_path: Path, what: str) -> None:
    reply, execution, said = WRONG[what]
    default = ScriptedSandbox()
    sandbox = ScriptedSandbox(lambda code: execution if execution and "answer = 7" not in code else default._run(code))
    model = ScriptedModel(in_turn(reply, SEVEN))
    async with opened(tmp_path, model, sandbox=sandbox) as session:
        result = await solve(session)
    assert result.answer == "7"
    (candidate,) = result.candidates
    assert candidate.id == "program-of-thought/repair.1.0#0"
    assert len(model.calls) == 2
    *_, before, again = model.calls[1].request.messages
    assert (before.role, before.text, again.role) == ("assistant", reply, "user")
    assert said in json.loads(again.text.splitlines()[1])


@pytest.mark.parametrize("what", WRONG)
async def test_what_stays_wrong_is_no_answer(tmp_path: Path, what: str) -> None:
    reply, execution, _ = WRONG[what]
    sandbox = ScriptedSandbox(lambda code: execution) if execution else ScriptedSandbox()
    model = ScriptedModel(reply)
    async with opened(tmp_path, model, sandbox=sandbox) as session:
        result = await solve(session, options={"repairs": 2})
    assert (result.status, len(model.calls), len(result.candidates)) == (Status.NO_ANSWER, 3, 1)


async def test_only_what_failed_is_repaired(tmp_path: Path) -> None:
    def reply(prompt: str, sample: int) -> str:
        return EIGHT if sample != 1 else SEVEN if "gave no answer" in prompt else "no program"

    model = ScriptedModel(reply)
    async with opened(tmp_path, model) as session:
        result = await solve(session, options={"n": 3, "repairs": 2})
    assert [candidate.id.removeprefix("program-of-thought/") for candidate in result.candidates] == [
        "write.0.0#0",
        "repair.1.0#0",
        "write.0.2#0",
    ]
    assert [candidate.answer and candidate.answer.text for candidate in result.candidates] == ["8", "7", "8"]
    assert len(model.calls) == 4


async def test_the_answer_is_the_programs_whatever_its_text_says(tmp_path: Path) -> None:
    reply = program("answer = 7  # the answer is \\boxed{13}") + "\nThe answer is \\boxed{13}."
    async with opened(tmp_path, ScriptedModel(reply)) as session:
        result = await solve(session)
    assert extract(reply, result.candidates[0].answer.kind).text == "13"  # type: ignore[union-attr]
    assert result.answer == "7"


async def test_a_failed_repair_leaves_what_there_was(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn("no program", SEVEN), fail=lambda call: RejectedError("FAKE") if call.index == 1 else None)
    async with opened(tmp_path, model) as session:
        result = await solve(session)
    assert (result.status, [each.text for each in result.candidates]) == (Status.NO_ANSWER, ["no program"])


async def test_it_is_replayed_without_the_sandbox(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox()
    async with opened(tmp_path, ScriptedModel(in_turn("no program", SEVEN)), sandbox=sandbox) as session:
        result = await solve(session)
        ran = len(sandbox.programs)
        assert (await session.replay(result.run_id)).candidates == result.candidates
    assert len(sandbox.programs) == ran


async def test_a_budget_that_ends_before_the_repair_keeps_what_there_is(tmp_path: Path) -> None:
    def reply(prompt: str, sample: int) -> str:
        return "no program" if sample else SEVEN

    async with opened(tmp_path, ScriptedModel(reply)) as session:
        result = await solve(session, options={"n": 2}, budget=2)
    assert (result.stop_reason, result.answer, len(result.candidates)) == (StopReason.BUDGET, "7", 2)


async def test_limits_and_kinds(tmp_path: Path) -> None:
    seen: list[Any] = []

    class Limited(ScriptedSandbox):
        async def run(self, code: str, *, inputs: Any = None, limits: Any = None) -> Execution:
            seen.append(limits)
            return await super().run(code)

    async with opened(tmp_path, ScriptedModel(SEVEN), sandbox=Limited()) as session:
        await solve(session, options={"limits": {"seconds": 2}})
        with pytest.raises(ProblemError, match="cannot compare answers of kind text"):
            await solve(session, answer_kind="text")
        with pytest.raises(ConfigError):
            await solve(session, options={"repairs": 9})
    assert seen[0].seconds == 2
