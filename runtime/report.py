"""A run as a page to read: Markdown with the question, the answer, the votes, every candidate, the cost and what failed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from ..core.candidate import Candidate
from ..core.events import CallFailed, Event, Warned
from ..core.plain_text import clean
from ..core.records import Origin, RunRecord
from ..core.result import Result
from ..core.usage import Usage
from .embed_call import ROLE as EMBEDDER


def account(record: RunRecord, candidates: Sequence[Candidate], events: Sequence[Event]) -> str:
    """The page for a run in any state. ``candidates`` are all of its pool, ``events`` all of its log."""
    return "\n".join([*_head(record), *_outcome(record.result), *_candidates(candidates), *_troubles(events)])


def origin_line(origin: Origin) -> str:
    """Where a fork comes from and what the copied part cost."""
    place = f" at {origin.at}" if origin.at else " at its start"
    return f"{origin.run_id}{place}: {_cost(origin.usage)} copied"


def _head(record: RunRecord) -> Iterator[str]:
    spec = record.spec
    yield f"# Run {record.id}"
    yield ""
    asked = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(record.created_at))
    rows = {
        "asked": asked,
        "state": record.state.value,
        "strategy": f"{spec.strategy} ({', '.join(f'{key}={value}' for key, value in spec.config.items())})",
        "models": ", ".join(f"{role}={model.name}" for role, model in spec.models.items()),
        "budget": str(spec.budget),
        "seed": str(spec.seed),
        "version": spec.version,
    }
    if spec.forked_from is not None:
        rows["forked from"] = origin_line(spec.forked_from)
    yield from (f"- {name}: {value}" for name, value in rows.items())
    for message in spec.problem.messages:
        yield from ("", f"## {message.role.capitalize()}", "", *_quoted(message.text))


def _outcome(result: Result | None) -> Iterator[str]:
    yield from ("", "## Answer", "")
    if result is None:
        yield "(none yet)"
        return
    yield from _quoted(result.answer if result.answer is not None else "(none)")
    yield ""
    yield f"{result.status} ({result.stop_reason}) after {result.seconds:.1f} s; {_cost(result.total_usage)}"
    if result.error:
        yield from ("", f"Error: {clean(result.error)}")
    if result.votes:
        yield from ("", "| answer | votes |", "|---|---:|")
        yield from (f"| {_cell(vote.answer)} | {vote.count} |" for vote in result.votes)
    if result.languages:
        yield from ("", "| language | paths | of planned | votes | for the answer |", "|---|---:|---:|---|---:|")
        for each in result.languages:
            votes = ", ".join(f"{_cell(vote.answer)} ({vote.count})" for vote in each.votes)
            agreed = "" if each.agreement is None else f"{each.agreement:.0%}"
            yield f"| {each.language} | {each.paths} | {each.planned} | {votes} | {agreed} |"
    if result.selections:
        yield from ("", "| selector | answer | support |", "|---|---|---:|")
        for name, pick in result.selections.items():
            support = "" if pick.support is None else f"{pick.support:.3g}"
            yield f"| {name} | {_cell(pick.answer or '(none)')} | {support} |"
    yield from ("", "| role | model | calls | prompt tokens | completion tokens |", "|---|---|---:|---:|---:|")
    for role, usage in result.usage.items():
        model = result.models.get(role, "-" if role == EMBEDDER else result.models["policy"])
        yield f"| {role} | {model} | {usage.calls} | {usage.prompt_tokens} | {usage.completion_tokens} |"


def _candidates(candidates: Sequence[Candidate]) -> Iterator[str]:
    for candidate in candidates:
        answer = "no answer" if candidate.answer is None else clean(str(candidate.answer))
        late = "" if candidate.counted else ", late: not counted"
        scores = "".join(f", {score.verifier}: {_value(score.value)}" for score in candidate.scores)
        said = f"{candidate.model}, {candidate.finish_reason}: {answer}{late}{scores}"
        yield from ("", f"## Candidate {candidate.id}", "", said)
        yield from ("", *_quoted(candidate.text))


def _value(score: float | None) -> str:
    return "no score" if score is None else f"{score:.2f}"


def _troubles(events: Sequence[Event]) -> Iterator[str]:
    failed = [event for event in events if isinstance(event, CallFailed)]
    found = [f"call {event.scope}/{event.node}.{event.visit}.{event.index}: {event.failure.message}" for event in failed]
    found += [event.message for event in events if isinstance(event, Warned)]
    if found:
        yield from ("", "## Failures and warnings", "")
        yield from (f"- {_line(text)}" for text in found)
    yield ""


def _cost(usage: Usage) -> str:
    lost = f", {usage.lost_calls} of them lost" if usage.lost_calls else ""
    return f"{usage.calls} call{'' if usage.calls == 1 else 's'}{lost}, {usage.cost_tokens:,} cost tokens"


def _quoted(text: str) -> list[str]:
    """What a person or a model wrote, set apart, so that no mark in it is taken for one of the page."""
    return [f"> {line}".rstrip() for line in clean(text).splitlines()] or [">"]


def _line(text: str) -> str:
    return " ".join(clean(text).split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
