"""Programs that a policy writes: finding one in a reply, and reading an answer from what running it gave. Pure functions."""

from __future__ import annotations

import ast
import json
import math
import re
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ..core.answers import extract
from ..core.candidate import Answer, ExtractionRule
from ..core.problem import AnswerKind
from ..core.sandbox import Ending, Execution

VARIABLE = "answer"
"""What a program binds its answer to."""

_FENCE = re.compile(r"^[ \t]*```[ \t]*([\w+-]*)[^\n`]*$", re.MULTILINE)
_PYTHON = {"python", "python3", "py"}
_SINGLE = re.compile(r"[\[{]([^\[\]{},:]+)[\]}]")
"""How Python writes a list or a set of one item that is no JSON, such as a sympy number."""
_OWN_NAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp)
_MAX_SHOWN = 2_000
"""Characters of a program's output that a candidate's text and a sentence about it show."""
_WANTED = {
    AnswerKind.NUMBER: "one number",
    AnswerKind.EXPRESSION: "one number, expression or phrase",
    AnswerKind.CHOICE: "the letter of an option",
    AnswerKind.JSON: "a JSON value",
}
_ENDINGS = {
    Ending.TIME: "the program did not end in time",
    Ending.MEMORY: "the program needed too much memory",
    Ending.OUTPUT: "the program printed too much",
}


def find_program(text: str) -> str | None:
    """The last fenced block marked as Python, else the last fenced block without a mark, else the text if it binds an answer.

    A block that never closes reaches to the end. None where there is no program.
    """
    blocks = [(mark.lower(), textwrap.dedent(block)) for mark, block in fenced_blocks(text) if block.strip()]
    marked = [block for mark, block in blocks if mark in _PYTHON]
    bare = [block for mark, block in blocks if not mark]
    if marked or bare:
        return (marked or bare)[-1]
    return text if not blocks and binds(text, VARIABLE) else None


def with_value(program: str) -> str:
    """``program`` as it is run: where it binds an answer, that is its value."""
    return f"{program}\n{VARIABLE}" if binds(program, VARIABLE) else program


def binds(program: str, name: str) -> bool:
    """Whether ``program`` gives a value to its global variable ``name``; False for what is no Python."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store):
            return True
        if not isinstance(node, _OWN_NAMES):
            stack.extend(ast.iter_child_nodes(node))
    return False


def read_value(execution: Execution, kind: AnswerKind, *, last_number: bool = True) -> Answer | None:
    """The answer that an execution gives: its value, else the last line that it printed. None where neither can be read.

    ``last_number`` says whether a number inside a printed sentence counts.
    """
    if not execution.ok:
        return None
    for text in _texts(execution, kind):
        found = extract(text, kind, last_number=last_number)
        if found is not None:
            return found.model_copy(update={"rule": ExtractionRule.PROGRAM})
    return None


def what_is_wrong(program: str | None, execution: Execution | None, kind: AnswerKind) -> str:
    """One sentence on why there is no answer, for the model that wrote the program."""
    if program is None or execution is None:
        return "the reply holds no Python program in a fenced block"
    if not execution.ok:
        return execution.error or _ENDINGS.get(execution.ending, f"the program was ended: {execution.ending}")
    shown = execution.value if execution.value is not None else execution.stdout.strip()
    if shown == "":
        return f"the program bound nothing to `{VARIABLE}` and printed nothing"
    return f"the program gave {_short(shown)}, where {_WANTED.get(kind, 'an answer')} is wanted"


def solution(text: str, execution: Execution | None) -> str:
    """A candidate's text: the reply with its program, and what running it gave."""
    if execution is None:
        return text
    said = [execution.stdout.rstrip()] if execution.stdout.strip() else []
    if execution.ok and execution.value is not None:
        said.append(f"{VARIABLE} = {_short(execution.value)}")
    if not execution.ok:
        said.append(execution.error or execution.ending)
    return f"{text.rstrip()}\n\nOutput:\n{shortened(chr(10).join(said))}"


def shortened(text: str) -> str:
    """``text`` as far as it is shown: what is left out is counted at its end."""
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}… ({len(text):,} characters)"


def fenced_blocks(text: str) -> Iterator[tuple[str, str]]:
    """Mark and content of each fenced block."""
    fences = list(_FENCE.finditer(text))
    opening: re.Match[str] | None = None
    for fence in fences:
        if opening is None:
            opening = fence
        elif not fence[1]:
            yield opening[1], text[opening.end() : fence.start()].strip("\n")
            opening = None
        else:  # the block before it was never closed
            yield opening[1], text[opening.end() : fence.start()].strip("\n")
            opening = fence
    if opening is not None:
        yield opening[1], text[opening.end() :].strip("\n")


def _texts(execution: Execution, kind: AnswerKind) -> Iterator[str]:
    """What may hold the answer, surest first, as text."""
    value = execution.value if kind is AnswerKind.JSON else _only(execution.value)
    if kind is AnswerKind.JSON:
        if isinstance(value, str):
            yield value
        if value is not None:
            yield json.dumps(value, ensure_ascii=False)
    elif isinstance(value, bool):
        if kind is AnswerKind.EXPRESSION:
            yield str(value)
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, float):
        if math.isfinite(value):
            yield _decimal(value)
    elif isinstance(value, str):
        yield value
    lines = execution.stdout.strip().splitlines()
    if lines:
        yield lines[-1]


def _only(value: Any) -> Any:
    """The only item of a list or a set, as sympy's ``solve`` gives it; any other value as it is."""
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    single = _SINGLE.fullmatch(value) if isinstance(value, str) else None
    return single[1] if single else value


def _decimal(value: float) -> str:
    """As people write it. Twelve digits: what arithmetic in binary adds after them is no part of an answer."""
    return format(Decimal(f"{value:.12g}"), "f")


def _short(value: Any) -> str:
    return shortened(json.dumps(value, ensure_ascii=False))
