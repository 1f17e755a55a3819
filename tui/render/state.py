"""Where a run stands, in a sign and a word."""

from __future__ import annotations

from rich.text import Text

from ...core.records import RunRecord
from ...core.result import RunState, Status, StopReason
from ..store.run import RunView
from .lines import words
from .skin import Skin


def state_text(
    record: RunRecord, skin: Skin, *, view: RunView | None = None, cap: str | None = None, short: bool = False
) -> Text:
    """The run's state; of one that ended why it did. ``cap`` is the word for the cap that it met. ``short``: one or two words.

    What its events tell is newer than what its record says, if there is a ``view`` of them.
    """
    ending = _ending(record, view)
    if ending is None:
        style = {
            RunState.QUEUED: skin.dim,
            RunState.RUNNING: skin.accent,
            RunState.WAITING: skin.person,
            RunState.FINISHED: skin.good,
        }.get(record.state, skin.warn)
        return words((f"{skin.glyphs.state(record.state)} {record.state}", style))
    word, style = _how(*ending, cap or "budget", skin)
    if short:
        first, _, why = word.partition(": ")
        word = why if first == "finished" and why else first
    return words((f"{skin.glyphs.state(RunState.FINISHED)} {word}", style))


def _ending(record: RunRecord, view: RunView | None) -> tuple[str, str] | None:
    """Status and stop reason; None where the run has not ended."""
    if record.state is RunState.INTERRUPTED:
        return None
    if view is not None and view.ending is not None:
        return view.ending.status, view.ending.stop_reason
    if record.result is not None and (view is None or record.state is RunState.FINISHED):
        return record.result.status, record.result.stop_reason
    return None


def _how(status: str, reason: str, cap: str, skin: Skin) -> tuple[str, str]:
    if status == Status.FAILED or reason == StopReason.ERROR:
        return "failed", skin.bad
    if status == Status.CANCELLED or reason == StopReason.STEERED:
        return "stopped: by hand", skin.person
    if reason in {StopReason.BUDGET, StopReason.DEADLINE}:
        return f"stopped: {'time' if reason == StopReason.DEADLINE else cap}", skin.warn
    if status == Status.NO_ANSWER:
        return "finished: no answer", skin.warn
    return ("finished: agreed" if reason == StopReason.AGREED else "finished"), skin.good
