"""How often the 95 % intervals of ``symposia.research.statistics`` hold the truth: the tables of docs/statistics.md.

    python benchmarks/coverage.py

Where each problem has one 0/1 credit, every outcome is weighed by its probability; elsewhere 2,000 experiments are drawn with a
seed. "plain" is the percentile bootstrap over problems, for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from symposia.research.statistics.intervals import Interval, accuracy
from symposia.research.statistics.paired import paired_difference
from symposia.research.statistics.resampling import cluster, resampled_means

EXPERIMENTS = 2_000
RESAMPLES = 1_000
SHARES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.9)
SEEDS = 3
PARTS, PART_ODDS = (0.0, 0.25, 0.5, 0.75, 1.0), (0.5, 0.1, 0.1, 0.1, 0.2)
MEAN_PART = float(np.dot(PARTS, PART_ODDS))

Floats = NDArray[np.float64]
Generator = np.random.Generator
OneArm = Callable[[Generator, int], Floats]
"""Credits of n problems, as many of each problem, problem by problem."""
TwoArms = Callable[[Generator, int], tuple[Floats, Floats]]


class Table(NamedTuple):
    """Coverages, one row of them per design."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[str, list[float]]]

    def __str__(self) -> str:
        lines = [self.head, ("---", *["---:"] * (len(self.head) - 1))]
        lines += [(label, *(f"{100 * value:.1f}" for value in values)) for label, values in self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def holds(interval: Interval, truth: float) -> bool:
    return bool(interval.low - 1e-12 <= truth <= interval.high + 1e-12)


def plain(values: Floats, clusters: ArrayLike | None = None) -> Interval:
    data = cluster(values, clusters)
    low, high = np.quantile(resampled_means(data, draws=RESAMPLES, seed=0), [0.025, 0.975])
    return Interval(data.mean, float(low), float(high), 0.95)


# --- one 0/1 credit a problem: exact --------------------------------------------------------------------------------------------


def share_coverage(n: int, shares: Sequence[float]) -> list[float]:
    """Of :func:`accuracy`, at each true accuracy."""
    found = [accuracy(np.repeat([1.0, 0.0], [right, n - right])) for right in range(n + 1)]
    low, high = (np.array([getattr(each, side) for each in found]) for side in ("low", "high"))
    right = np.arange(n + 1)
    return [float(stats.binom.pmf(right, n, share)[(low <= share) & (share <= high)].sum()) for share in shares]


def pair_coverage(interval: Callable[[Floats], Interval], n: int, cells: Sequence[tuple[float, float]]) -> list[float]:
    """Of an interval for the mean of n differences, where this share of the problems differs, with this effect."""

    @cache
    def found(only_a: int, only_b: int) -> Interval:
        return interval(np.repeat([1.0, -1.0, 0.0], [only_a, only_b, n - only_a - only_b]))

    outcomes = np.array([(a, b, n - a - b) for a in range(n + 1) for b in range(n + 1 - a)])
    coverages = []
    for share, effect in cells:
        weights = stats.multinomial.pmf(outcomes, n, [(share + effect) / 2, (share - effect) / 2, 1 - share])
        likely = weights > 1e-5
        hits = [holds(found(*outcome), effect) for outcome in outcomes[likely, :2].tolist()]
        coverages.append(float(np.dot(weights[likely], hits) / weights[likely].sum()))
    return coverages


def single_credits() -> Table:
    everywhere = np.linspace(0.02, 0.98, 481).tolist()
    rows = [
        (f"{n} problems", [*share_coverage(n, SHARES), float(np.mean(share_coverage(n, everywhere)))]) for n in (20, 30, 100, 400)
    ]
    head = ("", *(f"{share:.0%}" for share in SHARES), "mean of 2 to 98%")
    return Table("Accuracy, one 0/1 credit a problem", head, rows)


def single_pairs() -> Table:
    rows = []
    for n in (20, 40, 100):
        for share in (0.02, 0.05, 0.1, 0.25):
            cells = [(share, 0.0), (share, share / 2)]
            ours = pair_coverage(lambda values: paired_difference(values, np.zeros(len(values))), n, cells)
            rows.append((f"{share:.0%} differ, {n} problems", ours + pair_coverage(plain, n, cells)))
    head = ("", "ours, no effect", "ours, effect of half that", "plain, no effect", "plain, effect of half that")
    return Table("Paired difference, one 0/1 credit a problem and arm", head, rows)


# --- several credits a problem, and credits in parts: simulated -----------------------------------------------------------------


def seeded(share: float, likeness: float) -> OneArm:
    """Three 0/1 credits of each problem, with this correlation inside problems."""
    scale = 1 / likeness - 1
    return lambda generator, n: _throws(generator, generator.beta(share * scale, (1 - share) * scale, n))


def in_parts(generator: Generator, n: int) -> Floats:
    return generator.choice(PARTS, n, p=PART_ODDS)


def seeded_pair(fresh: float) -> TwoArms:
    """Three 0/1 credits of each problem and arm; the arms are alike but for a share of problems that are as hard as any other."""

    def draw(generator: Generator, n: int) -> tuple[Floats, Floats]:
        first = generator.beta(0.4, 0.3, n)
        second = np.where(generator.random(n) < fresh, generator.beta(0.4, 0.3, n), first)
        return _throws(generator, first), _throws(generator, second)

    return draw


def pair_in_parts(generator: Generator, n: int) -> tuple[Floats, Floats]:
    first = in_parts(generator, n)
    return first, np.where(generator.random(n) < 0.3, in_parts(generator, n), first)


def small_steps(generator: Generator, n: int) -> tuple[Floats, Floats]:
    """Means over many subsets: no two alike."""
    return np.full(n, 0.5), 0.5 + generator.normal(0, 0.05, n)


def _throws(generator: Generator, odds: Floats) -> Floats:
    return generator.binomial(1, odds[:, None], (len(odds), SEEDS)).ravel().astype(float)


ONE_ARM: dict[str, tuple[OneArm, float]] = {
    **{f"{share:.0%}, 3 seeds, correlation 0.8": (seeded(share, 0.8), share) for share in (0.1, 0.3, 0.5, 0.9)},
    **{f"{share:.0%}, 3 seeds, correlation 0.3": (seeded(share, 0.3), share) for share in (0.1, 0.5)},
    f"{MEAN_PART:.0%}, credits in quarters": (in_parts, MEAN_PART),
}
TWO_ARMS: dict[str, TwoArms] = {
    "3 seeds, 10% of problems another difficulty": seeded_pair(0.1),
    "3 seeds, 50% of problems another difficulty": seeded_pair(0.5),
    "credits in quarters, 30% of problems drawn anew": pair_in_parts,
    "credits that differ by little on every problem": small_steps,
}


def accuracy_coverage(label: str, n: int, *, baseline: bool = False) -> float:
    """Of :func:`accuracy`, or of the plain bootstrap, on a design of :data:`ONE_ARM`."""
    draw, truth = ONE_ARM[label]
    generator = np.random.default_rng([list(ONE_ARM).index(label), n])
    hits = 0
    for _ in range(EXPERIMENTS):
        credit = draw(generator, n)
        problems = np.repeat(np.arange(n), len(credit) // n)
        hits += holds(plain(credit, problems) if baseline else accuracy(credit, problems), truth)
    return hits / EXPERIMENTS


def difference_coverage(label: str, n: int, *, baseline: bool = False) -> float:
    """Of :func:`paired_difference`, or of the plain bootstrap, on a design of :data:`TWO_ARMS`, none of which has an effect."""
    generator = np.random.default_rng([100 + list(TWO_ARMS).index(label), n])
    hits = 0
    for _ in range(EXPERIMENTS):
        a, b = TWO_ARMS[label](generator, n)
        problems = np.repeat(np.arange(n), len(a) // n)
        hits += holds(plain(a - b, problems) if baseline else paired_difference(a, b, problems, draws=RESAMPLES), 0.0)
    return hits / EXPERIMENTS


def many_credits() -> Table:
    rows = [
        (f"{label}, {n} problems", [accuracy_coverage(label, n), accuracy_coverage(label, n, baseline=True)])
        for label in ONE_ARM
        for n in (30, 100, 400)
    ]
    return Table("Accuracy, several credits a problem or credits in parts", ("", "ours", "plain"), rows)


def many_pairs() -> Table:
    rows = [
        (f"{label}, {n} problems", [difference_coverage(label, n), difference_coverage(label, n, baseline=True)])
        for label in TWO_ARMS
        for n in (20, 40, 100)
    ]
    return Table("Paired difference, several credits a problem or credits in parts", ("", "ours", "plain"), rows)


def tables() -> list[Table]:
    return [single_credits(), many_credits(), single_pairs(), many_pairs()]


if __name__ == "__main__":
    for table in tables():
        print(f"### {table.title}\n\n{table}\n")
