"""How a result and a run are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.budget import Budget
from ..core.events import Controlled
from ..core.problem import AnswerKind
from ..core.records import ControlRecord, RunRecord
from ..core.result import LanguageVotes, Result, Status
from ..runtime.report import origin_line
from .output import age, clean, data, data_json, note, shorten
from .run_wishes import wish_line

_BAR = 24
"""Width of the longest bar."""
_BALLOT = 8
"""Answers shown, most votes first."""
_BY_VOTES = frozenset({"majority", "agreement", "remedy", "sticker", "forward", "inverse", "question"})
"""What decides by, or beside, counted answers: confidence is then a share of them."""


def show_result(result: Result, *, as_json: bool, stored: bool = True) -> None:
    """The answer to stdout; how it came about to stderr. With ``--json`` the whole result to stdout.

    A run that is not ``stored`` has no id that would be of use, and cannot be gone on with.
    """
    if as_json:
        data_json(result_json(result))
        if result.error:
            note(f"symposia: {result.error}")
        return
    if result.answer is not None:
        data(clean(_full_text(result)))
    note(summary(result, stored=stored))


def result_json(result: Result) -> dict[str, Any]:
    """The result as JSON, with what is counted over all roles and candidates beside it."""
    return result.model_dump(mode="json") | {
        "total_usage": result.total_usage.model_dump(mode="json"),
        "unparsed": result.unparsed,
        "truncated": result.truncated,
    }


def summary(result: Result, *, stored: bool = True) -> str:
    """How a result came about: verdict, votes, cost, time, run."""
    lines = []
    if result.error:
        lines.append(f"symposia: {result.error}")
    usage = result.total_usage
    cost = f"{usage.calls} calls · {usage.cost_tokens:,} cost tokens ({usage.completion_tokens:,} written)"
    if usage.unpriced_calls < usage.calls:
        cost += f" · ${usage.dollars:.4f}" + (f" and {usage.unpriced_calls} unpriced calls" if usage.unpriced_calls else "")
    if usage.lost_calls:
        cost += f" · {usage.lost_calls} lost, charged at most {usage.lost_completion_tokens:,} tokens"
    lines.append(f"{result.status} ({result.stop_reason}) · {_agreement(result)}{cost} · {result.seconds:.1f} s")
    if result.failures:
        lines.append("failed calls: " + ", ".join(f"{count} {code}" for code, count in sorted(result.failures.items())))
    if len(result.candidates) > 1:
        lines += [*_ballot(result), *_picks(result)]
    lines += [*_languages(result), *_calibrated(result)]
    name = f"run {result.run_id}" if stored else "not stored"
    lines.append(f"{name} · {result.strategy} · {', '.join(sorted(set(result.models.values())))} · seed {result.seed}")
    if result.status is Status.CANCELLED and stored:
        lines.append(f"go on with `symposia run resume {result.run_id}`")
    return "\n".join(lines)


def show_run(record: RunRecord, taken_up: Sequence[Controlled], pending: Sequence[ControlRecord], *, as_json: bool) -> None:
    """A stored run: what was asked, what people asked of it while it was executed, and what came of it."""
    if as_json:
        wishes = {"taken_up": taken_up, "pending": pending}
        listed = {name: [each.model_dump(mode="json") for each in some] for name, some in wishes.items()}
        data_json(record.model_dump(mode="json") | listed)
        return
    spec = record.spec
    options = ", ".join(f"{key}={value}" for key, value in spec.config.items())
    lines = [
        f"run       {record.id}",
        f"state     {record.state}" + (f" by {record.owner}" if record.owner else ""),
        f"asked     {age(record.created_at)} ago",
        f"question  {shorten(spec.problem.question, 400)}",
        f"strategy  {spec.strategy} ({options})",
        "models    " + ", ".join(f"{role}={model.name}" for role, model in spec.models.items()),
        f"budget    {_caps(spec.budget, taken_up)}",
        f"seed      {spec.seed}",
    ]
    if spec.tools:
        lines.append("tools     " + ", ".join(f"{name} ({grant.approval})" for name, grant in spec.tools.items()))
    if spec.sandbox is not None:
        lines.append(f"sandbox   {spec.sandbox}")
    if spec.experiment is not None:
        lines.append(f"part of   experiment {spec.experiment}")
    if spec.forked_from is not None:
        lines.append(f"fork of   {origin_line(spec.forked_from)}")
    if spec.follows is not None:
        lines.append(f"follows   run {spec.follows}")
    lines += [f"taken up  {wish_line(wish)}" for wish in taken_up]
    lines += [f"pending   {wish_line(wish)}" for wish in pending]
    data("\n".join(lines))
    if record.result is not None:
        data(f"answer    {clean(record.result.answer or '(none)')}")
        data(summary(record.result))


def _caps(made_with: Budget, taken_up: Sequence[Controlled]) -> str:
    changed = [each.budget for each in taken_up if each.budget is not None]
    return f"{changed[-1]} (made with {made_with})" if changed else str(made_with)


def _full_text(result: Result) -> str:
    """The answer; for answers that are the text itself, that text as it was written."""
    candidate = result.candidate
    if candidate is not None and candidate.answer is not None and candidate.answer.kind is AnswerKind.TEXT:
        return candidate.text
    return result.answer or ""


def _agreement(result: Result) -> str:
    if result.confidence is None:
        return ""
    if result.decided_by == "weighted" and result.languages:
        return f"{result.confidence:.0%} of the weight · "
    if result.decided_by not in _BY_VOTES:
        judge = result.models.get("verifier", result.models["policy"])
        said = f"score {result.confidence:.2f}" if result.decided_by == "best-of" else f"{result.confidence:.0%} of the scores"
        return f"{said} by {judge} · "
    votes = sum(vote.count for vote in result.votes)
    return f"{round(result.confidence * votes)} of {votes} votes ({result.confidence:.0%}) · "


def _picks(result: Result) -> list[str]:
    """What each selector takes, where scores decided; not of texts, which are too long for a line."""
    picks = [f"{name} {shorten(pick.answer or '(none)', 32)}" for name, pick in result.selections.items()]
    return [f"  {' · '.join(picks)}"] if result.votes and result.decided_by != "majority" else []


def _calibrated(result: Result) -> list[str]:
    """How likely the answer is right, where a calibration says so: a confidence alone does not."""
    if result.confidence is None:
        return []
    if result.calibrated is None:
        return ["  not calibrated: how likely the answer is right is not known"]
    return [f"  calibrated: right with a probability of {result.calibrated:.0%}, by {result.calibration}"]


def _languages(result: Result) -> list[str]:
    """How many votes of each language are for the answer."""
    said = [f"{each.language} {_for_the_answer(each)}" for each in result.languages]
    return [f"  by language: {' · '.join(said)}"] if said else []


def _for_the_answer(votes: LanguageVotes) -> str:
    if votes.agreement is None:
        return "no answer" if votes.paths else "no path"
    count = sum(vote.count for vote in votes.votes)
    return f"{round(votes.agreement * count)} of {count}"


def _ballot(result: Result) -> list[str]:
    rows = [(shorten(vote.answer, 32), vote.count) for vote in result.votes[:_BALLOT]]
    if result.unparsed:
        rows.append(("(no answer)", result.unparsed))
    if not rows:
        return []
    top = max(count for _, count in rows)
    width = max(len(label) for label, _ in rows)
    return [f"  {label.ljust(width)}  {'█' * max(1, round(_BAR * count / top))} {count}" for label, count in rows]
