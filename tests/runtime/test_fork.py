"""A fork begins with its parent's journal, goes on with its own, and never asks the copied part anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from symposia.core.calls import ChatRequest
from symposia.core.errors import AuthError, ConfigError, ReplayDiverged, ServerError, UnknownNameError
from symposia.core.problem import Message
from symposia.core.records import EntryKind, EntryStatus, JournalEntry
from symposia.core.result import Result, RunState
from symposia.core.usage import Usage
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.fork import merged, origin, part_of
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

ANSWERS = [18, 20, 18, 18, 7, 18, 18, 20]


def say(prompt: str, sample: int) -> str:
    return f"So \\boxed{{{ANSWERS[sample % len(ANSWERS)]}}}."


class Open(Protocol):
    def __call__(self, model: ScriptedModel) -> AbstractAsyncContextManager[Session]: ...


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """A session that knows two models, ``fake`` and ``other``, played by one script."""

    @asynccontextmanager
    async def opener(model: ScriptedModel) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model}, retry=RetryPolicy(max_attempts=1))
        models = {name: fake_spec(name) for name in ("fake", "other")}
        async with Session(settings=settings, store=tmp_path / "runs.db", gateway=gateway, models=models) as session:
            yield session

    return opener


async def asked(session: Session, n: int = 4, **more: Any) -> Result:
    options = {"n": n, "batched": False} | more.pop("options", {})
    return await session.solve("6 + 12?", team="fake", options=options, **more)


async def forked(session: Session, parent: Result, **more: Any) -> Result:
    record = await session.fork(parent.run_id, **more)
    return await (await session.execution(record)).execute()


async def test_more_samples_cost_only_the_new_ones(opened: Open) -> None:
    model = ScriptedModel(say)
    async with opened(model) as session:
        four = await asked(session)
        assert len(model.calls) == 4
        eight = await forked(session, four, options={"n": 8})
        assert len(model.calls) == 8
        assert eight.candidates[:4] == four.candidates
        assert eight.total_usage.calls == 8, "what was copied counts"
        straight = await asked(session, 8)
        assert [candidate.text for candidate in eight.candidates] == [candidate.text for candidate in straight.candidates]

        origin = (await session.store.run(eight.run_id)).spec.forked_from
        assert origin is not None
        assert (origin.run_id, origin.entries, origin.usage) == (four.run_id, 4, four.total_usage)
        assert origin.at == "self-consistency/propose.0.3"


async def test_a_fork_outlives_its_parent(opened: Open) -> None:
    async with opened(ScriptedModel(say)) as session:
        parent = await asked(session)
        child = await forked(session, parent, options={"n": 6})
        await session.store.remove_runs([parent.run_id])
        replayed = await session.replay(child.run_id)
        assert replayed.candidates == child.candidates
        again = await forked(session, child, options={"n": 8})
        assert again.candidates[:6] == child.candidates


@pytest.mark.parametrize("options", [{"temperature": 0.1}, {"max_tokens": 7}, {"batched": True}])
async def test_a_changed_request_is_refused_and_nothing_is_stored_or_asked(opened: Open, options: dict[str, Any]) -> None:
    model = ScriptedModel(say)
    async with opened(model) as session:
        parent = await asked(session)
        with pytest.raises(ReplayDiverged, match="copies") as caught:
            await session.fork(parent.run_id, options=options)
        assert "new run" in str(caught.value.hint)
        assert len(await session.store.runs()) == 1
        assert len(model.calls) == 4


async def test_another_model_plays_what_comes(opened: Open) -> None:
    async with opened(ScriptedModel(say)) as session:
        parent = await asked(session)
        child = await forked(session, parent, options={"n": 6}, team="other")
    assert [candidate.model for candidate in child.candidates] == ["FAKE/fake"] * 4 + ["FAKE/other"] * 2
    assert child.models["policy"] == "other"


async def test_what_is_copied_counts_against_the_budget(opened: Open) -> None:
    model = ScriptedModel(say)
    async with opened(model) as session:
        parent = await asked(session)
        child = await forked(session, parent, options={"n": 8}, budget="calls=6")
        assert (child.total_usage.calls, child.stop_reason, len(child.candidates)) == (6, "budget", 6)
        assert len(model.calls) == 6
        with pytest.raises(ConfigError, match="allows no model call"):
            await session.fork(parent.run_id, budget=0)


async def test_a_run_cut_by_its_budget_goes_on_with_more(opened: Open) -> None:
    model = ScriptedModel(say)
    async with opened(model) as session:
        parent = await asked(session, 8, budget="calls=3")
        assert parent.stop_reason == "budget"
        same = await forked(session, parent)
        assert (same.stop_reason, len(model.calls)) == ("budget", 3), "the budget is the parent's unless another is given"
        child = await forked(session, parent, budget="calls=8")
        assert (child.stop_reason, child.total_usage.calls, len(model.calls)) == ("finished", 8, 8)
        assert child.candidates[:3] == parent.candidates


@pytest.mark.parametrize("error", [AuthError("no"), ServerError("down")])
async def test_a_run_that_failed_whole_is_tried_anew_by_another_model(opened: Open, error: Exception) -> None:
    model = ScriptedModel(say, fail=lambda call: error if call.spec.name == "fake" else None)  # type: ignore[return-value]
    async with opened(model) as session:
        parent = await asked(session)
        assert parent.status == "failed"
        child = await forked(session, parent, team="other")
    assert (child.status, child.answer, len(child.candidates)) == ("answered", "18", 4)


@pytest.mark.parametrize(
    ("at", "kept"),
    [("self-consistency/propose.0.1", 2), ("self-consistency/propose.0.1#0", 2), (1, 0), (3, 1), (None, 4)],
)
async def test_a_fork_at_a_point(opened: Open, at: str | int | None, kept: int) -> None:
    model = ScriptedModel(say)
    async with opened(model) as session:
        # One call at a time, so that events come in the order of the calls.
        parent = await asked(session, options={"stop": "beta", "window": 1, "confidence": 0.999999})
        record = await session.fork(parent.run_id, at=at)
        assert len(await session.store.journal(record.id)) == kept
        child = await (await session.execution(record)).execute()
        assert child.answer == parent.answer
        assert len(model.calls) == 4 + 4 - kept


@pytest.mark.parametrize("at", [0, 99, "self-consistency/propose.0.9"])
async def test_no_such_point(opened: Open, at: str | int) -> None:
    async with opened(ScriptedModel(say)) as session:
        parent = await asked(session)
        with pytest.raises((ConfigError, UnknownNameError)):
            await session.fork(parent.run_id, at=at)
        assert len(await session.store.runs()) == 1


async def test_a_queued_run_can_be_forked(opened: Open) -> None:
    async with opened(ScriptedModel(say)) as session:
        first = await session.fork((await asked(session)).run_id, options={"n": 6})
        assert first.state is RunState.QUEUED
        second = await session.fork(first.id, options={"n": 8})
        assert len(await session.store.journal(second.id)) == 4


def entry(index: int, status: EntryStatus = EntryStatus.DONE, **changes: Any) -> JournalEntry:
    request = ChatRequest(messages=(Message(role="user", content="?"),), max_tokens=1)
    values: dict[str, Any] = {
        "key": f"s/propose.0.{index}",
        "kind": EntryKind.CALL,
        "status": status,
        "request_hash": request.hash(),
        "request": request.model_dump(mode="json"),
        "role": "policy",
        "charge": Usage(calls=1, completion_tokens=5),
    }
    return JournalEntry.model_validate(values | changes)


CUT = entry(
    0, key="s/propose.0.end", kind=EntryKind.EFFECT, response={"reason": "budget", "consumed": [0]}, charge=Usage(), role=""
)


def test_what_is_open_stays_the_parents() -> None:
    done, sent, lost = entry(0), entry(1, EntryStatus.SENT), entry(2, EntryStatus.LOST)
    assert part_of([done, sent, lost]) == [done, lost]


def test_a_cut_that_a_later_call_relied_on_is_kept() -> None:
    later = entry(0, key="s/refine.0.0")
    assert part_of([entry(0), CUT]) == [entry(0)]
    assert part_of([entry(0), CUT, later]) == [entry(0), CUT, later]


def test_failures_are_kept_beside_successes_only() -> None:
    failed = entry(1, EntryStatus.FAILED)
    assert part_of([entry(0), failed]) == [entry(0), failed]
    assert part_of([failed]) == []


def test_the_origin_charges_what_broke_off_as_lost() -> None:
    found = origin("parent", [entry(0), entry(1, EntryStatus.LOST)])
    assert found.usage == Usage(calls=2, completion_tokens=5, lost_calls=1, lost_completion_tokens=5)
    assert origin("parent", []).at is None


def test_options_are_merged_table_by_table() -> None:
    assert merged({"n": 4, "inner": {"a": 1, "b": 2}}, {"inner": {"b": 3}}) == {"n": 4, "inner": {"a": 1, "b": 3}}
    assert merged({"inner": None}, {"inner": {"b": 3}}) == {"inner": {"b": 3}}
