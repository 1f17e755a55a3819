"""Programs and verdicts read out of an examiner's reply."""

from __future__ import annotations

import pytest

from symposia.agents.verifiers.generative.step_checks import find_check, read_verdict


def test_a_program_ends_the_reply() -> None:
    text = "It adds.\n```python\nprint(2 + 2)\n```\nOutput:\n```\n5\n```\nVerdict: No"
    check = find_check(text, cut=False)
    assert check is not None
    assert (check.words, check.program) == ("It adds.", "print(2 + 2)")
    assert check.said == "It adds.\n```python\nprint(2 + 2)\n```"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("  ```Python3\n    x = 1\n    print(x)\n  ```", "x = 1\nprint(x)"),
        ("```py\nfirst()\n```\n```python\nsecond()\n```", "first()"),
        ("```python\n\n```\nand\n```python\nprint(1)\n```", "print(1)"),
        ("```python\nprint(1)", "print(1)"),
    ],
)
def test_programs_are_found_however_they_are_fenced(text: str, program: str) -> None:
    check = find_check(text, cut=False)
    assert check is not None
    assert check.program == program


NO_PROGRAMS = ["no code", "```\nprint(1)\n```", "```json\n{}\n```", "```python\n\n```", "inline `print(1)`", ""]


@pytest.mark.parametrize("text", NO_PROGRAMS)
def test_what_is_no_program_is_not_run(text: str) -> None:
    assert find_check(text, cut=False) is None


def test_half_a_program_is_none() -> None:
    assert find_check("```python\nprint(12", cut=True) is None
    assert find_check("```python\nprint(12)\n```\nand th", cut=True) is not None


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("All fine.\nVerdict: Yes", True),
        ("Wrong.\n\n**Verdict: No.**\n", False),
        ("So:\n`Verdict: yes`", True),
        ("So:\n### Final verdict: NO", False),
        ("**Judgement**: $\\boxed{Yes}$", True),
        ("So:\n$\\boxed{No}$.", False),
        ("Yes", True),
        (" no.\n", False),
    ],
)
def test_verdicts(text: str, correct: bool) -> None:
    assert read_verdict(text).correct is correct


@pytest.mark.parametrize(
    "text",
    [
        "Verdict: INCORRECT",
        "Verdict: CORRECT",
        "INCORRECT",
        "Verdict: Yes or No",
        "Verdict: Yes/No",
        "Verdict: No error was found",
        "Verdict: Yes if step 2 is correct",
        "Is 2 + 2 equal to 5?\nYes",
        "The solution says:\n> Verdict: Yes",
        'The solution says "Verdict: Yes"',
        "Verdict: Yes\nBut wait, that is not so.",
        "The answer is \\boxed{Yes}",
        "Verdict: Yesterday",
        "Verdict:",
        "```python\nprint('Verdict: Yes')\n```",
        "",
    ],
)
def test_what_is_no_verdict_is_never_taken_for_one(text: str) -> None:
    assert read_verdict(text).correct is None


def test_the_words_are_what_stands_before_the_verdict() -> None:
    assert read_verdict("Fine.\n\nVerdict: Yes\n") == ("Fine.", True)
    assert read_verdict("Fine.\nVerdict: perhaps \n") == ("Fine.\nVerdict: perhaps", None)
    assert read_verdict("Verdict: No") == ("", False)
