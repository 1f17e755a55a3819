"""What fewer samples would have done: curves over N from candidates that were generated once.

Arrays have one row per problem and one column per candidate, by index. ``groups``: equal answers of a problem share a number,
-1 is no readable answer, -2 is no candidate (a problem that has fewer). ``credit``: the grade of each candidate; one without an
answer counts 0 whatever stands there. ``tokens``: its completion tokens.

N candidates of a problem are drawn without replacement, in random order, and the selector of ``graphs/selection.py`` runs on
them in that order: ties go to the answer drawn first. One candidate and all candidates need no luck and are exact: the mean
over all, and the pick of the run itself, by index. A problem that has fewer than N candidates takes all of its own; ``short``
counts such problems. Curves of one seed and one number of draws see the same orders, so their differences are not noise.

Suffixes: ``_P`` problem, ``_N`` candidate, ``_S`` size, ``_R`` row, which is a problem in one random order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...graphs.stopping import beta_confidence
from .scan import Floats, Ints, scan

NO_ANSWER = -1
"""The group of a candidate whose answer could not be read."""
NO_CANDIDATE = -2
"""The group where a problem has fewer candidates than there are columns."""
_CELLS = 50_000
"""Candidates scanned together: large enough to be fast, small enough to stay in the cache."""


class Curve(NamedTuple):
    """What to expect of each problem (``_P``) at each size N (``_S``)."""

    sizes: tuple[int, ...]
    credit_P_S: Floats  # noqa: N815
    tokens_P_S: Floats  # noqa: N815
    """Completion tokens of the candidates that were taken; NaN where those of a candidate are not known."""
    samples_P_S: Floats  # noqa: N815
    """Candidates that were taken: fewer than N where a problem has no more, or where a rule stopped."""
    short: tuple[int, ...]
    """Problems with fewer than N candidates, by size."""


class _Table(NamedTuple):
    """Checked arrays: real candidates first in each row, answers numbered from 0."""

    groups: Ints
    credit: Floats
    """0 where a candidate cannot stand for an answer."""
    tokens: Floats
    """0 where there is no candidate."""
    weights: Floats
    """What a candidate adds to its answer; NaN where it cannot stand for it."""
    counts: Ints
    """Candidates of each problem."""


def majority_curve(
    groups: ArrayLike, credit: ArrayLike, tokens: ArrayLike, sizes: Sequence[int], *, draws: int = 100, seed: int = 0
) -> Curve:
    """The curve of :func:`~symposia.graphs.selection.majority`.

    Raises:
        ValueError: arrays of different shapes, no candidates, a candidate with an answer but no credit, or a size below 1.
    """
    return _voted(_table(groups, credit, tokens), sizes, draws, seed)


def weighted_curve(
    groups: ArrayLike,
    credit: ArrayLike,
    tokens: ArrayLike,
    values: ArrayLike,
    sizes: Sequence[int],
    *,
    draws: int = 100,
    seed: int = 0,
) -> Curve:
    """The curve of :func:`~symposia.graphs.selection.weighted`; ``values`` are scores, NaN where a candidate has none.

    Raises:
        ValueError: as :func:`majority_curve`, or a negative score.
    """
    return _voted(_table(groups, credit, tokens, values), sizes, draws, seed)


def best_of_curve(groups: ArrayLike, credit: ArrayLike, tokens: ArrayLike, values: ArrayLike, sizes: Sequence[int]) -> Curve:
    """The curve of :func:`~symposia.graphs.selection.best_of`: exact at every size, without draws.

    Here N candidates keep the order of their indices: ties go to the lowest.

    Raises:
        ValueError: as :func:`weighted_curve`.
    """
    table = _table(groups, credit, tokens, values)
    return _topped(table, np.nan_to_num(table.weights, nan=-1.0), sizes)


def oracle_curve(groups: ArrayLike, credit: ArrayLike, tokens: ArrayLike, sizes: Sequence[int]) -> Curve:
    """The mean of the highest credit among N candidates: exact, and pass@N where credits are 0 and 1.

    Raises:
        ValueError: as :func:`majority_curve`.
    """
    table = _table(groups, credit, tokens)
    return _topped(table, table.credit, sizes)


def beta_curve(
    groups: ArrayLike,
    credit: ArrayLike,
    tokens: ArrayLike,
    sizes: Sequence[int],
    *,
    threshold: float = 0.95,
    draws: int = 100,
    seed: int = 0,
) -> Curve:
    """The majority where sampling ends as soon as :func:`~symposia.graphs.stopping.beta_agrees`, after N at the latest.

    Only N = 1 is exact here: which candidates are seen before the rule stops depends on the order at every other size.

    Raises:
        ValueError: as :func:`majority_curve`.
    """
    table = _table(groups, credit, tokens)
    exact = _expected(table, sizes)
    drawn = _drawn(table, exact, draws, seed, settled=_settled(table.groups.shape[1], threshold))
    one = np.array(sizes) == 1
    return drawn._replace(
        credit_P_S=np.where(one, exact.credit_P_S, drawn.credit_P_S), tokens_P_S=np.where(one, exact.tokens_P_S, drawn.tokens_P_S)
    )


def _voted(table: _Table, sizes: Sequence[int], draws: int, seed: int) -> Curve:
    exact = _expected(table, sizes)
    whole = np.array(sizes) >= table.counts[:, None]
    known = whole | (np.array(sizes) == 1)
    if not known.all():
        exact = exact._replace(credit_P_S=np.where(known, exact.credit_P_S, _drawn(table, exact, draws, seed).credit_P_S))
    run = scan(table.groups, table.credit, table.weights).credit
    own = np.take_along_axis(run, np.maximum(table.counts, 1)[:, None] - 1, axis=1)
    return exact._replace(credit_P_S=np.where(whole, own, exact.credit_P_S))


def _topped(table: _Table, ranks: Floats, sizes: Sequence[int]) -> Curve:
    """The credit of the highest ranked candidate of N: rank r is the highest in C(n-1-r, N-1) of all C(n, N) subsets."""
    order = np.argsort(np.where(table.groups == NO_CANDIDATE, np.inf, -ranks), axis=1, kind="stable")
    ordered = np.take_along_axis(table.credit, order, axis=1)
    curve = _expected(table, sizes)
    for n in np.unique(table.counts[table.counts > 0]).tolist():
        for column, size in enumerate(min(size, n) for size in sizes):
            chances = [math.comb(n - 1 - rank, size - 1) / math.comb(n, size) for rank in range(n)]
            curve.credit_P_S[table.counts == n, column] = ordered[table.counts == n, :n] @ np.array(chances)
    return curve


def _expected(table: _Table, sizes: Sequence[int]) -> Curve:
    """Samples and tokens of N candidates taken blindly, and the mean credit of one."""
    wanted = np.asarray(sizes, dtype=np.int64)
    if wanted.ndim != 1 or (wanted < 1).any():
        raise ValueError("sizes are whole numbers of candidates from 1")
    some = np.maximum(table.counts, 1)[:, None]
    samples = np.minimum(wanted, table.counts[:, None]).astype(np.float64)
    return Curve(
        sizes=tuple(wanted.tolist()),
        credit_P_S=np.repeat(table.credit.sum(axis=1, keepdims=True) / some, len(wanted), axis=1),
        tokens_P_S=table.tokens.sum(axis=1, keepdims=True) / some * samples,
        samples_P_S=samples,
        short=tuple((table.counts[:, None] < wanted).sum(axis=0).tolist()),
    )


def _drawn(table: _Table, bounds: Curve, draws: int, seed: int, *, settled: NDArray[np.bool_] | None = None) -> Curve:
    """Averages over random orders; ``settled[first, second]`` says which votes end the sampling."""
    problems, sizes = bounds.samples_P_S.shape
    sums = np.zeros((3, problems, sizes))
    for rows, ordered in _orders(table, draws, seed):
        vote = scan(ordered.groups, ordered.credit, ordered.weights)
        taken = np.maximum(bounds.samples_P_S[rows], 1).astype(np.int64)
        if settled is not None:
            ends = settled[vote.first.astype(np.int64), vote.second.astype(np.int64)]
            ends[:, -1] = True
            taken = np.minimum(taken, ends.argmax(axis=1)[:, None] + 1)
        spent = np.cumsum(ordered.tokens, axis=1)
        for total, values in zip(sums, (vote.credit, spent), strict=False):
            _add(total, rows, np.take_along_axis(values, taken - 1, axis=1))
        _add(sums[2], rows, np.minimum(taken, ordered.counts[:, None]))
    credit, tokens, samples = sums / draws
    return bounds._replace(credit_P_S=credit, tokens_P_S=tokens, samples_P_S=samples)


def _add(total: Floats, rows: Ints, values: NDArray[np.float64] | Ints) -> None:
    for column in range(values.shape[1]):
        total[:, column] += np.bincount(rows, weights=values[:, column], minlength=len(total))


def _orders(table: _Table, draws: int, seed: int) -> Iterator[tuple[Ints, _Table]]:
    """Every problem in ``draws`` random orders, some rows at a time, with the number of each row's problem."""
    problems, width = table.groups.shape
    generator = np.random.default_rng(seed)
    step = max(1, _CELLS // width)
    for start in range(0, draws * problems, step):
        rows = np.arange(start, min(start + step, draws * problems)) % problems
        keys = generator.random((len(rows), width))
        keys[table.groups[rows] == NO_CANDIDATE] = 2.0
        order = np.argsort(keys, axis=1)
        groups = np.take_along_axis(table.groups[rows], order, axis=1)
        credit, tokens, weights = (
            np.take_along_axis(each[rows], order, axis=1) for each in (table.credit, table.tokens, table.weights)
        )
        yield rows, _Table(groups, credit, tokens, weights, table.counts[rows])


def _settled(width: int, threshold: float) -> NDArray[np.bool_]:
    """Whether votes of ``[first, second]`` end the sampling; without any vote there is nothing to agree on."""
    settled = np.zeros((width + 1, width + 1), dtype=np.bool_)
    for first in range(1, width + 1):
        for second in range(min(first, width - first) + 1):
            settled[first, second] = beta_confidence(first, second) >= threshold
    return settled


def _table(groups: ArrayLike, credit: ArrayLike, tokens: ArrayLike, values: ArrayLike | None = None) -> _Table:
    """Checks the arrays, moves real candidates to the front of their rows and numbers the answers by their first candidate."""
    given = np.asarray(groups, dtype=np.int64)
    scores = np.ones(given.shape) if values is None else values
    numbers = [np.asarray(each, dtype=np.float64) for each in (credit, tokens, scores)]
    shapes = {given.shape, *(each.shape for each in numbers)}
    if len(shapes) > 1 or given.ndim != 2 or not given.size:
        raise ValueError(f"arrays have one row per problem and one column per candidate, all alike, not {sorted(shapes)}")
    if given.min() < NO_CANDIDATE:
        raise ValueError(f"groups are numbers from 0, {NO_ANSWER} or {NO_CANDIDATE}")
    order = np.argsort(given == NO_CANDIDATE, axis=1, kind="stable")
    given = np.take_along_axis(given, order, axis=1)
    grades, spent, weight = (np.take_along_axis(each, order, axis=1) for each in numbers)
    if not np.isfinite(grades[given >= 0]).all():
        raise ValueError("a candidate with an answer needs a credit")
    if (weight[given >= 0] < 0).any():
        raise ValueError("scores that weigh votes are not negative")
    stands = (given >= 0) & ~np.isnan(weight)
    firsts = np.empty_like(given)
    for index in reversed(range(given.shape[1])):
        firsts[given == given[:, index : index + 1]] = index
    return _Table(
        groups=np.where(given >= 0, firsts, given),
        credit=np.where(stands, grades, 0.0),
        tokens=np.where(given == NO_CANDIDATE, 0.0, spent),
        weights=np.where(stands, weight, np.nan),
        counts=(given != NO_CANDIDATE).sum(axis=1),
    )
