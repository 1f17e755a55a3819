"""``react`` keeps to its card: think, call, look, answer; natively and in text; calls justified, counted, never made twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symposia.core.candidate import ToolCounts
from symposia.core.errors import ConfigError, MissingAbilityError, RejectedError, UnknownNameError
from symposia.core.events import ToolCalled
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel

from .tooled import NATIVE, PLAIN, Told, calls, in_turn, opened, wants


async def solve(session: Session, question: str = "What is it?", **changes: Any) -> Result:
    options = {"tools": ["look-up"], **changes.pop("options", {})}
    return await session.solve(question, strategy="react", team="fake", answer_kind="number", options=options, **changes)


def shown(model: ScriptedModel, call: int) -> list[tuple[str, str]]:
    """Role and text of the messages of a call."""
    return [(message.role, message.text) for message in model.calls[call].request.messages]


async def test_the_trace_in_text(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(wants("look-up", "one"), wants("look-up", "two"), "Thought: I know.\nFinal Answer: 7"))
    told = Told(says=lambda text: {"found": text})
    async with opened(tmp_path, model, [told.tool]) as session:
        result = await solve(session)
        keys = [entry.key for entry in await session.store.journal(result.run_id) if entry.response is not None]
    assert keys == ["react/think.0.0", "react/act.0.0", "react/think.1.0", "react/act.1.0", "react/think.2.0"]
    assert (result.status, result.answer, result.stop_reason) == (Status.ANSWERED, "7", StopReason.FINISHED)
    assert told.asked == ["one", "two"]
    (candidate,) = result.candidates
    assert candidate.id == "react/think.2.0#0"
    assert candidate.tool_counts == ToolCounts(calls=2, justified=2)
    (system, question, first, one, second, two) = shown(model, 2)
    assert system[0] == "system"
    assert '{"name": "look-up", "description": "Looks a text up."' in system[1]
    assert question == ("user", "What is it?")
    assert (first, one) == (("assistant", wants("look-up", "one")), ("user", 'Observation: {"output": {"found": "one"}}'))
    assert (second[0], two) == ("assistant", ("user", 'Observation: {"output": {"found": "two"}}'))
    assert all(call.request.stop == ("\nObservation:",) and not call.request.tools for call in model.calls)
    assert 'Observation: {"output": {"found": "two"}}' in candidate.text
    assert candidate.text.endswith("Final Answer: 7")


async def test_the_trace_with_native_calls(tmp_path: Path) -> None:
    turn = calls(("look-up", '{"justification": "I do not know", "text": "one"}'), ("look-up", '{"text": "two"}'))
    model = ScriptedModel(in_turn(turn, r"It is \boxed{7}."))
    told, heard = Told(says=lambda text: text.upper()), []
    async with opened(tmp_path, model, [told.tool], abilities=NATIVE) as session:
        result = await solve(session, listener=heard.append)
    assert (result.answer, sorted(told.asked)) == ("7", ["one", "two"])
    assert result.candidates[0].tool_counts == ToolCounts(calls=2, justified=1)
    assert [event.justification for event in heard if isinstance(event, ToolCalled)] == ["I do not know", ""]
    first, second = (call.request for call in model.calls)
    (offered,) = first.tools
    assert (offered.name, offered.parameters["required"]) == ("look-up", ["justification", "text"])
    assert (first.tools, first.tool_choice, first.stop) == (second.tools, None, ())
    asked, one, two = second.messages[-3:]
    assert [call.id for call in asked.tool_calls] == ["c0", "c1"]
    assert [(message.role, message.tool_call_id, message.text) for message in (one, two)] == [
        ("tool", "c0", '{"output": "ONE"}'),
        ("tool", "c1", '{"output": "TWO"}'),
    ]


async def test_an_answer_without_a_tool_is_one_call(tmp_path: Path) -> None:
    model, told = ScriptedModel("Final Answer: 7"), Told()
    async with opened(tmp_path, model, [told.tool]) as session:
        result = await solve(session)
    assert (result.answer, len(model.calls), told.asked) == ("7", 1, [])
    assert result.candidates[0].tool_counts == ToolCounts()


@pytest.mark.parametrize("native", [True, False])
async def test_a_call_made_before_is_answered_from_what_was_said(tmp_path: Path, native: bool) -> None:
    turn = calls(("look-up", '{"text": "one"}')) if native else wants("look-up", "one")
    again = calls(("look-up", '{"justification": "really", "text":"one"}')) if native else turn
    model, told = ScriptedModel(in_turn(turn, again, r"\boxed{7}")), Told(says="here")
    async with opened(tmp_path, model, [told.tool], abilities=NATIVE if native else PLAIN) as session:
        result = await solve(session)
    assert told.asked == ["one"]
    counts = result.candidates[0].tool_counts
    assert counts is not None
    assert (counts.calls, counts.repeated, counts.failed) == (2, 1, 0)
    said = json.loads(shown(model, 2)[-1][1].removeprefix("Observation: "))
    assert said == {"output": "here", "note": "you made this call before; this is what it gave then"}


async def test_calls_at_once_are_bounded_and_equal_ones_are_one(tmp_path: Path) -> None:
    turn = calls(*[("look-up", f'{{"text": "{text}"}}') for text in "aabc"])
    model, told = ScriptedModel(in_turn(turn, r"\boxed{7}")), Told()
    async with opened(tmp_path, model, [told.tool], abilities=NATIVE) as session:
        result = await solve(session, options={"calls_per_turn": 2})
    assert told.asked == ["a", "b"]
    assert result.candidates[0].tool_counts == ToolCounts(calls=4, justified=0, failed=1, repeated=1)
    assert "at most 2 calls" in shown(model, 1)[-1][1]


@pytest.mark.parametrize("native", [True, False])
async def test_out_of_turns_it_must_answer(tmp_path: Path, native: bool) -> None:
    turns = [calls(("look-up", f'{{"text": "{turn}"}}')) if native else wants("look-up", str(turn)) for turn in range(2)]
    model, told = ScriptedModel(in_turn(*turns, r"Then it is \boxed{7}.")), Told()
    async with opened(tmp_path, model, [told.tool], abilities=NATIVE if native else PLAIN) as session:
        result = await solve(session, options={"turns": 2})
    assert (result.answer, len(model.calls), told.asked) == ("7", 3, ["0", "1"])
    last = model.calls[2].request
    assert last.messages[-1].text.startswith("No more tools can be used.")
    assert (bool(last.tools), last.tool_choice) == ((True, "none") if native else (False, None))


@pytest.mark.parametrize("native", [True, False])
async def test_a_model_that_never_answers_has_no_answer(tmp_path: Path, native: bool) -> None:
    turn = calls(("look-up", '{"text": "x"}')) if native else wants("look-up", "x")
    model, told = ScriptedModel(in_turn(turn)), Told()
    async with opened(tmp_path, model, [told.tool], abilities=NATIVE if native else PLAIN) as session:
        result = await solve(session, options={"turns": 2})
    assert (result.status, len(model.calls), told.asked) == (Status.NO_ANSWER, 3, ["x"])


async def test_a_failed_call_of_the_policy_leaves_one_to_answer(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(r"\boxed{7}"))
    model.fail_next(RejectedError("FAKE rejection"))
    async with opened(tmp_path, model, [Told().tool]) as session:
        result = await solve(session)
    assert (result.answer, len(model.calls), result.failures) == ("7", 2, {"rejected": 1})


async def test_what_a_tool_gives_is_never_read_for_the_answer(tmp_path: Path) -> None:
    told = Told(says="The final answer is \\boxed{13}. #### 13")
    model = ScriptedModel(in_turn(wants("look-up", "x"), "I do not know."))
    async with opened(tmp_path, model, [told.tool]) as session:
        result = await solve(session)
    assert (result.status, result.answer) == (Status.NO_ANSWER, None)


async def test_a_long_output_is_cut_for_the_model_and_kept_in_the_journal(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(wants("look-up", "x"), r"\boxed{7}"))
    async with opened(tmp_path, model, [Told(says="x" * 1000).tool]) as session:
        result = await solve(session, options={"max_output": 100})
        (entry,) = [e for e in await session.store.journal(result.run_id) if e.key == "react/act.0.0"]
    assert entry.response["output"] == "x" * 1000
    said = json.loads(shown(model, 1)[-1][1].removeprefix("Observation: "))
    assert said == {"output": "x" * 100, "note": "cut: these are the first 100 of 1,000 characters"}


async def test_it_is_replayed_without_tools(tmp_path: Path) -> None:
    model, told = ScriptedModel(in_turn(wants("look-up", "one"), r"\boxed{7}")), Told()
    async with opened(tmp_path, model, [told.tool]) as session:
        result = await solve(session)
        replayed = await session.replay(result.run_id)
    assert (replayed.candidates, len(model.calls), told.asked) == (result.candidates, 2, ["one"])


async def test_a_budget_that_ends_early_is_kept(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(wants("look-up", "one"), r"\boxed{7}"))
    async with opened(tmp_path, model, [Told().tool]) as session:
        result = await solve(session, budget=1)
    assert (result.stop_reason, result.exit_code, len(model.calls)) == (StopReason.BUDGET, 4, 1)


async def test_what_cannot_work_is_said_before_anything_is_spent(tmp_path: Path) -> None:
    async with opened(tmp_path, ScriptedModel(), [Told().tool]) as session:
        with pytest.raises(MissingAbilityError, match="react needs tools of its policy"):
            await solve(session, options={"form": "native"})
        with pytest.raises(UnknownNameError, match="unknown tool 'lookup'"):
            await solve(session, options={"tools": ["lookup"]})
        with pytest.raises(ConfigError, match="tools"):
            await solve(session, options={"tools": []})


def test_tools_are_easily_typed() -> None:
    react = STRATEGIES.get("react")
    assert react.tools(react.configure({"tools": "calculator, python"})) == ("calculator", "python")
    assert react.configure({"tools": ["python"]}).tools == ("python",)


async def test_text_can_be_had_of_a_model_that_calls_natively(tmp_path: Path) -> None:
    model = ScriptedModel(in_turn(wants("look-up", "one"), r"\boxed{7}"))
    async with opened(tmp_path, model, [Told().tool], abilities=NATIVE) as session:
        result = await solve(session, options={"form": "text"})
    assert result.answer == "7"
    assert not any(call.request.tools for call in model.calls)
