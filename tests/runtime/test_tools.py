"""Tool calls and programs of a run: journaled before they are used, replayed without a tool, priced, bounded, halted."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, MissingKeyError, ReplayDiverged, SandboxError, UnknownNameError
from symposia.core.events import Event, ToolCalled, ToolReturned
from symposia.core.model_spec import Price
from symposia.core.problem import Problem
from symposia.core.records import EntryStatus
from symposia.core.result import RunState, Status, StopReason
from symposia.core.sandbox import Ending, Execution
from symposia.core.tooling import Approval, Permission, ToolContext, ToolResult
from symposia.testing import ScriptedModel, ScriptedSandbox
from symposia.tools.context import ToolError

from .calling import Counted, Heard, Text, opened, tool


def calling(*calls: tuple[str, str], **options: Any) -> dict[str, Any]:
    return {"team": "fake", "options": {"calls": calls, **options}}


async def test_a_call_is_journaled_told_and_replayed_without_the_tool(tmp_path: Path) -> None:
    counted, heard = Counted(), list[Event]()
    asked = calling(("echo", '{"text": "one"}'), ("echo", '{"text": "two"}'))
    async with opened(tmp_path, counted.tool) as session:
        result = await session.solve("?", listener=heard.append, **asked)
        assert Heard.results == (ToolResult(output="ONE"), ToolResult(output="TWO"))
        (first, second) = [e for e in await session.store.journal(result.run_id) if e.key.startswith("calling/act")]
        assert (first.key, second.key) == ("calling/act.0.0", "calling/act.0.1")
        assert first.request == {"tool": "echo", "version": first.request["version"], "arguments": {"text": "one"}}
        Heard.results = ()
        assert (await session.replay(result.run_id)).candidates == result.candidates
        assert Heard.results[1].output == "TWO"
    assert sorted(counted.calls) == ["one", "two"]
    called = [event for event in heard if isinstance(event, ToolCalled)]
    returned = [event for event in heard if isinstance(event, ToolReturned)]
    assert {(event.tool, event.arguments["text"], event.justification) for event in called} == {
        ("echo", "one", "because"),
        ("echo", "two", "because"),
    }
    assert {(event.id, event.output, event.dollars) for event in returned} == {
        ("calling/act.0/tool_returned.0", "ONE", 0.0),
        ("calling/act.0/tool_returned.1", "TWO", 0.0),
    }


async def test_a_program_is_journaled_told_and_replayed_without_the_sandbox(tmp_path: Path) -> None:
    sandbox, heard = ScriptedSandbox(), list[Event]()
    async with opened(tmp_path, tool(), sandbox=sandbox) as session:
        result = await session.solve("?", listener=heard.append, **calling(programs=("answer = 7", "answer = x")))
        one, other = Heard.executions
        assert (one.value, other.ending) == (7, Ending.ERROR)
        await session.replay(result.run_id)
        assert Heard.executions == (one, other)
    assert sorted(sandbox.programs) == ["answer = 7", "answer = x"]
    assert sandbox.closed
    told = {event.index: event for event in heard if isinstance(event, ToolReturned) and event.tool == "sandbox"}
    assert (told[0].output["value"], told[1].error) == (7, other.error)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("rm", "{}"), "there is no tool 'rm'; the tools are: echo"),
        (("greedy", "{}"), "there is no tool 'greedy'"),
        (("", "{}"), "there is no tool ''"),
        (("echo", "{"), "are not JSON"),
        (("echo", "[1]"), "no JSON object"),
        (("echo", "{}"), "argument text of tool echo is missing"),
        (("echo", '{"text": NaN}'), "not JSON|text"),
        (("echo", '{"text": "a", "as_root": true}'), "unknown argument 'as_root'"),
    ],
)
async def test_what_is_wrong_with_a_call_is_told_to_the_model(tmp_path: Path, call: tuple[str, str], said: str) -> None:
    async with opened(tmp_path, tool()) as session:
        result = await session.solve("?", **calling(call))
    assert result.status is Status.ANSWERED
    (told,) = Heard.results
    assert told.output is None
    assert re.search(said, told.error), told.error
    assert "\n" not in told.error


async def test_tools_that_exist_but_were_not_granted_are_not_called(tmp_path: Path) -> None:
    hidden = Counted(name="hidden")
    async with opened(tmp_path, tool(), hidden.tool) as session:
        await session.solve("?", **calling(("hidden", '{"text": "x"}')))
    assert "there is no tool 'hidden'" in Heard.results[0].error
    assert hidden.calls == []


async def _raises(arguments: Text, context: ToolContext) -> Any:
    raise ZeroDivisionError("a bug\nof the tool")


async def _refuses(arguments: Text, context: ToolContext) -> Any:
    raise ToolError("not today")


async def _no_json(arguments: Text, context: ToolContext) -> Any:
    return {1, 2}


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (_raises, "the tool echo failed: ZeroDivisionError: a bug of the tool"),
        (_refuses, "not today"),
        (_no_json, "the tool echo failed: TypeError: Object of type set is not JSON serializable"),
    ],
)
async def test_a_tool_that_fails_ends_no_run(tmp_path: Path, work: Any, said: str) -> None:
    async with opened(tmp_path, tool(work=work)) as session:
        result = await session.solve("?", **calling(("echo", '{"text": "x"}')))
    assert (result.status, Heard.results[0].error) == (Status.ANSWERED, said)


async def test_a_call_that_takes_too_long_is_an_error(tmp_path: Path) -> None:
    slow = Counted(seconds=60, timeout=0.02)
    async with opened(tmp_path, slow.tool) as session:
        await session.solve("?", **calling(("echo", '{"text": "x"}')))
    assert "within 0.02 seconds" in Heard.results[0].error


# Budget


async def test_dollars_are_charged_before_the_call(tmp_path: Path) -> None:
    paid = Counted(dollars=0.02)
    asked = calling(*[("echo", f'{{"text": "{index}"}}') for index in range(4)])
    async with opened(tmp_path, paid.tool, model=ScriptedModel()) as session:
        session.staff._extra["fake"] = session.staff._extra["fake"].model_copy(update={"price": Price(input=0.0, output=0.0)})
        result = await session.solve("?", budget="dollars=0.05", **asked)
        assert paid.calls == ["0", "1"]
        assert [each and each.output for each in Heard.results] == ["0", "1", None, None]
        assert (Heard.reasons[0], result.stop_reason) == (StopReason.BUDGET, StopReason.BUDGET)
        assert result.usage["tool"].dollars == pytest.approx(0.04)
        replayed = await session.replay(result.run_id)
    assert replayed.usage == result.usage
    assert paid.calls == ["0", "1"]


async def test_an_unknown_price_goes_with_no_cap_in_dollars(tmp_path: Path) -> None:
    async with opened(tmp_path, tool(dollars=None)) as session:
        session.staff._extra["fake"] = session.staff._extra["fake"].model_copy(update={"price": Price(input=0.0, output=0.0)})
        with pytest.raises(ConfigError, match="the price of a call of the tool echo is unknown"):
            await session.solve("?", budget="dollars=1", **calling())
        assert await session.store.runs() == []
        result = await session.solve("?", **calling(("echo", '{"text": "x"}')))
    assert result.usage["tool"].unpriced_calls == 1


async def test_what_broke_off_stays_charged_and_is_done_again(tmp_path: Path) -> None:
    paid = Counted(seconds=30, dollars=0.02)
    async with opened(tmp_path, paid.tool) as session:
        run = asyncio.create_task(session.solve("?", run_id="mine", **calling(("echo", '{"text": "x"}'))))
        await paid.begun.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        entry = (await session.store.journal("mine"))[-1]
        assert (entry.key, entry.status, entry.charge.dollars) == ("calling/act.0.0", EntryStatus.SENT, 0.02)
        paid._seconds = 0
        result = await session.solve("?", run_id="mine")
    assert paid.calls == ["x", "x"]
    assert Heard.results[0].output == "X"
    assert result.usage["tool"].dollars == pytest.approx(0.04)


# Halts


async def test_a_stop_breaks_a_call_off_and_a_resumed_run_makes_it_again(tmp_path: Path) -> None:
    slow = Counted(seconds=30)
    async with opened(tmp_path, slow.tool) as session:
        spec = await session.prepare(_problem(), **calling(("echo", '{"text": "x"}')))
        execution = await session.begin(spec, run_id="mine")
        run = asyncio.create_task(execution.execute())
        await slow.begun.wait()
        execution.control.halt(StopReason.STEERED)
        result = await asyncio.wait_for(run, 5)
        assert (result.status, Heard.results) == (Status.CANCELLED, (None,))
        assert [e.key for e in await session.store.journal("mine") if "act" in e.key] == []
        slow._seconds = 0
        resumed = await session.resume("mine")
    assert (resumed.status, Heard.results) == (Status.ANSWERED, (ToolResult(output="X"),))
    assert len(slow.calls) == 2


async def test_a_deadline_cuts_calls_and_the_cut_is_replayed(tmp_path: Path) -> None:
    async def work(arguments: Text, context: ToolContext) -> Any:
        await asyncio.sleep(30 if arguments.text == "slow" else 0)
        return arguments.text

    asked = calling(("echo", '{"text": "slow"}'), ("echo", '{"text": "quick"}'))
    async with opened(tmp_path, tool(work=work)) as session:
        result = await session.solve("?", budget="seconds=0.5", **asked)
        assert [each and each.output for each in Heard.results] == [None, "quick"]
        assert result.stop_reason is StopReason.DEADLINE
        Heard.results = ()
        assert (await session.replay(result.run_id)).stop_reason is StopReason.DEADLINE
        assert [each and each.output for each in Heard.results] == [None, "quick"]


async def test_a_paused_run_begins_no_call(tmp_path: Path) -> None:
    counted, paused = Counted(), asyncio.Event()

    def hear(event: Event) -> None:
        if event.type == "call_finished":
            execution.control.pause()
            paused.set()

    async with opened(tmp_path, counted.tool) as session:
        spec = await session.prepare(_problem(), **calling(("echo", '{"text": "x"}')))
        execution = await session.begin(spec, listener=hear)
        run = asyncio.create_task(execution.execute())
        await paused.wait()
        await asyncio.sleep(0.02)
        assert counted.calls == []
        execution.control.resume()
        await run
    assert counted.calls == ["x"]


# What a tool is given


async def test_a_tool_is_given_what_it_declares(tmp_path: Path) -> None:
    async def work(arguments: Text, context: ToolContext) -> Any:
        execution = await context.execute("answer = 3")
        said = [await context.complete("Translate: two"), await context.complete("Translate: three")]
        return {"value": execution.value, "said": said}

    model = ScriptedModel(lambda prompt, sample: f"FAKE {prompt.split()[-1]}" if "Translate" in prompt else r"\boxed{1}")
    able = tool(work=work, permissions=frozenset({Permission.SANDBOX, Permission.MODEL}))
    async with opened(tmp_path, able, model=model) as session:
        result = await session.solve("?", **calling(("echo", '{"text": "x"}')))
        assert Heard.results[0].output == {"value": 3, "said": ["FAKE two", "FAKE three"]}
        assert result.usage["tool"].calls == 2
        keys = [entry.key for entry in await session.store.journal(result.run_id) if entry.role == "tool"]
        assert {key for key in keys if "complete" in key} == {
            "calling/act.0.0/complete.0.0",
            "calling/act.0.0/complete.1.0",
        }
        made = len(model.calls)
        replayed = await session.replay(result.run_id)
    assert (len(model.calls), replayed.usage) == (made, result.usage)


async def test_a_tool_is_given_nothing_that_it_does_not_declare(tmp_path: Path) -> None:
    async def work(arguments: Text, context: ToolContext) -> Any:
        return await context.complete("Say something")

    model = ScriptedModel()
    async with opened(tmp_path, tool(work=work), model=model) as session:
        await session.solve("?", **calling(("echo", '{"text": "x"}')))
    assert "no permission for model" in Heard.results[0].error
    assert len(model.calls) == 1


async def test_models_that_tools_ask_are_within_the_budget(tmp_path: Path) -> None:
    async def work(arguments: Text, context: ToolContext) -> Any:
        return await context.complete("Say something")

    asks = tool(work=work, permissions=frozenset({Permission.MODEL}))
    async with opened(tmp_path, asks) as session:
        result = await session.solve("?", budget=1, **calling(("echo", '{"text": "x"}')))
    assert "no budget left" in Heard.results[0].error
    assert result.total_usage.calls == 1


# At creation


async def test_what_cannot_be_granted_is_an_error_before_anything_is_spent(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    async with opened(tmp_path, tool(), tool("keyed", keys=("SOME_KEY",)), approve={"echo": "never"}) as session:
        with pytest.raises(UnknownNameError, match="unknown tool 'ecco'"):
            await session.solve("?", **calling(tools=("ecco",)))
        with pytest.raises(ConfigError, match="the tool echo may never be called"):
            await session.solve("?", **calling())
        with pytest.raises(MissingKeyError, match="the tool keyed needs a key in SOME_KEY"):
            await session.solve("?", **calling(tools=("keyed",)))
        assert await session.store.runs() == []


async def test_an_approval_for_a_tool_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    async with opened(tmp_path, tool(), approve={"ecko": "never"}) as session:
        with pytest.raises(UnknownNameError, match="unknown tool 'ecko'"):
            await session.solve("?", **calling())


async def test_a_run_says_what_it_was_granted(tmp_path: Path) -> None:
    async with opened(tmp_path, tool(dollars=0.5), approve={"echo": "ask"}) as session:
        spec = await session.prepare(_problem(), **calling())
    grant = spec.tools["echo"]
    assert (grant.approval, grant.dollars, grant.spec.name, spec.sandbox) == (Approval.ASK, 0.5, "echo", "bubblewrap")


async def test_a_tool_that_changed_is_not_called_in_an_old_run(tmp_path: Path) -> None:
    other = Counted()
    async with opened(tmp_path, tool()) as session:
        spec = await session.prepare(_problem(), **calling(("echo", '{"text": "x"}')))
        await session.store.create_run(spec, id="mine")
    async with opened(tmp_path, replace(other.tool, description="Does something else.")) as session:
        with pytest.raises(ReplayDiverged, match="the tool echo is not the one"):
            await session.resume("mine")
        assert (await session.store.run("mine")).state is RunState.INTERRUPTED
    assert other.calls == []


async def test_a_sandbox_that_cannot_be_had_is_an_error_before_anything_is_stored(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("symposia.runtime.workshop.open_sandbox", _missing)
    async with opened(tmp_path, tool()) as session:
        session._workshop._given = None
        with pytest.raises(SandboxError, match="bubblewrap cannot be had"):
            await session.solve("?", **calling())
        assert await session.store.runs() == []


def _missing(name: str) -> Any:
    raise SandboxError(f"{name} cannot be had")


async def test_a_run_from_elsewhere_does_not_bring_the_unsafe_sandbox(tmp_path: Path) -> None:
    async with opened(tmp_path, tool()) as session:
        spec = await session.prepare(_problem(), **calling(programs=("answer = 7",)))
        await session.store.create_run(spec.model_copy(update={"sandbox": "unsafe"}), id="mine")
        session._workshop._given = None
        with pytest.raises(SandboxError, match="made for the sandbox 'unsafe'"):
            await session.resume("mine")


async def test_a_sandbox_that_breaks_down_leaves_the_run_resumable(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox(_broken)
    async with opened(tmp_path, tool(), sandbox=sandbox) as session:
        with pytest.raises(SandboxError):
            await session.solve("?", run_id="mine", **calling(programs=("answer = 7",)))
        assert (await session.store.run("mine")).state is RunState.INTERRUPTED
        sandbox._run = lambda code: Execution(ending=Ending.OK, value=7)
        await session.resume("mine")
    assert Heard.executions[0].value == 7


def _broken(code: str) -> Execution:
    raise SandboxError("the zygote is gone")


async def test_a_fork_copies_calls_and_goes_on_with_its_own(tmp_path: Path) -> None:
    counted = Counted()
    asked = calling(("echo", '{"text": "x"}'), programs=("answer = 7",))
    async with opened(tmp_path, counted.tool) as session:
        parent = await session.solve("?", **asked)
    async with opened(
        tmp_path, replace(counted.tool, description="Does it otherwise."), sandbox=ScriptedSandbox(_broken)
    ) as session:
        fork = await session.fork(parent.run_id)
        assert fork.spec.tools["echo"].spec.description == "Gives a text back."
        result = await (await session.execution(fork)).execute()
        assert (result.status, counted.calls) == (Status.ANSWERED, ["x"])
        told = [stored for stored in await session.store.events(parent.run_id) if stored.event.type == "tool_returned"]
        early = await session.fork(parent.run_id, at=told[0].seq)
        keys = [entry.key for entry in await session.store.journal(early.id)]
        assert keys == ["calling/propose.0.0", "calling/act.0.0"]


def _problem() -> Problem:
    return Problem.of("?")
