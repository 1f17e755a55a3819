"""A candidate as numbered steps."""

from __future__ import annotations

from typing import Any

from symposia.core.candidate import Candidate
from symposia.core.problem import ToolCall, ToolFunction
from symposia.tui.render.steps import StepLine, step_lines

from .world import DARK, PLAIN, plain, reasoned

FIRST, SECOND = "Three trays hold 14 rotis each.\n\n", "So there are 3 times 14, which is 42.\n\n"
OLD = reasoned(FIRST, SECOND, "Subtract 7: 35.", scores=(0.9, 0.91, 0.22), said="nobody ate any", thinking="hm\nso")
NEW = reasoned(FIRST, SECOND, "None is eaten: 42.", scores=(0.9, 0.9, 0.88))
PRIME = DARK.glyphs.prime


def drawn(candidate: Candidate = OLD, width: int = 40, **options: Any) -> list[StepLine]:
    return step_lines(
        candidate, width, options.pop("skin", DARK), **{"focused": None, "thinking": False, "tools": False} | options
    )


def shown(*given: Any, **options: Any) -> str:
    return plain(line.text for line in drawn(*given, **options))


def test_steps_with_what_was_said_against_them() -> None:
    assert shown() == (
        "▸ thinking, 5 characters\n"
        "1  █     Three trays hold 14 rotis each.\n"
        "2  █     So there are 3 times 14, which\n"
        "         is 42.\n"
        "3  ▂     Subtract 7: 35.\n"
        "         ✗ critic: nobody ate any\n"
        "         ▸ 1 tool call\n"
        "answer 42"
    )
    assert [line.step for line in drawn()] == [None, 0, 1, 1, 2, 2, 2, None]


def test_everything_unfolded_and_a_figure_where_the_focus_is() -> None:
    lines = shown(width=60, focused=2, thinking=True, tools=True).splitlines()
    assert lines[:3] == ["▾ thinking, 5 characters", "  hm", "  so"]
    assert lines[3:] == [
        "1  █     Three trays hold 14 rotis each.",
        "2  █     So there are 3 times 14, which is 42.",
        "3  ▂ .22 Subtract 7: 35.",
        "         ✗ critic: nobody ate any",
        "         python(3*14) → 42",
        "answer 42",
    ]


def test_a_refined_step_has_a_prime_and_the_old_one_is_folded() -> None:
    lines = drawn(width=60, refined=NEW)
    assert plain(line.text for line in lines[3:]) == (
        "3  ▂     Subtract 7: 35.\n"
        "         ✗ critic: nobody ate any\n"
        "         ▸ 1 tool call\n"
        f"3{PRIME} █     None is eaten: 42.\n"
        "answer 42"
    )
    assert "strike" in str(lines[3].text.spans[-1].style)
    assert shown(width=60, refined=NEW, skin=PLAIN).splitlines()[-2] == "3' #     None is eaten: 42."


def test_steps_that_went_and_steps_that_came() -> None:
    fewer, more = reasoned("a. ", "c."), reasoned("a. ", "b. ", "b2. ", "c.")
    middle = reasoned("a. ", "b. ", "c.")
    assert "1  ·     a.\n2  ·     b.\n3  ·     c.\nanswer" in shown(middle, refined=fewer)
    assert f"2  ·     b.\n2{PRIME} ·     b2.\n3  ·     c." in shown(middle, refined=more)
    assert shown(middle, refined=middle) == shown(middle)


def test_what_is_said_of_the_whole_stands_at_the_end() -> None:
    whole = reasoned("a. ", "b.", said="not enough")
    assert [line.step for line in drawn(whole)] == [0, 1, None, None, None]
    assert "✗ critic: not enough" in shown(whole)


def test_refusals_and_tool_calls() -> None:
    call = ToolCall(id="1", function=ToolFunction(name="python", arguments='{"code": "1"}'))
    asked = Candidate(id="x", text="", model="m", refusal="I will not", tool_calls=(call,))
    assert shown(asked) == "? refused: I will not\n▸ 1 tool call\nno answer could be read"
    assert 'python({"code": "1"})' in shown(asked, tools=True)


def test_steps_are_found_where_none_are_given() -> None:
    text = Candidate(id="x", text="First this.\n\nThen that.", model="m")
    assert shown(text).startswith("1  ·     First this.\n2  ·     Then that.")
