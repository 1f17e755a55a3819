"""What people ask of a run while it is executed: pause at once, steer, retune; and what a replay makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from symposia.core.budget import Budget
from symposia.core.calls import ChatRequest, ModelCall
from symposia.core.events import CallFinished, Controlled, Warned
from symposia.core.model_spec import Ability
from symposia.core.problem import Message, Problem, TextPart
from symposia.core.records import ControlKind, ControlRecord, EntryKind, EntryStatus
from symposia.core.result import RunState, Status, StopReason
from symposia.runtime import tending
from symposia.runtime.caps import merged
from symposia.runtime.desk import Desk
from symposia.runtime.session import Session
from symposia.runtime.steering import carrying
from symposia.testing import ScriptedModel

SEPARATE = {"abilities": (Ability.CHAT, Ability.SEED)}
WINDOWS = {"n": 6, "window": 2}
"""Of ``early-stopping-consistency``: three waves of two calls, unless a window agrees."""


class Held(ScriptedModel):
    """Replies differ, so that no window agrees. Calls from number ``first`` on wait until the test lets them go."""

    def __init__(self, first: int = 0) -> None:
        super().__init__(lambda _prompt, sample: f"\\boxed{{{sample}}}")
        self.first = first
        self.go = asyncio.Event()

    async def complete(self, *args: Any, **kwargs: Any) -> Any:
        number = len(self.calls)
        reply = await super().complete(*args, **kwargs)
        if number >= self.first:
            try:
                self.in_flight += 1
                await self.go.wait()
            except asyncio.CancelledError:
                self.calls[number].cancelled = True
                raise
            finally:
                self.in_flight -= 1
        return reply


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "_POLL", 0.01)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Callable[[ControlKind], Any]:
    """Waits until the executing process has seen a wish of a kind, and done what it does at once."""
    seen = {kind: asyncio.Event() for kind in ControlKind}
    obey = Desk.obey

    async def told(self: Desk, wishes: list[ControlRecord]) -> None:
        await obey(self, wishes)
        for wish in wishes:
            seen[wish.kind].set()

    monkeypatch.setattr(Desk, "obey", told)
    return lambda kind: asyncio.wait_for(seen[kind].wait(), 5)


async def begin(session: Session, run_id: str = "mine", **changes: Any) -> asyncio.Task:
    asked = {"team": "fake", "strategy": "early-stopping-consistency", "options": WINDOWS, **changes}
    spec = await session.prepare(Problem.of("How much is it?"), **asked)
    return asyncio.create_task((await session.begin(spec, run_id=run_id)).execute())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def paused(session: Session, run_id: str = "mine") -> None:
    async with asyncio.timeout(5):
        while (await session.store.run(run_id)).state is not RunState.PAUSED:
            await asyncio.sleep(0.005)


async def controlled(session: Session, run_id: str = "mine") -> list[Controlled]:
    events = [stored.event for stored in await session.store.events(run_id)]
    return [event for event in events if isinstance(event, Controlled)]


async def requests(session: Session, run_id: str) -> dict[str, dict[str, Any]]:
    """Of finished calls, by key."""
    entries = await session.store.journal(run_id)
    return {each.key: each.request for each in entries if each.kind is EntryKind.CALL and each.status is EntryStatus.DONE}


def told(request: dict[str, Any]) -> bool:
    """Whether a request ends with what ann said."""
    return "be brief" in request["messages"][-1]["content"]


# Pause


async def test_a_pause_at_once_breaks_off_calls_and_they_are_made_again(opened) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session, strategy="self-consistency", options={"n": 4})
        await until(lambda: model.in_flight == 4)
        await session.store.add_control("mine", ControlKind.PAUSE_NOW, "ann")
        await paused(session)
        assert model.in_flight == 0
        assert all(call.cancelled for call in model.calls)
        assert not run.done()
        model.go.set()
        await session.store.add_control("mine", ControlKind.RESUME, "bob")
        result = await asyncio.wait_for(run, 5)
        assert [(event.kind, event.author) for event in await controlled(session)] == [("pause_now", "ann"), ("resume", "bob")]
        again = await session.replay("mine")
    assert len(model.calls) == 8
    assert (result.status, len(result.candidates)) == (Status.ANSWERED, 4)
    assert (result.total_usage.calls, result.total_usage.lost_calls) == (8, 4)
    assert again.model_dump(exclude={"seconds"}) == result.model_dump(exclude={"seconds"})


async def test_an_ordinary_pause_leaves_calls_alone(opened) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.PAUSE, "ann")
        await paused(session)
        model.go.set()
        await until(lambda: model.in_flight == 0)
        await asyncio.sleep(0.03)
        assert (len(model.calls), run.done()) == (2, False)
        await session.store.add_control("mine", ControlKind.RESUME, "ann")
        result = await asyncio.wait_for(run, 5)
    assert (len(model.calls), result.total_usage.lost_calls) == (6, 0)


@pytest.mark.parametrize(("calls", "reason", "kept"), [(5, StopReason.FINISHED, 4), (4, StopReason.BUDGET, 3)])
async def test_what_landed_before_a_pause_at_once_is_kept_and_what_is_made_again_must_fit(opened, calls, reason, kept) -> None:
    """The first of four calls is broken off while the others, which come after it, have landed."""
    model = Held()
    order = iter([True, False, False, False])
    complete = ScriptedModel.complete

    async def first_waits(*args: Any, **kwargs: Any) -> Any:
        waits = next(order, False)
        reply = await complete(model, *args, **kwargs)
        if waits:
            await model.go.wait()
        return reply

    model.complete = first_waits  # type: ignore[method-assign]
    landed: list[CallFinished] = []
    async with opened(model, **SEPARATE) as session:
        spec = await session.prepare(
            Problem.of("?"), team="fake", strategy="self-consistency", options={"n": 4}, budget=Budget(calls=calls)
        )

        def hear(event: Any) -> None:
            if isinstance(event, CallFinished):
                landed.append(event)

        execution = await session.begin(spec, run_id="mine", listener=hear)
        run = asyncio.create_task(execution.execute())
        await until(lambda: len(landed) == 3)
        execution.control.pause(now=True)
        await asyncio.sleep(0.02)
        execution.control.resume()
        result = await asyncio.wait_for(run, 5)
    assert (result.stop_reason, len(result.candidates)) == (reason, kept)
    assert (result.total_usage.calls, result.total_usage.lost_calls) == (calls, 1)
    assert len({event.id for event in landed}) == kept
    assert len(landed) == kept or reason is StopReason.BUDGET, "a cut tells of what it keeps once more"


async def test_a_stop_ends_a_run_that_is_paused_at_once(opened) -> None:
    model = Held(first=2)
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.PAUSE_NOW, "ann")
        await paused(session)
        await session.store.add_control("mine", ControlKind.STOP, "ann")
        result = await asyncio.wait_for(run, 5)
        assert (result.stop_reason, len(result.candidates)) == (StopReason.STEERED, 2)
        model.go.set()
        resumed = await session.resume("mine")
        assert [event.kind for event in await controlled(session)] == ["pause_now", "stop"]
    assert (resumed.status, len(resumed.candidates)) == (Status.ANSWERED, 6)


# Steer


async def test_a_note_is_carried_from_the_next_wave_on_and_a_replay_asks_the_same(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.STEER, "ann", text="be brief")
        await heard(ControlKind.STEER)
        assert len(await session.store.pending_controls("mine")) == 1
        model.go.set()
        result = await asyncio.wait_for(run, 5)
        assert await session.store.pending_controls("mine") == []
        made = await requests(session, "mine")
        (event,) = await controlled(session)
        again = await session.replay("mine")
        fork = await session.fork("mine", options={"n": 8})
        await (await session.execution(fork)).execute()
        more = await requests(session, fork.id)
    assert [told(made[key]) for key in sorted(made)] == [False, False, True, True, True, True]
    assert made == {key: request for key, request in more.items() if key in made}
    assert [told(request) for key, request in more.items() if key not in made] == [True, True]
    assert (event.kind, event.author, event.text, event.visit) == ("steer", "ann", "be brief", 1)
    assert again.model_dump(exclude={"seconds"}) == result.model_dump(exclude={"seconds"})
    said = made[max(made)]["messages"]
    assert [message["role"] for message in said] == ["system", "user"], "never two of the user's in a row"
    assert said[-1]["content"].startswith("How much is it?\n\nWhile you work, the person who asked says:\n\nbe brief\n\n")


async def test_notes_are_carried_in_order(opened) -> None:
    model = Held()
    model.go.set()
    async with opened(model, **SEPARATE) as session:
        spec = await session.prepare(Problem.of("?"), team="fake", strategy="early-stopping-consistency", options=WINDOWS)
        await session.store.create_run(spec, id="mine")
        for text in ("first", "second"):
            await session.store.add_control("mine", ControlKind.STEER, "ann", text=text)
        await (await session.execution("mine")).execute()
        made = await requests(session, "mine")
    assert all("first\n\nsecond" in request["messages"][-1]["content"] for request in made.values())


async def test_a_note_that_is_taken_back_is_told_nobody(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 2)
        wish = await session.store.add_control("mine", ControlKind.STEER, "ann", text="be brief")
        await heard(ControlKind.STEER)
        assert await session.store.withdraw_control("mine", wish.seq)
        model.go.set()
        await asyncio.wait_for(run, 5)
        assert not any(map(told, (await requests(session, "mine")).values()))
        assert await controlled(session) == []


async def test_a_note_survives_the_process_and_reaches_only_what_was_not_begun(opened, heard) -> None:
    """The first process dies in its second wave; the note was pending. Another one takes the run over."""
    model = Held(first=3)
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 1 and len(model.calls) == 4)
        await session.store.add_control("mine", ControlKind.STEER, "ann", text="be brief")
        await heard(ControlKind.STEER)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    model.go.set()
    async with opened(model, **SEPARATE) as session:
        result = await session.resume("mine")
        made = await requests(session, "mine")
        again = await session.replay("mine")
    assert [told(made[key]) for key in sorted(made)] == [False, False, False, False, True, True]
    assert again.model_dump(exclude={"seconds"}) == result.model_dump(exclude={"seconds"})


async def test_a_run_resumed_after_its_note_was_taken_up_carries_it_on(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session)
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.STEER, "ann", text="be brief")
        await heard(ControlKind.STEER)
        model.first = 3
        model.go.set()
        model.go = asyncio.Event()
        await until(lambda: len(model.calls) == 4 and model.in_flight == 1)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        model.go.set()
        await session.resume("mine")
        made = await requests(session, "mine")
        assert len(await controlled(session)) == 1
    assert [told(made[key]) for key in sorted(made)] == [False, False, True, True, True, True]


async def test_who_judges_is_told_nothing(opened) -> None:
    def reply(prompt: str, sample: int) -> str:
        return "Verdict: correct" if "correct" in prompt.lower() and "solution" in prompt.lower() else f"\\boxed{{{sample}}}"

    model = ScriptedModel(reply)
    async with opened(model, **SEPARATE) as session:
        spec = await session.prepare(Problem.of("?"), team="fake", strategy="best-of-n", options={"n": 2})
        await session.store.create_run(spec, id="mine")
        await session.store.add_control("mine", ControlKind.STEER, "ann", text="be brief")
        await (await session.execution("mine")).execute()
        entries = [each for each in await session.store.journal("mine") if each.kind is EntryKind.CALL]
    assert {each.role for each in entries} == {"policy", "verifier"}
    for each in entries:
        assert told(each.request) is (each.role == "policy")


def test_words_are_what_the_user_says_last() -> None:
    def said(*messages: Message) -> tuple[Message, ...]:
        call = carrying(ModelCall(role="policy", request=ChatRequest(messages=messages, max_tokens=1)), "so")
        return call.request.messages  # type: ignore[union-attr]

    system, reply = Message(role="system", content="s"), Message(role="assistant", content="a")
    assert said(system, reply) == (system, reply, Message(role="user", content="so"))
    assert said(Message(role="user", content="q"))[-1].content == "q\n\nso"
    assert said(Message(role="user", content=None))[-1].content == "so"
    parts = (TextPart(text="q"),)
    assert said(Message(role="user", content=parts))[-1].content == (*parts, TextPart(text="so"))


# Retune


async def test_lower_caps_end_a_run_as_a_spent_budget_does(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session, budget="calls=10,tokens=50k")
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.RETUNE, "ann", budget=Budget(calls=1))
        await heard(ControlKind.RETUNE)
        model.go.set()
        result = await asyncio.wait_for(run, 5)
        (event,) = await controlled(session)
        again = await session.replay("mine")
        fork = await session.fork("mine")
    assert (result.stop_reason, len(result.candidates), len(model.calls)) == (StopReason.BUDGET, 2, 2)
    assert (event.kind, event.budget) == ("retune", Budget(calls=1, tokens=50_000))
    assert again.model_dump(exclude={"seconds"}) == result.model_dump(exclude={"seconds"})
    assert fork.spec.budget == Budget(calls=1, tokens=50_000), "the caps in force are the fork's by default"


async def test_higher_caps_let_a_run_go_on_and_hold_when_it_is_resumed(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session, budget="calls=2")
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.RETUNE, "ann", budget=Budget(calls=5))
        await heard(ControlKind.RETUNE)
        model.first = 3
        model.go.set()
        model.go = asyncio.Event()
        await until(lambda: len(model.calls) == 4 and model.in_flight == 1)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        model.go.set()
        result = await session.resume("mine")
        assert [event.budget for event in await controlled(session)] == [Budget(calls=5)]
        fork = await session.fork("mine", budget="calls=20")
        whole = await (await session.execution(fork)).execute()
    assert (result.stop_reason, result.total_usage.calls) == (StopReason.BUDGET, 5), "one of them is lost"
    assert (whole.stop_reason, len(whole.candidates)) == (StopReason.FINISHED, 6)


async def test_the_deadline_moves_with_its_cap(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session, budget="seconds=600")
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.RETUNE, "ann", budget=Budget(seconds=0.01))
        result = await asyncio.wait_for(run, 5)
    assert result.stop_reason is StopReason.DEADLINE


async def test_a_cap_that_could_not_be_kept_is_refused(opened, heard) -> None:
    model = Held()
    async with opened(model, **SEPARATE) as session:
        run = await begin(session, budget="calls=10")
        await until(lambda: model.in_flight == 2)
        await session.store.add_control("mine", ControlKind.RETUNE, "ann", budget=Budget(dollars=1.0))
        await heard(ControlKind.RETUNE)
        model.go.set()
        result = await asyncio.wait_for(run, 5)
        events = [stored.event for stored in await session.store.events("mine")]
        assert await session.store.pending_controls("mine") == []
    (warned,) = [event for event in events if isinstance(event, Warned) and event.code == "retune_refused"]
    assert "the budget stays calls=10: a budget in dollars cannot be kept" in warned.message
    assert result.stop_reason is StopReason.FINISHED


def test_caps_that_are_not_given_stay() -> None:
    assert merged(Budget(calls=5, seconds=9), Budget(calls=2, dollars=1)) == Budget(calls=2, seconds=9, dollars=1)
