"""A run as it is drawn in these tests, with any text wherever a model or a person can put one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from symposia.core.budget import Budget
from symposia.core.calls import CallFailure
from symposia.core.candidate import Answer, Candidate, Evidence, ExtractionRule, Score
from symposia.core.events import (
    CallFailed,
    CallFinished,
    CandidateAdded,
    CandidateScored,
    Event,
    FrontierAdvanced,
    Lane,
    RunFinished,
    RunStarted,
    StrategyFinished,
    TreeGrown,
    TreeNode,
    WaveStarted,
)
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import AnswerKind, Problem
from symposia.core.records import RunRecord, RunSpec, StoredEvent
from symposia.core.result import LanguageVotes, Outcome, Result, RunState, Selection, Status, StopReason, Votes
from symposia.core.usage import Usage
from symposia.tui.render.skin import SKINS
from symposia.tui.store.run import RunView, fold

BEGAN = 1000.0
DARK = SKINS["dark"]
PLAIN = DARK.with_ascii()


def record(*, question: str = "How many rotis do three trays hold?", **changes: Any) -> RunRecord:
    spec: dict[str, Any] = {
        "problem": Problem.model_construct(messages=(), answer_kind=AnswerKind.NUMBER),
        "strategy": "self-consistency",
        "config": {"n": 32},
        "models": {"policy": ModelSpec(name="small", context=1000), "verifier": ModelSpec(name="judge", context=4000)},
        "budget": Budget(calls=40, tokens=20_000),
        "version": "0.1",
    }
    spec["problem"] = Problem.model_validate({"messages": [{"role": "user", "content": question}]})
    own = {key: changes.pop(key) for key in list(changes) if key in RunSpec.model_fields}
    base: dict[str, Any] = {"id": "0f3k2m9x1abc", "state": RunState.RUNNING, "created_at": BEGAN, "updated_at": BEGAN}
    return RunRecord(**{**base, "owner": "host:1", "spec": RunSpec(**{**spec, **own}), **changes})


def result(**changes: Any) -> Result:
    base: dict[str, Any] = {
        "answer": "42",
        "candidate": None,
        "candidates": (),
        "selections": {},
        "confidence": 0.68,
        "votes": (Votes(answer="42", count=8), Votes(answer="7", count=2)),
        "status": Status.ANSWERED,
        "stop_reason": StopReason.FINISHED,
        "usage": {"policy": Usage(calls=10, prompt_tokens=3000, completion_tokens=1500, unpriced_calls=10)},
        "run_id": "0f3k2m9x1abc",
        "strategy": "self-consistency",
        "models": {"policy": "small"},
        "seed": 0,
        "seconds": 72.0,
        "reproducible": "journal",
        "failures": {},
    }
    return Result(**{**base, **changes})


def answer(value: str, raw: str | None = None, unit: str | None = None) -> Answer:
    return Answer(value=value, unit=unit, kind=AnswerKind.NUMBER, raw=raw or value, rule=ExtractionRule.BOXED)


def called(index: int, *, role: str = "policy", model: str = "small", dollars: float | None = None) -> CallFinished:
    spent = {"prompt_tokens": 100, "cached_tokens": 0, "completion_tokens": 50, "dollars": dollars, "seconds": 2.0}
    return CallFinished(node="sample", index=index, role=role, model=model, choices=1, **spent)


def wave(size: int, *, node: str = "sample", role: str = "policy", model: str = "small", window: int = 4) -> WaveStarted:
    return WaveStarted(node=node, role=role, model=model, size=size, window=window)


def voted(index: int, value: str | None, language: str = "en", *, model: str = "small", counted: bool = True) -> CandidateAdded:
    given = None if value is None else answer(value)
    candidate = Candidate(
        id=f"/sample.0.{index}#0", text="so it is", answer=given, language=language, model=model, counted=counted,
        completion_tokens=50,
    )  # fmt: skip
    return CandidateAdded(index=index, candidate=candidate)


def scored(index: int, value: float | None) -> CandidateScored:
    return CandidateScored(index=index, candidate=f"/sample.0.{index}#0", score=Score(verifier="judge", value=value))


def failed(message: str = "the server took too long") -> CallFailed:
    failure = CallFailure(code="timeout", message=message, retryable=True)
    return CallFailed(node="sample", index=99, role="policy", model="small", failure=failure)


def started(model: str = "small") -> RunStarted:
    return RunStarted(strategy="self-consistency", models={"policy": model})


def ended(reason: StopReason = StopReason.FINISHED, status: Status = Status.ANSWERED) -> RunFinished:
    return RunFinished(status=status, stop_reason=reason, answer="42")


def decided(
    votes: dict[str, int], *, reason: StopReason = StopReason.FINISHED, pick: str = "42", **languages: Any
) -> StrategyFinished:
    by_language = tuple(
        LanguageVotes(language=name, planned=9, paths=9, agreement=None, votes=tuple(Votes(answer=a, count=n) for a, n in given))
        for name, given in languages.items()
    )
    outcome = Outcome(
        candidates=(), pick=None, selections={"majority": Selection(answer=pick, candidate=None)}, stop_reason=reason,
        votes=tuple(Votes(answer=each, count=count) for each, count in votes.items()), languages=by_language,
    )  # fmt: skip
    return StrategyFinished(strategy="self-consistency", outcome=outcome)


def view(*events: Event, every: float = 1.0) -> RunView:
    """The events folded, one each ``every`` seconds."""
    stored = [StoredEvent(seq=place + 1, at=BEGAN + place * every, event=event) for place, event in enumerate(events)]
    return fold(RunView(), stored)


def anything(text: str) -> RunView:
    """A run in which ``text`` stands wherever it can."""
    lanes = tuple(Lane(slot=slot, parent=0, step=text, score=0.5, weight=0.5, state="live") for slot in range(2))
    fallen = Lane(slot=7, parent=1, step=text, score=0.1, state="pruned")
    return view(
        started(text),
        wave(8, node=text, role=text, model=text),
        called(0, role=text, model=text, dollars=0.01),
        called(1, dollars=None),
        *(voted(place, text if place % 2 else "42", text if place % 3 else "en", model=text) for place in range(5)),
        voted(5, None),
        scored(0, 0.4),
        failed(text),
        FrontierAdvanced(index=0, method="beams", lanes=(*lanes, fallen), ess=1.5, threshold=2.0, resampled=True),
        TreeGrown(nodes=(TreeNode(id="a", parent=None, step=text, visits=3, value=0.5),), here="a", best=("a",)),
    )


def reasoned(*steps: str, scores: tuple[float | None, ...] = (), said: str = "", thinking: str = "") -> Candidate:
    evidence = (Evidence(tool="python", input="3*14", output="42"),) if said else ()
    score = Score(verifier="critic", value=0.2, steps=scores, rationale=said, evidence=evidence)
    return Candidate(
        id="/sample.0.0#0", text="".join(steps), steps=steps, model="small", answer=answer("42"), thinking=thinking,
        scores=(score,) if scores or said else (),
    )  # fmt: skip


def plain(lines: Iterable[Text]) -> str:
    """What stands there, without the blanks at the ends of lines."""
    return "\n".join(line.plain.rstrip() for line in lines)


def widest(lines: Iterable[Text]) -> int:
    return max((cell_len(line.plain) for line in lines), default=0)


def coloured(text: Text) -> bool:
    """Whether any part of it has a colour."""
    styles = [Style.parse(span.style) if isinstance(span.style, str) else span.style for span in text.spans]
    return any(style.color is not None or style.bgcolor is not None for style in styles)
