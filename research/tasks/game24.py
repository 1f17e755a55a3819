"""The Game of 24: make 24 of four numbers, each used once. Generated: every solvable set of numbers from 1 to 13."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations, combinations_with_replacement

from ...core.problem import AnswerKind
from .fields import picked, text
from .task import Draft, Record, Task, TaskOptions

TARGET = 24
LARGEST = 13
HARD, MEDIUM = 2, 5
Numbers = tuple[int, ...]


@cache
def ways(numbers: Numbers) -> int:
    """In how many ways four numbers, sorted, make 24, exactly: different last steps, that is two values and an operation."""
    found: set[tuple[str, Fraction, Fraction]] = set()
    for left, right in _cuts(numbers):
        theirs = _values(right)
        for a in _values(left):
            steps = [("+", TARGET - a), ("-", a - TARGET), ("-", a + TARGET)]
            if a:
                steps += [("*", TARGET / a), ("/", a / TARGET), ("/", a * TARGET)]
            found |= {(operation, min(a, b), max(a, b)) for operation, b in steps if b in theirs}
    return len(found)


@cache
def _values(numbers: Numbers) -> frozenset[Fraction]:
    """What can be made of sorted ``numbers``, each used once."""
    if len(numbers) == 1:
        return frozenset({Fraction(numbers[0])})
    made = set()
    for left, right in _cuts(numbers):
        for a in _values(left):
            for b in _values(right):
                made |= {a + b, a - b, b - a, a * b}
                made |= ({a / b} if b else set()) | ({b / a} if a else set())
    return frozenset(made)


@cache
def _cuts(numbers: Numbers) -> frozenset[tuple[Numbers, Numbers]]:
    """The ways to deal sorted ``numbers`` into two heaps, neither empty and the first no larger."""
    places = range(len(numbers))
    heaps = (set(chosen) for size in range(1, len(numbers) // 2 + 1) for chosen in combinations(places, size))
    dealt = (([numbers[i] for i in heap], [numbers[i] for i in places if i not in heap]) for heap in heaps)
    return frozenset((tuple(a), tuple(b)) for a, b in dealt if len(a) < len(b) or a <= b)


def _difficulty(count: int) -> str:
    """Our own scale, by the number of ways, not people's solve rates: about a third of the sets each."""
    return "hard" if count <= HARD else "medium" if count <= MEDIUM else "easy"


def _generate(_options: TaskOptions) -> Iterator[Record]:
    for numbers in combinations_with_replacement(range(1, LARGEST + 1), 4):
        if ways(numbers):
            yield {"Puzzles": " ".join(map(str, numbers))}


def _read(record: Record) -> Draft:
    numbers = tuple(map(int, re.findall(r"\d+", text(record, "Puzzles"))))
    if len(numbers) != 4 or max(numbers) > 100:
        raise ValueError("field 'Puzzles' must hold four whole numbers up to 100")
    count = ways(tuple(sorted(numbers)))
    if not count:
        raise ValueError(f"field 'Puzzles': no way to make {TARGET} of {' '.join(map(str, numbers))}")
    *first, last = map(str, numbers)
    question = (
        f"Use each of the four numbers {', '.join(first)} and {last} exactly once, with the operations +, -, *, / and "
        f"parentheses, to make {TARGET}. Give one arithmetic expression that equals {TARGET}."
    )
    data = {"numbers": list(numbers), "ways": count, "difficulty": _difficulty(count)}
    key = " ".join(map(str, sorted(numbers)))
    return Draft(question=question, gold="", key=key, data=data | picked(record, rank="Rank", solved_rate="Solved rate"))


TASK = Task(
    name="game24",
    summary="Make 24 of four numbers; all 1,362 solvable sets of 1 to 13, or a CSV file with a column Puzzles.",
    source="generated; as in Yao et al. 2023, arXiv:2305.10601, whose file of puzzles can be read too",
    read=_read,
    grader="game24",
    answer_kind=AnswerKind.EXPRESSION,
    groups=("difficulty",),
    generate=_generate,
)
