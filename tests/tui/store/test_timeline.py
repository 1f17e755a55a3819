"""The order of a trace, and a run set back to an event."""

from __future__ import annotations

from pathlib import Path

from symposia.core.candidate import Candidate
from symposia.core.events import CandidateAdded, Event, RunStarted, ToolCalled, ToolReturned, Warned
from symposia.core.problem import Problem
from symposia.core.records import RunSpec, StoredEvent
from symposia.memory.store import Store
from symposia.testing import fake_spec
from symposia.tui import scrub as scrubbing
from symposia.tui.scrub import Scrub
from symposia.tui.store import snapshot
from symposia.tui.store.run import RunView, fold
from symposia.tui.store.timeline import Timeline, key_of


def sample(number: int) -> CandidateAdded:
    made = Candidate(id=f"s/propose.0.{number}#0", text=f"text {number}", model="m")
    return CandidateAdded(scope="s", node=made.id, candidate=made)


def tool(index: int) -> tuple[Event, Event]:
    place = {"scope": "s", "node": "act", "visit": 0, "index": index, "tool": "python"}
    return ToolCalled(**place, arguments={}), ToolReturned(**place, output="1", seconds=1.0, dollars=None)


def stored(events: list[Event], start: int = 1) -> list[StoredEvent]:
    return [StoredEvent(seq=start + place, at=5.0, event=event) for place, event in enumerate(events)]


def test_everything_in_the_order_in_which_it_came() -> None:
    view, timeline = RunView(), Timeline()
    called, came = tool(0)
    fold(view, stored([RunStarted(strategy="s", models={"policy": "m"}), sample(0), called, sample(1)]))
    assert timeline.update(view)
    assert [key_of(each) for each in timeline.entries] == [
        "sample s/propose.0.0#0",
        f"tool {next(iter(view.tools))}",
        "sample s/propose.0.1#0",
    ]
    assert not timeline.update(view)
    fold(view, stored([came, Warned(code="x", message="careful", index=0), sample(2)], start=5))
    assert timeline.update(view)
    assert [key_of(each) for each in timeline.entries[3:]] == ["sample s/propose.0.2#0", "note 1"]


def test_another_view_is_begun_anew() -> None:
    timeline = Timeline()
    timeline.update(fold(RunView(), stored([sample(0), sample(1)])))
    timeline.update(fold(RunView(), stored([sample(0)])))
    assert len(timeline.entries) == 1


async def test_a_run_as_it_was_after_any_of_its_events(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(scrubbing, "_NEAR", 10)
    events: list[Event] = [RunStarted(strategy="s", models={"policy": "m"}), *(sample(number) for number in range(60))]
    async with await Store.open(tmp_path / "runs.db") as store:
        spec = RunSpec(problem=Problem.of("1?"), strategy="s", models={"policy": fake_spec()}, version="0")
        _, lease = await store.begin_run(spec, owner="x")
        store.append(lease, events)
        await store.flush(lease)
        every = await store.events(lease.run_id)
        scrub = Scrub(store, lease.run_id)
        for seq in (60, 59, 12, 11, 10, 9, 1, 33, 34, 61, 45):
            view = await scrub.go(seq)
            assert snapshot.dump(view) == snapshot.dump(fold(RunView(), every[:seq])), seq
        assert (await scrub.go(-5)).seq == 1
        assert (await scrub.go(1_000)).seq == 61
