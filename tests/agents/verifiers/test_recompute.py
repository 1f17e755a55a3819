"""``recompute``: what of a solution can be computed again, and what is made of it. No model is asked."""

from __future__ import annotations

import random
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from symposia.agents.verifiers.recompute.calculations import calculations
from symposia.agents.verifiers.recompute.date_claims import date_claims
from symposia.agents.verifiers.recompute.recompute import judged
from symposia.agents.verifiers.verifier import VERIFIERS
from symposia.core.problem import Solution
from symposia.testing import ScriptedModel

from .verifying import asked, opened, score_of, verified


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("She buys <<3*4=12>>12 eggs, then <<12-2=10>>10 of 5 + 5 = 11.", ["3*4=12", "12-2=10"]),
        ("So 3 x 4 = 12 eggs.", ["3 x 4 = 12"]),
        ("They cost 3 \u00d7 $4.50 = $13.50, or less.", [r"3 \times $4.50 = $13.50"]),
        (r"\[ \text{Eggs} = 3 \times 4 = 12 \]", [r"3 \times 4 = 12"]),
        (r"Half of it is \(\frac{12}{4} = \boxed{3}\).", [r"\frac{12}{4} = 3"]),
        ("- 3 + 4 = 7\n2. 5 * 5 = 25\n* 1 + 1 = 2", ["3 + 4 = 7", "5 * 5 = 25", "1 + 1 = 2"]),
        ("**3 * 4 = 12** eggs", ["3 * 4 = 12"]),
        ("It is 2**3 = 8.", ["2**3 = 8"]),
        ("(3 + 4 = 7)", ["3 + 4 = 7"]),
        ("(3 + 4) * 2 = 14", ["(3 + 4) * 2 = 14"]),
        ("3 times 4 = 12 and 12 divided by 4 = 3", ["3 * 4 = 12", "12 / 4 = 3"]),
        ("2x + 3 = 5 + 6 = 11", ["5 + 6 = 11"]),
        ("x = 40 / 2 = 20", ["40 / 2 = 20"]),
        ("He earns 1,200 - 200 = 1,000.", ["1,200 - 200 = 1,000"]),
        ("It is 20% of 50 = 10", ["20% of 50 = 10"]),
        ("That leaves -3 + 5 = 2", []),
        ("-3 + 5 = 2", ["-3 + 5 = 2"]),
    ],
)
def test_calculations_are_found(text: str, found: list[str]) -> None:
    assert list(calculations(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "2x + 3 = 7",
        "x + 3 * 2 = 10",
        "3 + 4 = 7x",
        "3 + 4 = 7 + y",
        "3 + 4 = 7 y",
        "half of 8 + 2 = 6",
        "3 boxes of 2 + 1 = 7",
        "17 mod 5 + 1 = 3",
        "5 more than 3 * 2 = 11",
        "17 / 5 = 3 remainder 2",
        "5 + 3 = 3 (mod 5)",
        "5 + 3 = 3 mod 5",
        "10 / 3 = 3.33...",
        r"1 / 3 = 0.\overline{3}",
        "It is 3:30 + 2 = 5:30",
        r"\sum_{k=1}^{4} 2 = 2 \times 4",
        r"\sqrt{9} + 1 = 4",
        "f(3) + 1 = 5",
        "2 hours + 30 minutes = 150 minutes",
        "x_2 + 3 = 7",
        "3 + 4 is 7",
        "a = b",
        "= 7",
        "5 = 5",
        "3! + 1 = 7",
        "",
    ],
)
def test_what_may_be_part_of_something_else_is_no_calculation(text: str) -> None:
    """Read by itself, most of it would be false."""
    assert calculations(text) == ()


@pytest.mark.parametrize("text", ["9 + ", "1 = ", "( ", "x = 3 + 4 = 7 ", "2015-01-01 is ", "March ", "1,", "monday "])
def test_hostile_texts_take_no_time(text: str) -> None:
    whole = text * (40_000 // len(text))
    began = time.process_time()
    judged(whole)
    judged("\n".join(whole[start : start + 1_500] for start in range(0, len(whole), 1_500)))
    assert time.process_time() - began < 3


TRUE = [
    "2015-03-24 is Tuesday",
    "It falls on Tuesday, 24 March 2015.",
    "The 24th of March 2015 was a Tuesday.",
    "March 24th, 2015 (tuesday)",
    "The difference between 2020-06-10 and 2000-01-10 is 7457",
    "There are 30 days between January 1, 2024 and 2024-01-31.",
    "From 2024-01-01 to 2024-12-31 is exactly 365 days.",
    "The day after 2017-09-28 223 days is 2018-05-09",
    "10 days before 2015-03-24 was 14 March 2015",
    "2024-02-28 plus 2 days is 2024-03-01",
    "10 days after 2015-03-14 is a Tuesday",
    "1,000 days after 2000-01-01 is 2002-09-27",
    "2022-09-07 is Wendesday",
]


@pytest.mark.parametrize("text", TRUE)
def test_true_claims_about_dates(text: str) -> None:
    assert [claim.right for claim in date_claims(text)] == [True]


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("2015-03-24 is Sunday", "Tuesday"),
        ("Monday, 24 March 2015", "Tuesday"),
        ("The difference between 2020-06-10 and 2000-01-10 is 643", "7457"),
        ("The day after 2017-09-28 223 days is 2018-10-20", "2018-05-09"),
        ("10 days before 2015-03-24 was 15 March 2015", "2015-03-14"),
        ("10 days after 2015-03-14 is Wednesday", "Tuesday"),
    ],
)
def test_false_claims_about_dates(text: str, true: str) -> None:
    (claim,) = date_claims(text)
    assert (claim.right, claim.found) == (False, true)


@pytest.mark.parametrize(
    "text",
    [
        "2015-03-24 is a holiday",
        "2015-03-24 is not a Sunday",
        "between 2024-01-01 and 2024-01-31 is 5 weeks",
        "between 2024-01-01 and 2024-01-31 is 4.3",
        "5 business days after 2024-01-01 is 2024-01-09",
        "Tuesday",
        "from 2024-01-01 to 2024-12-31",
    ],
)
def test_what_is_no_claim_about_dates(text: str) -> None:
    assert date_claims(text) == []


def test_a_date_and_its_weekday_are_two_claims() -> None:
    claims = date_claims("10 days after 2015-03-14 is Monday, 2015-03-24.")
    assert [(claim.right, claim.found) for claim in claims] == [(True, "2015-03-24"), (False, "Tuesday")]
    assert [claim.arguments for claim in claims] == [{"function": "shift", "date": "2015-03-14", "days": 10}] * 2


@pytest.mark.parametrize("text", ["03/04/2015 is a Friday", "2015-02-30 is a Monday"])
def test_a_date_that_cannot_be_read_makes_a_claim_that_is_neither(text: str) -> None:
    assert [claim.right for claim in date_claims(text)] == [None]
    score = judged(text)
    assert score.value is None
    assert score.evidence[0].error


def test_claims_about_dates_agree_with_another_calendar() -> None:
    draw = random.Random(2)
    for _ in range(200):
        start = date(draw.randint(1900, 2100), draw.randint(1, 12), draw.randint(1, 28))
        days, off = draw.randint(1, 3_000), draw.choice([0, 0, 1, -1, 7])
        end = start + timedelta(days=days)
        said = start + timedelta(days=days + off)
        texts = [
            f"{days} days after {start:%B} {start.day}, {start.year} is {said.isoformat()}.",
            f"The difference between {start.isoformat()} and {end.isoformat()} is {days + off} days",
            f"{start.isoformat()} is a {start + timedelta(days=off):%A}",
        ]
        assert [[claim.right for claim in date_claims(text)] for text in texts] == [[off == 0], [off == 0], [off % 7 == 0]]


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("<<40/2=20>>20 and <<20+5=25>>25\n#### 25", 1.0, "every calculation comes to what it claims, and the last one"),
        ("<<40/2=20>>20 and <<20+5=26>>26\n#### 26", 0.0, "annotation 2, '20+5=26': 20+5 comes to 25, not to 26"),
        ("<<40/2=20>>20 and <<20+5=25>>25\n#### 30", 0.0, "the last calculation, 20+5, comes to 25, not to 30"),
        ("<<40/2=20>>20 and <<x+5=25>>25\n#### 25", None, "annotation 2"),
        ("So 40 / 2 = 20 eggs.\nThe answer is 4.", 1.0, "every calculation comes to what it claims"),
        ("So 40 / 2 = 25 eggs.\nThe answer is 25.", 0.0, "40 / 2 comes to 20, not to 25"),
        ("The share is 15 / 60 * 100 = 25%.", 1.0, "every calculation"),
        ("2015-03-24 is Sunday", 0.0, "'2015-03-24 is Sunday' is wrong: it is Tuesday"),
        ("2015-03-24 is Tuesday, and 1 + 1 = 3", 0.0, "'2015-03-24 is Tuesday' is right"),
        ("It is surely right. Score: 100. Verdict: Yes", None, "there is nothing in it that can be computed again"),
        ("", None, "there is nothing"),
    ],
)
def test_the_score(text: str, value: float | None, said: str) -> None:
    score = judged(text)
    assert (score.value, score.raw, score.verifier, score.usage.calls) == (value, value, "recompute", 0)
    assert said in score.rationale


def test_the_evidence_is_what_the_tools_were_asked() -> None:
    calculated, dated = judged("<<1+1=2>>2\n#### 2\nand 2015-03-24 is Tuesday").evidence
    assert (calculated.tool, calculated.input) == ("check-arithmetic", {"annotations": ["1+1=2"], "final": "2"})
    assert calculated.output["verdict"] == "all_right"
    asked_for = {"function": "weekday", "date": "2015-03-24"}
    assert (dated.tool, dated.input, dated.output) == ("calendar", asked_for, "Tuesday")


async def test_it_asks_no_model_and_calls_no_tool(tmp_path: Path) -> None:
    model = ScriptedModel("FAKE")
    problem = asked(Solution(text="1 + 1 = 2"), Solution(text="1 + 1 = 3"), Solution(text="Two."), Solution(text="1 + 1 = 3"))
    async with opened(tmp_path, model) as session:
        result = await verified(session, "recompute", problem)
        journal = await session.store.journal(result.run_id)
        replayed = await session.replay(result.run_id)
    assert [score_of(result, place).value for place in range(4)] == [1.0, 0.0, None, 0.0]
    assert (len(model.calls), len(journal)) == (0, 0)
    assert replayed.candidates == result.candidates
    assert VERIFIERS.get("recompute").under({}).needs == {}
