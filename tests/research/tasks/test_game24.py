from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations_with_replacement, permutations
from pathlib import Path

import pytest

from symposia.core.errors import TaskError
from symposia.research.tasks.game24 import ways
from symposia.research.tasks.load import load_task

Write = Callable[..., Path]
SETS = list(combinations_with_replacement(range(1, 14), 4))


def _slow(numbers: tuple[int, ...]) -> int:
    """The definition, by trying every order of every operation."""
    found = set()

    def reduce(values: list[Fraction]) -> None:
        for i, j in permutations(range(len(values)), 2):
            a, b = values[i], values[j]
            rest = [value for k, value in enumerate(values) if k not in {i, j}]
            for sign, value in (("+", a + b), ("-", a - b), ("*", a * b), ("/", a / b if b else None)):
                if value is None:
                    continue
                if rest:
                    reduce([*rest, value])
                elif value == 24:
                    found.add((sign, frozenset((a, b)) if sign in "+*" else (a, b)))

    reduce([Fraction(number) for number in numbers])
    return len(found)


def test_all_solvable_sets_are_found() -> None:
    """1,362 of the 1,820 sets of 1 to 13 can make 24, as is well known."""
    assert sum(ways(numbers) > 0 for numbers in SETS) == 1362


@pytest.mark.parametrize(
    "numbers", [(3, 3, 8, 8), (1, 5, 5, 5), (1, 1, 1, 1), (13, 13, 13, 13), *random.Random(24).sample(SETS, 6)], ids=str
)
def test_ways_agree_with_the_definition(numbers: tuple[int, ...]) -> None:
    assert ways(numbers) == _slow(numbers)


def test_generated_problems(write: Write) -> None:
    found = load_task("game24", limit=40)
    assert (sum(found.counts.values()), found.source) == (1362, "generated")
    for item in found.items:
        assert item.gold == ""
        assert item.data["ways"] == ways(tuple(item.data["numbers"])) > 0
    assert {item.data["difficulty"] for item in load_task("game24").items} == {"easy", "medium", "hard"}
    assert load_task("game24", limit=40).items == found.items


def test_puzzles_of_a_file_whose_numbers_stand_in_any_order(write: Write) -> None:
    rows = "".join(
        f"{n},{' '.join(map(str, numbers))},99%\n" for n, numbers in enumerate([(8, 1, 1, 1), (3, 8, 3, 8), (13, 10, 9, 4)])
    )
    found = load_task("game24", write("24.csv", "Rank,Puzzles,Solved rate\n" + rows))
    assert found.items
    for item in found.items:
        assert "exactly once" in item.problem.question
        assert set(item.data) == {"numbers", "ways", "difficulty", "rank", "solved_rate"}


@pytest.mark.parametrize(
    ("puzzle", "said"),
    [("1 1 1 1", "no way to make 24 of 1 1 1 1"), ("1 2 3", "must hold four whole numbers"), ("1 2 3 400", "up to 100")],
)
def test_puzzles_that_are_none(write: Write, puzzle: str, said: str) -> None:
    with pytest.raises(TaskError, match=rf"24\.csv, line 2: .*{said}"):
        load_task("game24", write("24.csv", f"Rank,Puzzles\n1,{puzzle}\n"))
