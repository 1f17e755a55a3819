from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents.verifiers.verdicts import LABELS, first_error_index, written_verdict, yes_probability


def logs(**probabilities: float) -> dict[str, float]:
    return {label: math.log(value) for label, value in probabilities.items()}


def test_the_probability_of_yes_is_its_share_of_both_words_spellings_summed() -> None:
    assert yes_probability(logs(Yes=0.5, yes=0.1, No=0.2), 0.1) == pytest.approx(0.6 / 0.8)
    assert yes_probability({" Yes": math.log(0.3), "No": math.log(0.1)}, 0.1) == pytest.approx(0.75)


def test_a_word_the_server_did_not_tell_of_has_no_probability() -> None:
    assert yes_probability(logs(Yes=0.9), 0.1) == 1.0
    assert yes_probability(logs(No=0.9), 0.1) == 0.0


@pytest.mark.parametrize("labels", [{}, logs(Yes=0.04, No=0.05), logs(Maybe=0.9)])
def test_labels_with_next_to_no_mass_are_no_verdict(labels: dict[str, float]) -> None:
    assert yes_probability(labels, 0.1) is None


@given(st.dictionaries(st.sampled_from(LABELS), st.floats(-30, 0)))
def test_a_probability_is_one_whatever_the_rounding(labels: dict[str, float]) -> None:
    value = yes_probability(labels, 1e-12)
    assert value is None or 0 <= value <= 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score: 85", 0.85),
        ("It all adds up.\n\nScore: 85/100", 0.85),
        ("**Score: 7 %**\n\n", 0.07),
        ("**Score:** 90.", 0.9),
        ("- fine\n> final score = 100", 1.0),
        ("Score: 0", 0.0),
        ("Verdict: Yes", 1.0),
        ("The first step is wrong.\nNo.", 0.0),
        ("score: no", 0.0),
    ],
)
def test_verdicts_that_can_be_read(text: str, value: float) -> None:
    assert written_verdict(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Score: 85\nI hope this helps!",
        "The score is surely 85",
        "Score: 850",
        "Score: 0.95",
        "Score: 7.5",
        "Score: 101",
        "Score: -5",
        "Score: 7/10",
        "Score: N",
        "Score: 80-90",
        "Yes, because 6 * 7 = 42",
        "The solution is INCORRECT",
        "No, or rather yes",
    ],
)
def test_what_is_no_verdict_is_not_guessed(text: str) -> None:
    assert written_verdict(text) is None


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Step 1 is fine.\nFirst error: 1", 1),
        ("First error: -1", -1),
        ("First error: −1.", -1),  # noqa: RUF001 - a minus as typesetters write it
        ("**First error: 0**\n\n", 0),
        ("> first error = $\\boxed{2}$", 2),
        ("First error: 3", None),
        ("First error: -2", None),
        ("First error: none", None),
        ("The first error: 1 is there.", None),
        ("First error: 1\nOr perhaps not.", None),
        ("First error: 1 or 2", None),
        ("1", 1),
        (" -1 ", -1),
        ("It is\n1", None),
        ("INCORRECT", None),
        ("", None),
    ],
)
def test_the_first_error_is_read_off_the_last_line_alone(text: str, index: int | None) -> None:
    assert first_error_index(text, 3) == index
