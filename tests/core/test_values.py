"""Usage, price, calls, candidates and events: the small value types."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from symposia import AnswerKind, Message, StopReason, Usage
from symposia.core import events
from symposia.core.budget import Budget
from symposia.core.calls import CallFailure, ChatRequest
from symposia.core.candidate import Answer, Candidate, ExtractionRule, Score
from symposia.core.events import EVENT, Event, RunStarted, WaveStarted
from symposia.core.model_spec import ModelSpec, Price
from symposia.core.problem import ToolCall, ToolFunction
from symposia.core.result import Outcome, Selection, Status
from symposia.core.usage import total

_COUNT = st.integers(0, 10**9)
_FIELDS = ["calls", "prompt_tokens", "completion_tokens", "unpriced_calls", "lost_calls", "lost_prompt_tokens"]
_USAGE = st.builds(Usage, **dict.fromkeys(_FIELDS, _COUNT))


@given(_USAGE, _USAGE, _USAGE)
def test_usage_adds_up_in_any_order(a: Usage, b: Usage, c: Usage) -> None:
    assert (a + b) + c == a + (b + c) == total({"x": c, "y": a, "z": b})
    assert a + Usage() == a


def test_usage_adds_every_field() -> None:
    ones = Usage(**dict.fromkeys(Usage.model_fields, 1))
    assert (ones + ones).model_dump(exclude={"cost_tokens"}) == dict.fromkeys(Usage.model_fields, 2)
    assert total({}) == Usage()


def test_cost_tokens_leave_out_what_the_prefix_cache_held() -> None:
    assert Usage(prompt_tokens=100, cached_tokens=60, completion_tokens=7).cost_tokens == 47


def test_a_lost_call_keeps_its_charge_apart() -> None:
    reserved = Usage(calls=1, prompt_tokens=10, completion_tokens=20, dollars=0.5)
    lost = reserved.as_lost()
    assert (lost.calls, lost.lost_calls, lost.dollars, lost.cost_tokens) == (1, 1, 0.5, 0)
    assert (lost.lost_prompt_tokens, lost.lost_completion_tokens) == (10, 20)


def test_usage_survives_json() -> None:
    usage = Usage(calls=2, prompt_tokens=3)
    dumped = usage.model_dump(mode="json")
    assert dumped["cost_tokens"] == 3
    assert Usage.model_validate({name: value for name, value in dumped.items() if name != "cost_tokens"}) == usage


@pytest.mark.parametrize(
    ("price", "dollars"),
    [
        (Price(), None),
        (Price(input=1), None),
        (Price(output=1), None),
        (Price(input=2, output=10), 0.002 + 0.005),
        (Price(input=2, cached_input=0.5, output=10), 0.0012 + 0.0002 + 0.005),
        (Price(input=0, output=0), 0.0),
        (Price(hour=3.6), 0.01),
        (Price(hour=3.6, input=2, output=10), 0.01),
    ],
)
def test_prices(price: Price, dollars: float | None) -> None:
    found = price.dollars(prompt=1000, cached=400, completion=500, seconds=10)
    assert found == (None if dollars is None else pytest.approx(dollars))


def test_a_model_is_known_by_the_name_its_server_has_for_it() -> None:
    assert ModelSpec(name="a").remote_name == "a"
    assert ModelSpec(name="a", served_name="org/a").remote_name == "org/a"


def _request(text: str = "hi", **changes: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content=text),), max_tokens=10, **changes)


def test_the_hash_of_a_request_is_of_all_it_asks() -> None:
    requests = [_request(), _request("ho"), _request(seed=1), _request(n=2), _request(stop=("x",)), _request(extra={"a": 1})]
    assert len({request.hash() for request in requests}) == len(requests)
    assert _request().hash() == _request().hash()
    assert len(_request().hash()) == 32


def test_the_bound_of_a_prompt_counts_bytes_and_tool_calls() -> None:
    assert _request("é" * 100).prompt_bound() >= 200
    call = ToolCall(id="1", function=ToolFunction(name="f", arguments="x" * 500))
    assert ChatRequest(messages=(Message(role="assistant", tool_calls=(call,)),), max_tokens=1).prompt_bound() > 500


def _answer(value: str, unit: str | None = None) -> Answer:
    return Answer(value=value, unit=unit, kind=AnswerKind.NUMBER, raw=value, rule=ExtractionRule.BOXED)


def test_answers_print_with_their_unit() -> None:
    assert [str(_answer("5")), str(_answer("5", "$")), str(_answer("5", "km"))] == ["5", "$5", "5 km"]
    assert _answer("50", "%").key != _answer("50").key


def test_scores_must_align_with_the_steps() -> None:
    score = Score(verifier="v", value=0.5, steps=(0.5, None))
    assert Candidate(id="c", text="ab", model="m", steps=("a", "b"), scores=(score,)).scores == (score,)
    with pytest.raises(ValidationError, match="v scored 2 steps of 1 in c"):
        Candidate(id="c", text="a", model="m", steps=("a",), scores=(score,))
    with pytest.raises(ValidationError):
        Score(verifier="v", value=1.5)


def test_a_further_score_must_align_too() -> None:
    candidate = Candidate(id="c", text="a", model="m", steps=("a",))
    first, second = (Score(verifier=name, value=0.5, steps=(0.5,)) for name in ("v", "w"))
    assert candidate.with_score(first).with_score(second).scores == (first, second)
    with pytest.raises(ValidationError, match="v scored 2 steps of 1 in c"):
        candidate.with_score(Score(verifier="v", value=0.5, steps=(0.5, 0.5)))


_OUTCOME = Outcome(
    candidates=("c",), pick="c", selections={"majority": Selection(answer="4", candidate="c")}, stop_reason=StopReason.AGREED
)
_EVENTS: list[Event] = [
    RunStarted(strategy="greedy", models={"policy": "m"}),
    WaveStarted(scope="inner", node="propose", visit=1, role="policy", model="m", size=4, window=2),
    events.CallFinished(
        node="propose",
        index=3,
        role="policy",
        model="m",
        choices=1,
        prompt_tokens=1,
        cached_tokens=0,
        completion_tokens=2,
        dollars=None,
        seconds=0.1,
    ),
    events.CallFailed(node="propose", role="policy", model="m", failure=CallFailure(code="timeout", message="late")),
    events.CandidateAdded(node="propose", candidate=Candidate(id="c", text="4", model="m", answer=_answer("4"))),
    events.CandidateScored(node="score", candidate="c", score=Score(verifier="v", value=0.5)),
    events.ToolCalled(node="act", tool="calculator", arguments={"expression": "1 + 1"}, justification="to be sure"),
    events.ToolReturned(node="act", tool="calculator", output={"value": "2"}, seconds=0.1, dollars=None),
    events.ApprovalAsked(node="act", tool="wiki", arguments="no JSON"),
    events.ApprovalGiven(node="act", tool="wiki", approved=False, author="ann", note="not today"),
    events.FrontierAdvanced(
        method="particles", lanes=(events.Lane(slot=0, parent=None, step="one", score=0.5, weight=1.0),), ess=1.0, resampled=True
    ),
    events.TreeGrown(nodes=(events.TreeNode(id="a", parent=None, visits=2, value=0.5),), here="a", best=("a",)),
    events.Controlled(kind="retune", author="ada", budget=Budget(calls=3), index=2),
    events.Warned(code="estimated", message="no usage"),
    events.StrategyFinished(strategy="greedy", outcome=_OUTCOME),
    events.RunFinished(status=Status.ANSWERED, stop_reason=StopReason.FINISHED, answer="4"),
]


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.type)
def test_events_come_back_from_json_with_their_id(event: Event) -> None:
    again = EVENT.validate_json(EVENT.dump_json(event, round_trip=True))
    assert (again, again.id) == (event, event.id)


def test_every_event_type_is_tried_above() -> None:
    declared = {each for _, each in inspect.getmembers(events, inspect.isclass) if issubclass(each, events._Event)}
    assert declared - {events._Event} == {type(event) for event in _EVENTS}


def test_ids_say_where_and_what() -> None:
    assert _EVENTS[1].id == "inner/propose.1/wave_started.0"
    assert len({event.id for event in _EVENTS}) == len(_EVENTS)


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python({"type": "exploded"})


@pytest.mark.parametrize(
    ("value", "raw", "shown"),
    [
        ("115/2", "57.5", "57.5"),
        ("-1/8", "-0.125", "-0.125"),
        ("1/3", "0.333…", "1/3"),
        ("115/2", r"\frac{115}{2}", "115/2"),
        ("18", "18", "18"),
        ("x/2", "0.5x", "x/2"),
    ],
)
def test_an_answer_is_shown_as_it_was_meant(value: str, raw: str, shown: str) -> None:
    assert str(Answer(value=value, kind=AnswerKind.NUMBER, raw=raw, rule=ExtractionRule.BOXED)) == shown
