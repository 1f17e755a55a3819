"""Folding events into what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.budget import Budget
from symposia.core.calls import CallFailure
from symposia.core.candidate import Answer, Candidate, ExtractionRule, Score
from symposia.core.events import (
    EVENT,
    ApprovalAsked,
    ApprovalGiven,
    CallFailed,
    CallFinished,
    CandidateAdded,
    CandidateScored,
    Controlled,
    Event,
    FrontierAdvanced,
    Lane,
    RunFinished,
    RunStarted,
    StrategyFinished,
    ToolCalled,
    ToolReturned,
    TreeGrown,
    TreeNode,
    Warned,
    WaveStarted,
)
from symposia.core.problem import AnswerKind
from symposia.core.records import StoredEvent
from symposia.core.result import Outcome, Status, StopReason
from symposia.tui.store import burn, snapshot
from symposia.tui.store.burn import Burn
from symposia.tui.store.run import NOTES, RunView, fold
from symposia.tui.store.tally import Tally

PLACE: dict[str, Any] = {"scope": "s", "node": "propose", "visit": 0}


def stored(*events: Event, start: int = 1, at: float = 1000.0) -> list[StoredEvent]:
    return [StoredEvent(seq=start + place, at=at + place, event=event) for place, event in enumerate(events)]


def called(index: int = 0, role: str = "policy", *, dollars: float | None = None) -> CallFinished:
    tokens = {"prompt_tokens": 100, "cached_tokens": 40, "completion_tokens": 50}
    return CallFinished(**PLACE, index=index, role=role, model="m", choices=1, dollars=dollars, seconds=2.0, **tokens)


def answer(raw: str, value: str | None = None, unit: str | None = None) -> Answer:
    return Answer(value=value or raw, unit=unit, kind=AnswerKind.NUMBER, raw=raw, rule=ExtractionRule.BOXED)


def candidate(number: int, given: Answer | None, **more: Any) -> CandidateAdded:
    made = Candidate(id=f"s/propose.0.{number}#0", text=f"text {number}", model="m", answer=given, **more)
    return CandidateAdded(scope="s", node=made.id, candidate=made)


def wave(role: str = "policy", size: int = 4) -> WaveStarted:
    return WaveStarted(**PLACE, role=role, model="m", size=size, window=2)


STARTED = RunStarted(strategy="self-consistency", models={"policy": "m", "verifier": "v"})
LATE = CallFailure(code="timeout", message="it took too long", retryable=True)
FAILED = CallFailed(**PLACE, role="policy", model="m", failure=LATE)
OUTCOME = Outcome(candidates=(), pick=None, selections={}, stop_reason=StopReason.FINISHED)


def test_a_wave_is_counted_by_its_agents() -> None:
    view = fold(RunView(), stored(STARTED, wave(), called(0), called(1)))
    agent = view.agents["policy"]
    assert (agent.act, agent.back, agent.size, agent.in_flight, agent.context) == ("propose", 2, 4, 2, 150)
    assert agent.working
    assert not agent.stalled(agent.heard + 20)
    assert agent.stalled(agent.heard + 21)
    view.hear(agent.heard + 15)
    assert not agent.stalled(1002.0 + 30)
    fold(view, stored(called(2), FAILED, start=5))
    assert (agent.back, agent.failed, agent.working, agent.in_flight) == (3, 1, False, 0)


def test_a_wave_of_several_roles_is_each_ones() -> None:
    view = fold(RunView(), stored(STARTED, wave("policy+verifier")))
    assert {role: agent.model for role, agent in view.agents.items()} == {"policy": "m", "verifier": "v"}


def test_whoever_worked_is_idle_once_the_strategy_has_decided_but_not_when_one_inside_has() -> None:
    inner = StrategyFinished(scope="s/inner", strategy="greedy", outcome=OUTCOME)
    view = fold(RunView(), stored(STARTED, wave(), inner))
    assert view.agents["policy"].working
    assert view.outcome is None
    fold(view, stored(StrategyFinished(scope="s", strategy="s", outcome=OUTCOME), start=4))
    assert not view.agents["policy"].working
    assert view.outcome == OUTCOME


def test_an_event_that_was_folded_changes_nothing() -> None:
    events = stored(STARTED, wave(), called(), candidate(0, answer("42")))
    view = fold(RunView(), events)
    before = snapshot.dump(view)
    assert snapshot.dump(fold(view, events)) == before


def test_spending_is_by_role_and_an_unknown_price_is_not_zero() -> None:
    view = fold(RunView(), stored(STARTED, called(0, dollars=0.25), called(1, "verifier")))
    total = view.burn.total
    assert (total.calls, total.tokens, total.cost_tokens, total.dollars, total.unpriced_calls) == (2, 300, 220, 0.25, 1)
    assert view.burn.by_role["verifier"].seconds == 2.0


def test_intervals_are_joined_when_a_run_grows_long_and_nothing_is_lost() -> None:
    spent = Burn()
    for second in range(0, 10_000, 7):
        spent.put(5.0 + second, 10, 0.5)
    spent.put(0.0, 1, 0.0)  # a clock that went back
    assert len(spent.tokens) <= burn.BUCKETS
    assert spent.width == 64
    assert sum(spent.tokens) == 10 * 1429 + 1
    assert sum(spent.dollars) == pytest.approx(714.5)
    assert spent.rate(spent.tokens, now=5.0 + 9_996, over=600) == pytest.approx(10 / 7, rel=0.15)


def test_votes_go_by_canonical_answer_and_language() -> None:
    tally = Tally()
    for raw, language in (("42", "en"), ("42", "sw"), ("7", "sw"), ("42.0", "en")):
        tally.add(answer(raw, value="42" if raw.startswith("42") else "7"), language)
    tally.add(answer("42 km", value="42", unit="km"), "en")
    tally.add(answer("42 %", value="42", unit="%"), "en")
    tally.add(None, "hi")
    assert [(ballot.answer, ballot.count) for ballot in tally.ranked] == [("42 km", 4), ("7", 1), ("42 %", 1)]
    assert tally.ranked[0].forms == {"42": 2, "42.0": 1, "42 km": 1}
    assert tally.languages == ["en", "sw", "hi"]


def test_late_finishers_are_kept_and_never_counted() -> None:
    view = fold(RunView(), stored(STARTED, candidate(0, answer("1")), candidate(1, answer("2"), counted=False)))
    assert len(view.samples) == 2
    assert view.tally.late == 1
    assert [ballot.answer for ballot in view.tally.ranked] == ["1"]


def test_scores_stand_at_their_sample() -> None:
    score = Score(verifier="judge", value=0.5)
    events = [candidate(0, None), CandidateScored(scope="s", candidate="s/propose.0.0#0", score=score)]
    unknown = CandidateScored(scope="s", index=1, candidate="nobody", score=score)
    view = fold(RunView(), stored(*events, unknown))
    sample = view.samples["s/propose.0.0#0"]
    assert (sample.score, sample.seq, sample.verdicts[0].seq) == (0.5, 1, 2)


def test_a_question_waits_until_it_is_answered_or_the_run_has_ended() -> None:
    ask = ApprovalAsked(**PLACE, tool="python", arguments={"code": "1"}, justification="to be sure")
    view = fold(RunView(), stored(ask))
    assert view.questions["s/propose.0.0"].justification == "to be sure"
    given_ = ApprovalGiven(**PLACE, tool="python", approved=False, author="ada", note="no")
    fold(view, stored(given_, start=2))
    assert not view.questions
    assert view.notes[-1].text == "ada did not allow python: no"
    fold(view, stored(ask, RunFinished(status=Status.CANCELLED, stop_reason=StopReason.STEERED, answer=None), start=3))
    assert not view.questions


def test_tools_are_told_by_their_calls() -> None:
    call = ToolCalled(**PLACE, tool="python", arguments="1")
    back = ToolReturned(**PLACE, tool="python", error="it broke", seconds=0.5, dollars=None)
    view = fold(RunView(), stored(call, back))
    use = view.tools["s/propose.0.0"]
    assert (use.seq, use.returned, use.failed, use.seconds) == (1, 2, True, 0.5)
    assert view.notes[-1].text == "python: it broke"


def test_lanes_and_trees_grow() -> None:
    lanes = (Lane(slot=0, parent=None, score=0.5), Lane(slot=1, parent=0, state="dropped"))
    first, second = (FrontierAdvanced(scope="s", method="particles", lanes=lanes, index=index) for index in (0, 1))
    again = FrontierAdvanced(scope="s", visit=1, method="particles", lanes=lanes[:1], index=1)
    view = fold(RunView(), stored(first, second, again))
    assert view.lanes is not None
    assert [(each.number, len(each.lanes)) for each in view.lanes.rounds] == [(0, 2), (1, 1)]
    nodes = (TreeNode(id="r", parent=None), TreeNode(id="a", parent="r"), TreeNode(id="lost", parent="nobody"))
    fold(view, stored(TreeGrown(nodes=nodes, here="a", best=("r", "a")), TreeGrown(nodes=nodes[1:2], index=1), start=4))
    assert view.tree is not None
    assert (view.tree.roots, view.tree.children, view.tree.simulations) == (["r", "lost"], {"r": ["a"]}, 2)


def test_what_people_did_is_in_the_log_and_new_caps_count() -> None:
    retuned = Controlled(kind="retune", author="ada", budget=Budget(calls=9))
    view = fold(RunView(), stored(retuned, Controlled(kind="steer", author="ada", text="in metres", index=1)))
    assert view.budget == Budget(calls=9)
    assert view.notes[-1].text == "ada: steer “in metres”"


def test_the_log_forgets_its_oldest_lines_but_counts_them() -> None:
    view = fold(RunView(), stored(*(Warned(code="x", message=f"{place}", index=place) for place in range(NOTES + 10))))
    assert (len(view.notes), view.notes[0].number, view.noted) == (NOTES, 11, NOTES + 10)


@pytest.mark.parametrize("body", [b"", b"no zlib", snapshot.zlib.compress(b"{}"), snapshot.zlib.compress(b'["{}", [[1]]]')])
def test_what_is_no_snapshot_is_none(body: bytes) -> None:
    assert snapshot.load(body) is None


_SMALL = st.integers(0, 3)
_TEXT = st.sampled_from(["", "policy", "policy+verifier", "42", "[bold]", "\x1b[2J"])
_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.just(STARTED),
    st.builds(wave, _TEXT, _SMALL),
    st.builds(called, _SMALL, _TEXT),
    st.just(FAILED),
    st.builds(candidate, _SMALL, st.none() | st.builds(answer, st.sampled_from(["1", "2", "½"]))),
    st.builds(
        CandidateScored,
        candidate=st.builds("s/propose.0.{}#0".format, _SMALL),
        score=st.builds(Score, verifier=_TEXT, value=st.none() | st.floats(0, 1)),
    ),
    st.builds(ToolCalled, index=_SMALL, tool=_TEXT, arguments=_TEXT),
    st.builds(ToolReturned, index=_SMALL, tool=_TEXT, error=st.none() | _TEXT, seconds=st.just(1.0), dollars=st.none()),
    st.builds(ApprovalAsked, index=_SMALL, tool=_TEXT, arguments=_TEXT),
    st.builds(ApprovalGiven, index=_SMALL, tool=_TEXT, approved=st.booleans(), author=_TEXT),
    st.builds(
        FrontierAdvanced,
        index=_SMALL,
        method=st.sampled_from(["particles", "beams"]),
        lanes=st.lists(st.builds(Lane, slot=_SMALL, parent=st.none() | _SMALL), max_size=3).map(tuple),
    ),
    st.builds(
        TreeGrown,
        index=_SMALL,
        nodes=st.lists(st.builds(TreeNode, id=_TEXT, parent=st.none() | _TEXT), max_size=3).map(tuple),
    ),
    st.builds(Controlled, kind=st.sampled_from(["pause", "retune"]), author=_TEXT, budget=st.none() | st.just(Budget(calls=1))),
    st.builds(Warned, code=_TEXT, message=_TEXT),
    st.just(StrategyFinished(scope="s", strategy="s", outcome=OUTCOME)),
    st.just(RunFinished(status=Status.ANSWERED, stop_reason=StopReason.AGREED, answer="42")),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_EVENTS, max_size=25), st.integers(0, 25))
def test_any_events_in_any_order_fold_and_a_snapshot_between_changes_nothing(events: list[Event], cut: int) -> None:
    read_back = [EVENT.validate_json(EVENT.dump_json(event, round_trip=True)) for event in events]
    rows = stored(*read_back)
    whole = fold(RunView(), rows)
    kept = snapshot.load(snapshot.dump(fold(RunView(), rows[:cut])))
    assert kept is not None
    assert fold(kept, rows) == whole
    assert snapshot.load(snapshot.dump(whole)) == whole
