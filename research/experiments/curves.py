"""What fewer samples of a pool would have done: accuracy and cost at every size, for every rule that can choose among them.

Nothing is generated: subsets of the pool stand for smaller runs. Costs are as :mod:`.pools` says. Beta stopping asks for one
sample after the other; its prompt is counted once all the same, as it is where the server keeps prompts in a cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...core.errors import EvidenceError, UnknownNameError
from ..statistics import subsets
from ..statistics.intervals import Interval, accuracy
from ..statistics.pass_at_k import PowerLaw, fit_power_law
from .pools import Floats, Pool
from .scores import Pair, Scores

MAJORITY, BETA, WEIGHTED, BEST_OF, ORACLE = "majority", "beta", "weighted", "best-of", "oracle"
_SCORED = frozenset({WEIGHTED, BEST_OF})
RULES = (MAJORITY, BETA, WEIGHTED, BEST_OF, ORACLE)
"""``beta`` is the majority under Beta stopping, ``oracle`` the best credit in the subset: pass@N where grades are 0 or 1."""
_DRAWS, _FEW_DRAWS, _ALL_DRAWS = 200, 20, 400_000
"""Random subsets of a problem, and of all together: means over many problems need fewer of each."""


class Point(NamedTuple):
    """A curve at one size."""

    size: int
    accuracy: Interval
    cost: float
    """Mean cost tokens of a problem."""
    samples: float
    """Mean number of samples taken: less than ``size`` where a rule stopped, or where a problem has fewer."""


@dataclass(frozen=True)
class Curve:
    """One rule on one pool."""

    label: str
    """Of the arm whose samples they are."""
    rule: str
    points: tuple[Point, ...]
    n_problems: int
    n_short: int
    """Trials with fewer samples than the largest size asked for."""
    law: PowerLaw | None = None
    """Of the oracle, where two sizes at least are neither 0 nor 1."""


class EqualCost(NamedTuple):
    """A majority of as many samples as cost the same."""

    scores: Scores
    size: float
    """Between two whole numbers: some problems get one sample more than others."""
    reached: bool
    """False where the pool's smallest or largest size is nearest, and still not within 5 % of the cost."""


def doubling_sizes(largest: int) -> tuple[int, ...]:
    """1, 2, 4, … and the largest."""
    return tuple(sorted({2**power for power in range(largest.bit_length())} | {largest}))


def rules_of(pool: Pool) -> tuple[str, ...]:
    """The rules that a pool allows: those by scores only where there are any."""
    return tuple(rule for rule in RULES if pool.scored or rule not in _SCORED)


def curve(pool: Pool, rule: str, sizes: Sequence[int], *, draws: int | None = None) -> Curve:
    """A rule at several sizes, by random subsets without replacement; the same call always gives the same numbers.

    Args:
        pool: Whose samples.
        rule: One of :data:`RULES`.
        sizes: In any order.
        draws: Subsets of each problem: by default 200, and fewer, but 20 at least, where problems are more than 2,000.

    Raises:
        EvidenceError: a size beyond the pool's, or a rule by scores where nothing was scored.
        UnknownNameError: no such rule.
    """
    sizes = sorted(set(sizes))
    if sizes[-1] > pool.size or sizes[0] < 1:
        wrong = sizes[-1] if sizes[-1] > pool.size else sizes[0]
        raise EvidenceError(f"{pool.arm.label} has 1 to {pool.size} samples a problem to draw from, not {wrong}")
    found = _subsets(pool, rule, sizes, draws)
    cost = _cost(pool, rule, found)
    points = tuple(
        Point(
            size=size,
            accuracy=accuracy(found.credit_P_S[:, place], pool.problems),
            cost=float(cost[:, place].mean()),
            samples=float(found.samples_P_S[:, place].mean()),
        )
        for place, size in enumerate(sizes)
    )
    return Curve(
        label=pool.arm.label,
        rule=rule,
        points=points,
        n_problems=len(set(pool.problems)),
        n_short=int((pool.counts_T < sizes[-1]).sum()),
        law=_law(points) if rule == ORACLE else None,
    )


def scores_at(pool: Pool, rule: str, size: int, *, draws: int | None = None) -> Scores:
    """What a rule on ``size`` samples scores and costs, in the mean over subsets, by problem and seed."""
    found = _subsets(pool, rule, [size], draws)
    chosen = "with Beta stopping" if rule == BETA else f"by {rule} of {size}"
    return _scores(f"{pool.arm.label} {chosen}", pool, found.credit_P_S[:, 0], _cost(pool, rule, found)[:, 0])


def at_equal_cost(pool: Pool, pairs: Sequence[Pair], cost: float, *, draws: int | None = None) -> EqualCost:
    """The majority of as many samples of ``pool`` as cost ``cost`` tokens a problem, on ``pairs``.

    A mixture of N and N + 1 samples in the share that meets the cost exactly; where it lies outside the pool's range, the
    nearest end.
    """
    pool = pool.only(pairs)
    mean = pool.tokens_T_N.sum(axis=1) / pool.counts_T
    # A trial that has fewer samples takes all it has.
    taken = np.minimum(np.arange(1, pool.size + 1), pool.counts_T[:, None])
    costs = (pool.prompt_T[:, None] + mean[:, None] * taken).mean(axis=0)
    aim = float(np.clip(cost, costs[0], costs[-1]))
    low = int(np.clip(np.searchsorted(costs, aim, side="right"), 1, pool.size - 1))
    step = costs[low] - costs[low - 1]
    share = float((aim - costs[low - 1]) / step) if step else 0.0
    found = _subsets(pool, MAJORITY, [low, low + 1], draws)
    mixture, size = np.array([1 - share, share]), low + share
    label = f"a majority of {size:.1f} from {pool.arm.label} at equal tokens"
    scores = _scores(label, pool, found.credit_P_S @ mixture, _cost(pool, MAJORITY, found) @ mixture)
    return EqualCost(scores, size, reached=abs(aim - cost) <= 0.05 * cost)


def _subsets(pool: Pool, rule: str, sizes: Sequence[int], draws: int | None) -> subsets.Curve:
    draws = draws or max(_FEW_DRAWS, min(_DRAWS, _ALL_DRAWS // len(pool.pairs)))
    base = (pool.groups_T_N, pool.credits_T_N, pool.tokens_T_N)
    if rule in _SCORED and not pool.scored:
        raise EvidenceError(
            f"the samples of {pool.arm.label} have no scores to choose by", hint=f"rules: {', '.join(rules_of(pool))}"
        )
    match rule:
        case "majority":
            return subsets.majority_curve(*base, sizes, draws=draws)
        case "beta":
            return subsets.beta_curve(*base, sizes, draws=draws)
        case "weighted":
            return subsets.weighted_curve(*base, pool.values_T_N, sizes, draws=draws)
        case "best-of":
            return subsets.best_of_curve(*base, pool.values_T_N, sizes)
        case "oracle":
            return subsets.oracle_curve(*base, sizes)
    raise UnknownNameError("rule", rule, RULES)


def _cost(pool: Pool, rule: str, found: subsets.Curve) -> Floats:
    cost = pool.prompt_T[:, None] + found.tokens_P_S
    return cost + pool.check_T[:, None] * found.samples_P_S if rule in _SCORED else cost


def _scores(label: str, pool: Pool, credit_T: Floats, cost_T: Floats) -> Scores:  # noqa: N803 - one per trial
    return Scores(
        label,
        dict(zip(pool.pairs, credit_T.tolist(), strict=True)),
        dict(zip(pool.pairs, cost_T.tolist(), strict=True)),
    )


def _law(points: Sequence[Point]) -> PowerLaw | None:
    try:
        return fit_power_law([point.size for point in points], [point.accuracy.estimate for point in points])
    except ValueError:
        return None
