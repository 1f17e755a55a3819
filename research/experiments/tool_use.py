"""What an arm used tools for: how many calls, how many it could say a reason for, and how many were not needed.

A call is *needless* on a problem that the same policy solves without tools, here by the greedy answer of the experiment: the
measure of tool overuse of Qian et al. 2025, SMART (arXiv 2502.11435), who ask a person or a model instead. One greedy answer is a
noisy judge of what a model knows, so that only shares over many problems say something.
"""

from __future__ import annotations

from typing import NamedTuple

from .scores import ArmRows, Pair


class ToolUse(NamedTuple):
    """Sums over the trials of an arm."""

    arm: str
    n_trials: int
    calls: int
    justified: int
    failed: int
    repeated: int
    judged: int | None
    """Calls in trials that the greedy arm has too; None without such an arm."""
    needless: int | None
    """Of them, those on problems that the greedy arm solved."""


def tool_use(rows: ArmRows, greedy: ArmRows | None) -> ToolUse | None:
    """The tool calls of an arm; None where it has no tools. ``greedy`` is the arm of the same policy without tools."""
    used = {pair: trial.tools for pair, trial in rows.trials.items() if "calls" in trial.tools}
    if not used:
        return None
    known = {} if greedy is None else {pair: trial.credit for pair, trial in greedy.trials.items()}

    def calls(pairs: list[Pair]) -> int:
        return sum(used[pair]["calls"] for pair in pairs)

    def total(name: str) -> int:
        return sum(each[name] for each in used.values())

    return ToolUse(
        arm=rows.arm.label,
        n_trials=len(rows.trials),
        calls=total("calls"),
        justified=total("justified"),
        failed=total("failed"),
        repeated=total("repeated"),
        judged=None if greedy is None else calls([pair for pair in used if pair in known]),
        needless=None if greedy is None else calls([pair for pair in used if known.get(pair) == 1]),
    )
