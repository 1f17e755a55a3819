"""The scorers of reasoning-gym, behind our guard."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.core.problem import AnswerKind
from symposia.research.graders import gym
from symposia.research.graders.harmless import is_harmless


@pytest.mark.parametrize(
    "text",
    [
        "", "42", "-7/3", "1 2 3", "Anna", "New York", "3*x**2 + 2*x - 1", "sin(x)*exp(2*x) + C", "(1 + 2) * 8",
        "[[1, 0], [0, -1]]",
        '{"a": true, "b": [1, 2.5, null]}', "['A', 'B']", "_ Q _ _\nQ _ _ _", "x**(1/2)", "007",
    ],
)  # fmt: skip
def test_plain_values_are_harmless(text: str) -> None:
    assert is_harmless(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')", "open('f')", "().__class__", "x.y", "x[0]", "lambda: 0", "[x for x in y]", "f'{x}'",
        "9**9**9", "((9**99)**99)**99", "9**(9*9*9*9)", "10**99999", "9" * 60, "'a' * 9", "[0] * 9", "[[0] * 9]", "x if y else z",
        "eval('1')", "sin(*x)", "exp(x=1)", "__name__", "__ __", "1; 2", "5!", "import os; os", "b'a'", "(" * 500,
        "-" * 3000 + "1", "1+" * 1500 + "1", "a" * 5000, "1 << 99", "x := 1", "\0",
    ],
)  # fmt: skip
def test_what_may_do_something_is_not(text: str) -> None:
    assert not is_harmless(text)


def entry(dataset: str, answer: Any, **metadata: Any) -> dict[str, Any]:
    return {"question": "?", "answer": answer, "metadata": {"source_dataset": dataset, **metadata}}


async def grade(graded, text: str, entry: dict[str, Any], kind: AnswerKind = AnswerKind.EXPRESSION) -> tuple[float, str]:
    found = await graded("reasoning-gym", text, "", kind, entry=entry)
    return found.credit, found.reason


async def test_a_data_set_without_a_scorer_of_its_own_is_graded_by_equality(graded) -> None:
    legs = entry("leg_counting", "2")
    assert await grade(graded, r"\boxed{2}", legs) == (1, "2 is 2")
    assert await grade(graded, r"\boxed{12}", legs) == (0, "12 is not 2")  # the inherited scorer would give a half
    assert await grade(graded, "The answer is 2 legs.", legs) == (1, "2 is 2")
    assert await grade(graded, "", legs) == (0, "no readable answer")


async def test_the_scorer_of_the_data_set_decides(graded) -> None:
    game = entry("puzzle24", None, numbers=[1, 4, 5, 10])
    credit, reason = await grade(graded, "(10 - 4) * (5 - 1)", game, AnswerKind.TEXT)
    assert (credit, reason) == (1, "the scorer of puzzle24 gives 1 to (10 - 4) * (5 - 1)")
    assert (await grade(graded, "10 + 4 + 5 + 1", game, AnswerKind.TEXT))[0] < 0.1


async def test_text_that_would_be_evaluated_is_kept_from_scorers(graded, tmp_path) -> None:
    mark = tmp_path / "mark"
    board = entry("n_queens", "_ Q", solutions=[])
    for scored in (board, entry("puzzle24", None, numbers=[1, 2, 3, 4])):
        credit, reason = await grade(graded, f"open({str(mark)!r}, 'w')", scored, AnswerKind.TEXT)
        assert credit == 0
        assert "is kept from the scorer" in reason
    assert not mark.exists()


async def test_a_scorer_that_fails_gives_nothing(graded, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
            raise ZeroDivisionError

    monkeypatch.setattr(gym, "_scorer", lambda name: Broken())
    assert await grade(graded, r"\boxed{5}", entry("made_up", "5")) == (0, "the scorer of made_up failed on 5: ZeroDivisionError")


@pytest.mark.parametrize(("given", "credit"), [(-1, 0), (3, 1), (0.4, 0.4)])
async def test_credit_stays_between_0_and_1(graded, monkeypatch: pytest.MonkeyPatch, given: float, credit: float) -> None:
    class Generous:
        def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
            return given

    monkeypatch.setattr(gym, "_scorer", lambda name: Generous())
    assert (await grade(graded, r"\boxed{5}", entry("made_up", "5")))[0] == credit


def test_every_module_that_evaluates_text_is_seen() -> None:
    from reasoning_gym.factory import DATASETS

    seen = {name for name, (form, _) in DATASETS.items() if gym._has_own_rule(form) and gym._evaluates(form.__module__)}
    known = {
        "string_insertion",
        "spiral_matrix",
        "binary_matrix",
        "n_queens",
        "puzzle24",
        "countdown",
        "polynomial_multiplication",
    }
    assert known | {"simple_integration", "intermediate_integration"} <= seen
    assert "propositional_logic" not in seen  # its parse_expr is a parser of its own
