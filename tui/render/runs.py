"""A run in a row of the list of runs."""

from __future__ import annotations

from rich.text import Text

from ...core.records import RunRecord
from ...core.result import Result
from .cells import bar, money, number, score_cell, tokens
from .inert import one_line
from .lines import words
from .skin import Skin
from .state import state_text

COLUMNS = ("RUN", "STATE", "ANSWER", "SURE", "STRATEGY", "MODEL", "COST", "AGE", "QUESTION")
"""In their order."""
_LONGEST = 200
"""Cells of a question that are of use in a list."""
_ANSWER = 40
_BARS = 5
"""Answers whose votes are drawn."""


def run_cells(record: RunRecord, now: float, skin: Skin) -> list[Text]:
    """One text per column of :data:`COLUMNS`. All but the answer and the question, which a model or a person wrote, are short."""
    spec, result = record.spec, record.result
    names = list(dict.fromkeys(model.name for model in spec.models.values()))
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    said = (result.answer or "") if result is not None else ""
    return [
        words((one_line(record.id, 12, skin), skin.dim)),
        state_text(record, skin, short=True),
        words((one_line(said, _ANSWER, skin), f"bold {skin.text}".strip())),
        _sure(result, skin),
        words((one_line(spec.strategy, _ANSWER, skin), skin.text)),
        words((one_line(names[0], _ANSWER, skin), skin.text), (more, skin.dim)),
        _cost(result, skin),
        words((f"{ago(now - record.created_at):>4}", skin.dim)),
        words((one_line(spec.problem.question, _LONGEST, skin), skin.text)),
    ]


def ago(seconds: float) -> str:
    """How long ago, in one unit and at most four characters: ``12s``, ``3m``, ``2h``, ``5d``."""
    whole = max(0, int(seconds))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if whole >= size:
            return f"{min(999, whole // size)}{unit}"
    return f"{whole}s"


def _sure(result: Result | None, skin: Skin) -> Text:
    """The confidence, and the votes of each answer as bars that stand; where nothing was voted on a bar that lies."""
    if result is None or result.confidence is None:
        return words()
    share = words((f"{number(result.confidence):>3} ", skin.ramp(result.confidence)))
    top = max((vote.count for vote in result.votes), default=0)
    if not top:
        return share.append_text(bar(result.confidence, _BARS, skin, skin.ramp(result.confidence)))
    for vote in result.votes[:_BARS]:
        share.append_text(score_cell(vote.count / top, skin.without_colour()))
    return share


def _cost(result: Result | None, skin: Skin) -> Text:
    """Dollars, with a plus sign where some calls have no price; cost tokens where none has one."""
    if result is None:
        return words()
    usage = result.total_usage
    if usage.unpriced_calls < usage.calls:
        return words((f"{money(usage.dollars)}{'+' * bool(usage.unpriced_calls)}", skin.text))
    return words((tokens(usage.cost_tokens), skin.text), (" tok", skin.dim))
