"""Cutting solutions and thinking traces into steps."""

# ruff: noqa: RUF001 - Chinese has punctuation of its own

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.candidate import Candidate, Score
from symposia.core.steps import MAX_STEPS, cut_at, ends_of, split_steps

PARTS = (
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "\t",
    "Step 2: ",
    "3. ",
    "x = 5",
    "- one",
    "```",
    "~~~",
    "$$",
    r"\[",
    r"\]",
    "# Title",
    "**bold**",
)
MARKS = (
    "<think>",
    "</think>",
    "<thinking>",
    r"\begin{a}",
    r"\end{a}",
    "Wait, no.",
    "---",
    "第二步",
    "所以",
    "ステップ2",
    "\u3000",
    "é",
    "🙂",
)
written = st.lists(st.sampled_from(PARTS + MARKS) | st.text(max_size=8), max_size=60).map("".join)


@given(written)
def test_steps_make_up_the_text(text: str) -> None:
    steps = split_steps(text)
    assert "".join(steps) == (text if text.strip() else "")
    assert all(step.strip() for step in steps)
    assert len(steps) <= MAX_STEPS
    assert split_steps(text) == steps


@given(written)
def test_scores_of_steps_align_with_any_candidate(text: str) -> None:
    candidate = Candidate(id="c", text=text, model="m")
    steps = candidate.cut()
    score = Score(verifier="v", value=0.5, steps=(0.5,) * len(steps), ends=ends_of(steps))
    assert candidate.with_score(score).step_texts(score) == steps
    if steps:
        ends = ends_of(steps)
        shifted = (*ends[:-1], ends[-1] + 1)
        with pytest.raises(ValueError, match="do not cover"):
            candidate.with_score(score.model_copy(update={"ends": shifted}))


@given(st.lists(st.text(min_size=1), max_size=8))
def test_ends_and_cuts_are_inverse(steps: list[str]) -> None:
    assert cut_at("".join(steps), ends_of(steps)) == tuple(steps)


def cut(text: str) -> list[str]:
    return [step.strip() for step in split_steps(text)]


PLAIN = {
    "blank lines": ("We add.\n\nThen we halve.\n \nSo 3.", ["We add.", "Then we halve.", "So 3."]),
    "line ends where there is neither": ("a is 1\nb is 2\nc is 3", ["a is 1", "b is 2", "c is 3"]),
    "lines of a paragraph": ("a is 1\nb is 2\n\nc is 3", ["a is 1\nb is 2", "c is 3"]),
    "named steps": (
        "Step 1: add\nit is 3\nStep 2: halve\n**Step 3:** stop",
        ["Step 1: add\nit is 3", "Step 2: halve", "**Step 3:** stop"],
    ),
    "numbered lines": ("So:\n1. add\n2) halve\n   more of it", ["So:", "1. add", "2) halve\n   more of it"]),
    "numbers that open no step": ("It is\n2.5 km\nand 12 more", ["It is", "2.5 km", "and 12 more"]),
    "a paragraph with numbered lines": ("Thus:\n\n1. a = 1\n2. b = 2\n\nSo 3.", ["Thus:", "1. a = 1", "2. b = 2", "So 3."]),
    "lists of points": ("We know:\n- a\n- b\n\nSo a.", ["We know:\n- a\n- b", "So a."]),
    "carriage returns": ("one\r\n\r\ntwo\r\nmore\r\n\r\nthree", ["one", "two\r\nmore", "three"]),
    "one line": ("It is 5.", ["It is 5."]),
    "no text": ("", []),
    "blank text": (" \n\n\t\n", []),
    "no word": ("∅", ["∅"]),
    "rules and brackets": ("---\n\na = 1\n\n***\n\nb = 2\n\n}", ["---\n\na = 1\n\n***", "b = 2\n\n}"]),
    "headings": (
        "# Solution\n\n## Step 1\n\nadd\n\n**Step 2: halve**\n\n3\n\n### End",
        ["# Solution\n\n## Step 1\n\nadd", "**Step 2: halve**\n\n3\n\n### End"],
    ),
    "a heading that says something": ("## 1 + 2 = 3\n\nso 3", ["## 1 + 2 = 3", "so 3"]),
    "only a heading": ("# Solution", ["# Solution"]),
    "formulas on display": ("We add:\n\n\\[\na = 1\n\n+ 2\n\\]\n\nSo 3.", ["We add:\n\n\\[\na = 1\n\n+ 2\n\\]", "So 3."]),
    "dollars": ("Now\n$$\nx\n\ny\n$$\n\nend", ["Now\n$$\nx\n\ny\n$$", "end"]),
    "environments": (
        "\\begin{align*}\na\\\\[2pt]\n\nb\n\\end{align*}\n\nend",
        ["\\begin{align*}\na\\\\[2pt]\n\nb\n\\end{align*}", "end"],
    ),
    "a bracket that is never closed": ("\\[ a\n\nb\n\nc", ["\\[ a", "b", "c"]),
    "code": (
        "Run:\n```python\na = 1\n\n# Step 2: b\n```\n\nIt gives 1.",
        ["Run:\n```python\na = 1\n\n# Step 2: b\n```", "It gives 1."],
    ),
    "code that is never closed": ("Run:\n\n```python\na = 1\n\nb = 2", ["Run:", "```python\na = 1\n\nb = 2"]),
    "Chinese": ("第一步：先加。\n得到3。\n第二步：再减。", ["第一步：先加。\n得到3。", "第二步：再减。"]),
    "Chinese numbers": ("解：\n1、先加\n2、再减", ["解：", "1、先加", "2、再减"]),
    "Japanese": ("ステップ1：足す\n答えは3\nステップ2：引く", ["ステップ1：足す\n答えは3", "ステップ2：引く"]),
    "wide blanks": ("先加。\n\u3000\n再减。", ["先加。", "再减。"]),
}


@pytest.mark.parametrize("name", PLAIN)
def test_plain_solutions(name: str) -> None:
    text, steps = PLAIN[name]
    assert cut(text) == steps


def test_white_space_belongs_to_the_step_before_it() -> None:
    assert split_steps("a\n\n  b\n \n\nc\n") == ("a\n\n  ", "b\n \n\n", "c\n")


TRACES = {
    "turns": (
        "<think>\nI add.\n\nThat gives 3.\n\nWait, it is 4.\n\nYes.\n\nSo the answer is 4.\n</think>\n\nIt is 4.",
        ["<think>\nI add.\n\nThat gives 3.", "Wait, it is 4.\n\nYes.", "So the answer is 4.\n</think>", "It is 4."],
    ),
    "no turns": ("<think>\nI add.\n\nThat is 3.\n</think>3.", ["<think>\nI add.", "That is 3.\n</think>", "3."]),
    "marks alone are no step": ("<think>\n\nI add.\n\n</think>\n\nIt is 3.", ["<think>\n\nI add.\n\n</think>", "It is 3."]),
    "opened in the prompt": ("I add.\n\nWait, no.\n</think>\nIt is 3.", ["I add.", "Wait, no.\n</think>", "It is 3."]),
    "never closed": ("<think>\nI add.\n\nActually, no.", ["<think>\nI add.", "Actually, no."]),
    "two blocks": ("<think>a</think>one<thinking>b</thinking>two", ["<think>a</think>", "one", "<thinking>b</thinking>", "two"]),
    "Chinese": (
        "<think>先加。\n\n得3。\n\n等等，不对。</think>是4。",
        ["<think>先加。\n\n得3。", "等等，不对。</think>", "是4。"],
    ),
    "Japanese": ("<think>足す。\n\nしかし違う。</think>4", ["<think>足す。", "しかし違う。</think>", "4"]),
    "numbered lines are no turn": ("<think>So:\n1. a\n2. b</think>c", ["<think>So:\n1. a\n2. b</think>", "c"]),
    "a turn is a word": ("<think>a\n\nWaiting helps.\n\nWait.</think>b", ["<think>a\n\nWaiting helps.", "Wait.</think>", "b"]),
}


@pytest.mark.parametrize("name", TRACES)
def test_thinking_traces(name: str) -> None:
    text, steps = TRACES[name]
    assert cut(text) == steps


def test_a_long_text_has_the_most_steps_and_evenly() -> None:
    steps = split_steps("\n\n".join(f"line {number}" for number in range(1000)))
    assert len(steps) == MAX_STEPS
    assert {step.count("line") for step in steps} == {15, 16}


SIZE = 200_000
HOSTILE = {
    "line ends": "\n" * SIZE,
    "blank lines": (" " * 999 + "\n") * (SIZE // 1000),
    "formulas never closed": r"\[" * (SIZE // 2),
    "environments never closed": "".join(rf"\begin{{a{number}}}" for number in range(SIZE // 12)),
    "environments in each other": r"\begin{a}" * (SIZE // 16) + r"\end{a}" * (SIZE // 16),
    "formulas on display": "\\[x\\]\n\n" * (SIZE // 7),
    "fences": "```\n" * (SIZE // 4),
    "thoughts": "<think>a</think>" * (SIZE // 16),
    "headings": "# \n" * (SIZE // 3),
    "stars": "*" * SIZE,
    "brackets": "<" * SIZE,
    "paragraphs": "a\n\n" * (SIZE // 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long(name: str) -> None:
    """Each takes about a second; with a rule that is quadratic, minutes."""
    began = time.perf_counter()
    split_steps(HOSTILE[name])
    assert time.perf_counter() - began < 8
