"""The numbers of README.md, computed from recorded samples: ``python docs/experiments/stopping/facts.py`` writes the page.

The samples are those of the first experiment, beside this one. README.md.in is the text, with the name of a fact in braces
wherever a number stands; it has no number of its own. Suffixes: ``_P`` problem, ``_N`` sample by index, ``_R`` row, which is a
problem in one order of its samples.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from symposia.graphs.stopping import beta_agrees
from symposia.research.experiments.files import load
from symposia.research.experiments.records import Sample
from symposia.research.experiments.scores import rows_by_arm
from symposia.research.reports.document import bounds, percent, tokens
from symposia.research.statistics.intervals import Interval, accuracy, bootstrap_figure
from symposia.research.statistics.paired import paired_difference
from symposia.research.statistics.scan import scan

FOLDER = Path(__file__).resolve().parent
RECORDS = {"small": [FOLDER.parent / "first" / "small"], "large": [FOLDER.parent / "first" / "large"]}
"""Where the samples are; those of several experiments on the same problems count together."""
ARM, THRESHOLD = "self-consistency", 0.95
WINDOWS = (1, 4, 16)
WATCHED, WANTED = 4, 0.2
"""The window of which a saving is wanted, and how much of the tokens."""
ORDERS, SEED = 200, 0
CAPS = (16, 40)
"""Most samples in the outlook: that of the small model's record, and that of the paper."""
HALF = 8
"""Samples of the small model from which its outlook is drawn: as many as the large one has."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Record(NamedTuple):
    """Samples of one model, by problem."""

    problems: list[str]
    answers: list[list[str]]
    """By problem and sample; empty without one."""
    groups_P_N: Ints  # noqa: N815
    """Equal answers of a problem share a number, -1 without one."""
    credits_P_N: Floats  # noqa: N815
    tokens_P_N: Floats  # noqa: N815
    prompt_P: Floats  # noqa: N815

    @property
    def size(self) -> int:
        """Samples of a problem."""
        return self.groups_P_N.shape[1]


class Rows(NamedTuple):
    """Samples in some order, a row for each problem and order."""

    groups: Ints
    credits: Floats
    tokens: Floats


class Votes(NamedTuple):
    """What the rule made of them, whatever the window was."""

    counted_R: Ints  # noqa: N815
    """Samples that were voted on."""
    credit_R: Floats  # noqa: N815
    """Of the answer."""
    whole_R: Floats  # noqa: N815
    """Of the answer of all samples."""


class Paid(NamedTuple):
    """What the samples took under one window."""

    asked_R: Ints  # noqa: N815
    """Most calls that can have been made when the rule agreed."""
    full_R: Floats  # noqa: N815
    """Completion tokens of all of these."""
    written_R: Floats  # noqa: N815
    """Those that were written by then, where each call gets one a step."""
    steps_R: Floats  # noqa: N815
    """How many steps that took."""


def page() -> str:
    """README.md as it has to be."""
    return (FOLDER / "README.md.in").read_text(encoding="utf-8").format_map(facts())


def recorded(folders: Iterable[Path]) -> Record:
    """The samples of all experiments in ``folders``, by problem, seed and index."""
    samples: dict[str, list[Sample]] = defaultdict(list)
    prompts: dict[str, int] = {}
    for folder in folders:
        rows = rows_by_arm(load(folder))[ARM]
        for pair, found in rows.samples.items():
            samples[pair.problem] += found
            prompts[pair.problem] = rows.trials[pair].question_tokens
    answers = [[each.answer or "" for each in found] for found in samples.values()]
    return Record(
        problems=list(samples),
        answers=answers,
        groups_P_N=np.array([[found.index(each) if each else -1 for each in found] for found in answers]),
        credits_P_N=np.array([[each.credit if each.answer else 0.0 for each in found] for found in samples.values()]),
        tokens_P_N=np.array([[float(each.completion_tokens or 0) for each in found] for found in samples.values()]),
        prompt_P=np.array([float(prompts[problem]) for problem in samples]),
    )


def ordered(record: Record, order_R_N: Ints) -> Rows:  # noqa: N803
    """Every problem with its samples in the given orders: row r is of problem r modulo their number."""
    which = np.arange(len(order_R_N)) % len(record.problems)
    groups = np.take_along_axis(record.groups_P_N[which], order_R_N, axis=1)
    credit, spent = (np.take_along_axis(each[which], order_R_N, axis=1) for each in (record.credits_P_N, record.tokens_P_N))
    return Rows(groups, credit, spent)


def random_orders(record: Record) -> Ints:
    """Orders of all samples: every problem once, then every problem again."""
    keys = np.random.default_rng(SEED).random((ORDERS * len(record.problems), record.size))
    return np.argsort(keys, axis=1)


def vote(rows: Rows) -> Votes:
    """The first k samples by index on which :func:`~symposia.graphs.stopping.beta_agrees`, or all, and their majority."""
    width = rows.groups.shape[1]
    renamed = _by_place(rows.groups)
    after = scan(renamed, rows.credits, np.where(renamed >= 0, 1.0, np.nan))
    agrees = np.zeros((width + 1, width + 1), dtype=np.bool_)
    for first in range(1, width + 1):
        for second in range(min(first, width - first) + 1):
            agrees[first, second] = beta_agrees([0] * first + [1] * second, THRESHOLD)
    ends = agrees[after.first.astype(np.int64), after.second.astype(np.int64)]
    ends[:, -1] = True
    last = ends.argmax(axis=1)
    return Votes(last + 1, np.take_along_axis(after.credit, last[:, None], axis=1)[:, 0], after.credit[:, -1])


def pay(tokens_R_N: Floats, counted_R: Ints, window: int) -> Paid:  # noqa: N803
    """What the rule's samples take where ``window`` calls may be made beyond the first that is not yet counted.

    A call begins when the one ``window`` places before it is counted, and is counted once it and all before it have ended.
    """
    width = tokens_R_N.shape[1]
    begun, counted_at = np.zeros(tokens_R_N.shape), np.zeros(tokens_R_N.shape)
    for index in range(width):
        if index >= window:
            begun[:, index] = counted_at[:, index - window]
        ended = begun[:, index] + tokens_R_N[:, index]
        counted_at[:, index] = np.maximum(ended, counted_at[:, index - 1]) if index else ended
    over = np.take_along_axis(counted_at, counted_R[:, None] - 1, axis=1)
    asked = np.minimum(counted_R - 1 + window, width)
    made = np.arange(width) < asked[:, None]
    written = np.minimum(tokens_R_N, over - begun)
    return Paid(asked, (tokens_R_N * made).sum(axis=1), np.where(made, written, 0.0).sum(axis=1), over[:, 0])


def _by_place(groups: Ints) -> Ints:
    """The same groups, each named by the place of its first sample."""
    named = np.empty_like(groups)
    for index in reversed(range(groups.shape[1])):
        named[groups == groups[:, index : index + 1]] = index
    return np.where(groups >= 0, named, -1)


def _by_problem(record: Record, values_R: Floats) -> Floats:  # noqa: N803
    """The mean over orders."""
    return np.asarray(values_R.reshape(-1, len(record.problems)).mean(axis=0))


def _saved(record: Record, paid_R: Floats, whole_R: Floats) -> Interval:  # noqa: N803
    """The share of cost tokens that is saved against all samples, each problem's prompt once in both."""
    cost = np.stack([record.prompt_P + _by_problem(record, each) for each in (paid_R, whole_R)], axis=1)
    return bootstrap_figure(cost, lambda sums: 1 - sums[..., 0] / sums[..., 1], np.empty((0, 2)), draws=4_000)


def facts() -> dict[str, str]:
    """Every fact by its name; those of one model begin with the name of its record."""
    records = {name: recorded(folders) for name, folders in RECORDS.items()}
    drawn = {name: ordered(each, random_orders(each)) for name, each in records.items()}
    votes = {name: vote(rows) for name, rows in drawn.items()}
    told = {f"{name}_{fact}": said for name, each in records.items() for fact, said in _sizes(each).items()}
    return {
        **told,
        **_costs(records, drawn, votes),
        "accuracies": _table(
            ("model", "Beta, %", "95 %", "orders, %", "all samples, %", "95 %", "moved", "difference, points", "95 %"),
            (_accuracy(name, each, votes[name]) for name, each in records.items()),
        ),
        "outlook": _outlook(records),
        "replayed": _replayed(records),
        "orders": f"{ORDERS}",
        "threshold": f"{100 * THRESHOLD:.0f} %",
        "least": f"{_least()}",
        "wanted": f"{100 * WANTED:.0f} %",
        "watched": f"{WATCHED}",
    }


def _sizes(record: Record) -> dict[str, str]:
    return {
        "problems": f"{len(record.problems)}",
        "size": f"{record.size}",
        "least_asked": f"{min(_least() - 1 + WATCHED, record.size)}",
    }


def _least() -> int:
    """Samples without which the rule cannot agree."""
    return next(count for count in range(1, 100) if beta_agrees([0] * count, THRESHOLD))


def _costs(records: dict[str, Record], drawn: dict[str, Rows], votes: dict[str, Votes]) -> dict[str, str]:
    """The table of windows, and what it says of the window that is watched."""
    lines: list[tuple[str, ...]] = []
    told: dict[str, str] = {}
    for name, record in records.items():
        spent = drawn[name].tokens
        whole = spent.sum(axis=1)
        at_once = pay(spent, np.full(len(spent), record.size), record.size)
        all_of_them = tokens(float((record.prompt_P + _by_problem(record, whole)).mean()))
        steps = tokens(float(at_once.steps_R.mean()))
        lines.append((name, "all", f"{record.size}", f"{record.size}", all_of_them, "", "", all_of_them, "", "", steps))
        for window in WINDOWS:
            paid = pay(spent, votes[name].counted_R, window)
            saved = [_saved(record, each, whole) for each in (paid.full_R, paid.written_R)]
            lines.append(_cost_line(name, record, votes[name], window, paid, saved))
            said = [f"{percent(each.estimate)} % (95 % {bounds(each)})" for each in saved]
            told |= dict(zip((f"{name}_saved_{window}", f"{name}_cut_{window}"), said, strict=True))
            if window == WATCHED:
                told[f"{name}_verdict"] = "is reached" if saved[0].estimate >= WANTED else "is missed"
    head = ("model", "window", "voted", "asked", "in full", "saved, %", "95 %", "until cut", "saved, %", "95 %", "steps")
    return told | {"costs": _table(head, lines, labels=2)}


def _cost_line(name: str, record: Record, votes: Votes, window: int, paid: Paid, saved: Sequence[Interval]) -> tuple[str, ...]:
    full, written = (
        (tokens(float((record.prompt_P + _by_problem(record, spent)).mean())), percent(share.estimate), bounds(share))
        for spent, share in zip((paid.full_R, paid.written_R), saved, strict=True)
    )
    counts = (f"{votes.counted_R.mean():.2f}", f"{paid.asked_R.mean():.2f}")
    return (name, f"{window}", *counts, *full, *written, tokens(float(paid.steps_R.mean())))


def _accuracy(name: str, record: Record, votes: Votes) -> tuple[str, ...]:
    """Both accuracies with intervals over problems, the middle 95 % of single orders, and the difference."""
    beta, whole = (_by_problem(record, each) for each in (votes.credit_R, votes.whole_R))
    shares = [accuracy(each, record.problems) for each in (beta, whole)]
    low, high = np.quantile(votes.credit_R.reshape(ORDERS, -1).mean(axis=1), [0.025, 0.975])
    difference = paired_difference(beta, whole, record.problems)
    return (
        name,
        percent(shares[0].estimate),
        bounds(shares[0]),
        f"{100 * low:.1f} to {100 * high:.1f}",
        percent(shares[1].estimate),
        bounds(shares[1]),
        f"{(votes.credit_R != votes.whole_R).sum()} of {len(votes.credit_R):,}",
        _points(difference.estimate),
        f"{_points(difference.low)} to {_points(difference.high)}",
    )


def _points(share: float) -> str:
    """Signed, and never a negative zero."""
    return f"{round(100 * share, 2) + 0.0:+.2f}"


def _outlook(records: dict[str, Record]) -> str:
    """Savings under caps that were not recorded: samples drawn with replacement from those that were."""
    large, small = records["large"], records["small"]
    cases = [("large", large, large.size, cap) for cap in CAPS if cap > large.size]
    cases += [("small", small, HALF, small.size)]
    lines = [
        (f"{name}, from {size}", f"{cap}", *_savings(record, _with_replacement(record, size, cap)))
        for name, record, size, cap in cases
    ]
    lines.append((f"small, its {small.size}", f"{small.size}", *_savings(small, random_orders(small))))
    return _table(("samples", "at most", *(f"window {window}" for window in WINDOWS)), lines)


def _with_replacement(record: Record, size: int, cap: int) -> Ints:
    """``cap`` draws from the first ``size`` of every random order."""
    orders = random_orders(record)[:, :size]
    draws = np.random.default_rng(SEED + 1).integers(0, size, (len(orders), cap))
    return np.take_along_axis(orders, draws, axis=1)


def _savings(record: Record, order_R_N: Ints) -> list[str]:  # noqa: N803
    """Under each window, in full and until cut."""
    rows = ordered(record, order_R_N)
    prompts, counted = record.prompt_P.mean(), vote(rows).counted_R
    whole = prompts + rows.tokens.sum(axis=1).mean()
    paid = [pay(rows.tokens, counted, window) for window in WINDOWS]
    pairs = [(1 - (prompts + each.mean()) / whole for each in (one.full_R, one.written_R)) for one in paid]
    return [" / ".join(percent(float(share)) for share in pair) for pair in pairs]


def _replayed(records: dict[str, Record]) -> str:
    """How many runs of the strategy itself did what this file says."""
    with (FOLDER / "replay.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = {name: simulated(record) for name, record in records.items()}
    same = sum(wanted[row["record"]].get((row["problem"], int(row["window"]))) == tuple(row.values())[3:] for row in rows)
    return f"{same} of {len(rows)}"


def simulated(record: Record) -> dict[tuple[str, int], tuple[str, ...]]:
    """By problem and window, as replay.csv says it, of the samples in their own order."""
    rows = Rows(record.groups_P_N, record.credits_P_N, record.tokens_P_N)
    counted = vote(rows).counted_R
    answers = [_majority(found[:k]) for found, k in zip(record.answers, counted.tolist(), strict=True)]
    told: dict[tuple[str, int], tuple[str, ...]] = {}
    for window in WINDOWS:
        paid = pay(rows.tokens, counted, window)
        for place, problem in enumerate(record.problems):
            numbers = (counted[place], paid.asked_R[place], paid.full_R[place], paid.written_R[place])
            told[problem, window] = (answers[place], *(f"{number:.0f}" for number in numbers))
    return told


def _majority(answers: Sequence[str]) -> str:
    """The answer given most often, of those the first; empty where none could be read."""
    return max((each for each in answers if each), key=answers.count, default="")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], labels: int = 1) -> str:
    marks = [":--" if column < labels else "--:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
