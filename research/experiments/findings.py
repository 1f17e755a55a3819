"""All that is computed from an experiment, in one value: what tables, files and the plot show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...core.errors import UnknownNameError
from ..statistics.pareto import pareto_front
from .analysis import ArmSummary, summarise
from .comparisons import Comparison, adjusted, common, compare
from .curves import BETA, MAJORITY, ORACLE, Curve, at_equal_cost, curve, doubling_sizes, rules_of, scores_at
from .pools import Pool, pool_of
from .records import JUDGING, Arm, Evidence
from .scores import ArmRows, Scores, rows_by_arm, scores_of
from .tool_use import ToolUse, tool_use
from .verifiers import VerifierSummary, compare_verifiers, summarise_verifiers

_BASELINE = "greedy"


class Spot(NamedTuple):
    """A point of cost and accuracy: an arm, or a curve at one size."""

    label: str
    size: int | None
    """None for an arm itself."""
    cost: float
    accuracy: float


@dataclass(frozen=True)
class Findings:
    """What an experiment shows."""

    evidence: Evidence
    arms: tuple[ArmSummary, ...]
    curves: tuple[Curve, ...]
    comparisons: tuple[Comparison, ...]
    front: tuple[Spot, ...]
    """Arms and curves (the oracle apart, which nobody can run) that nothing cheaper or as cheap beats, cheapest first."""
    tool_use: tuple[ToolUse, ...]
    """Of the arms that have tools."""
    verifiers: tuple[VerifierSummary, ...] = ()
    """The arms that judge solutions which were given."""


def study(evidence: Evidence, *, baseline: str | None = None) -> Findings:
    """Compute everything. The same evidence always gives the same numbers.

    Args:
        evidence: Of one experiment.
        baseline: Label of the arm that every other is compared with; by default the greedy arm of the same team, and for arms
            that judge the first of these.

    Raises:
        UnknownNameError: no arm has the label ``baseline``.
    """
    rows = rows_by_arm(evidence)
    if baseline is not None and baseline not in rows:
        raise UnknownNameError("arm", baseline, rows, where=evidence.name)
    pools = {label: pool for label, each in rows.items() if (pool := pool_of(each))}
    arms = tuple(summarise(each, evidence) for each in rows.values())
    curves = tuple(curve(pool, rule, doubling_sizes(pool.size)) for pool in pools.values() for rule in rules_of(pool))
    return Findings(
        evidence=evidence,
        arms=arms,
        curves=curves,
        comparisons=_comparisons(rows, pools, baseline),
        front=_front(arms, curves),
        tool_use=_tool_use(rows),
        verifiers=summarise_verifiers(rows, evidence, baseline),
    )


def _comparisons(rows: dict[str, ArmRows], pools: dict[str, Pool], baseline: str | None) -> tuple[Comparison, ...]:
    """Every arm against its baseline and against the majority at equal tokens; likewise Beta stopping on each pool."""
    arms = [each.arm for each in rows.values()]
    found: list[Comparison | None] = []
    for arm in arms:
        scores, pool = scores_of(rows[arm.label]), _vote_of(arm, arms, pools)
        against = baseline or _usual_for(arm, arms)
        if against is not None and against != arm.label:
            other = rows[against]
            judging = arm.strategy == JUDGING
            found.append(compare_verifiers(rows[arm.label], other) if judging else compare(scores, scores_of(other)))
        if pool is not None and pool.arm != arm:
            found.append(_at_equal_tokens(scores, pool))
        if pool is not None and pool.arm == arm:
            found.append(_at_equal_tokens(scores_at(pool, BETA, pool.size), pool))
    return adjusted([each for each in found if each])


def _at_equal_tokens(scores: Scores, pool: Pool) -> Comparison | None:
    vote = Scores(pool.arm.label, dict.fromkeys(pool.pairs, 0.0), {})
    pairs = common(scores, vote).pairs
    if not pairs:
        return None
    equal = at_equal_cost(pool, pairs, sum(scores.cost[pair] for pair in pairs) / len(pairs))
    note = (
        ""
        if equal.reached
        else f"The majority of {pool.arm.label} is not to be had at equal tokens: this is the nearest there is."
    )
    return compare(scores, equal.scores, note=note)


def _usual_for(arm: Arm, arms: Sequence[Arm]) -> str | None:
    """What an arm is compared with where nobody says otherwise."""
    return next(each.label for each in arms if each.strategy == JUDGING) if arm.strategy == JUDGING else _greedy_of(arm, arms)


def _greedy_of(arm: Arm, arms: Sequence[Arm]) -> str | None:
    """That of the same team, else of the same policy: other roles change nothing of it."""
    greedy = [each for each in arms if each.strategy == _BASELINE and each.team.get("policy") == arm.team.get("policy")]
    return max(greedy, key=lambda each: each.team == arm.team).label if greedy else None


def _vote_of(arm: Arm, arms: Sequence[Arm], pools: dict[str, Pool]) -> Pool | None:
    """The largest pool of the same policy; one of self-consistency before others, for its samples were drawn to vote."""
    mine = [pools[each.label] for each in arms if each.label in pools and each.team.get("policy") == arm.team.get("policy")]
    return max(mine, key=lambda pool: (pool.arm.strategy == "self-consistency", pool.size), default=None)


def _tool_use(rows: dict[str, ArmRows]) -> tuple[ToolUse, ...]:
    arms = [each.arm for each in rows.values()]
    found = []
    for each in rows.values():
        label = _greedy_of(each.arm, arms)
        found.append(tool_use(each, None if label is None else rows[label]))
    return tuple(one for one in found if one is not None)


def _front(arms: Sequence[ArmSummary], curves: Sequence[Curve]) -> tuple[Spot, ...]:
    spots = [
        Spot(each.arm.label, None, each.cost_tokens, each.accuracy.estimate)
        for each in arms
        if each.accuracy is not None and each.cost_tokens is not None
    ]
    spots += [
        Spot(curve_name(each), point.size, point.cost, point.accuracy.estimate)
        for each in curves
        if each.rule != ORACLE
        for point in each.points
    ]
    # The largest size of a curve is often the arm itself, and one sample is the same under every rule: said once.
    once: dict[tuple[float, float], Spot] = {}
    for spot in spots:
        once.setdefault((round(spot.cost, 6), round(spot.accuracy, 9)), spot)
    return tuple(list(once.values())[index] for index in pareto_front(list(once)))


def curve_name(each: Curve) -> str:
    """What a curve is called beside others."""
    return each.label if each.rule == MAJORITY else f"{each.label}, {each.rule}"
