"""Inputs on which programs are compared: found in a question's examples, or read from a reply. Pure functions.

An input is a call of a function, whose arguments are plain values, or a text that a program reads as its standard input. What
stands here was written by a user or a model: a call is taken apart by its syntax tree, and nothing of it is evaluated.
"""

from __future__ import annotations

import ast
import builtins
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..core.answers import extract
from ..core.problem import AnswerKind

_LONGEST = 2_000
"""Characters of an input. Small ones tell programs apart as well."""
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What parsing hostile text can raise."""
_TEST = re.compile(r"^[ \t`*-]*(?:(?=assert\b)|>>>)([^\n]+)", re.MULTILINE)
_EXAMPLES = re.compile(r"\W*(?:sample|example)s?\b(?:\s*(?:input)?\s*#?\d*)\W*", re.IGNORECASE)
_INPUT = re.compile(r"\W*(?:(?:sample|example)\s+)?input\s*#?\d*\W*", re.IGNORECASE)
_OUTPUT = re.compile(r"\W*(?:(?:sample|example)\s+)?output\s*#?\d*\W*", re.IGNORECASE)


class Call(NamedTuple):
    """A call of a function."""

    name: str
    given: str
    """Source of its arguments by place, as a tuple."""
    named: str
    """Source of its arguments by name, such as ``, k=2``."""


class Typed(NamedTuple):
    """What a program reads as its standard input."""

    text: str


CodeInput = Call | Typed


class Function(NamedTuple):
    """A function that programs define."""

    name: str
    signature: str
    """Its name and those of its parameters, which are identifiers and nothing else."""


def examples(question: str) -> list[CodeInput]:
    """The inputs of the tests that a question shows, each once and in their order; the results that it names are left out.

    Lines that begin with ``assert`` or ``>>>`` and call a function with plain values; else the lines between the headings
    "Input" and "Output" below the word "example" or "sample".
    """
    calls = (call for line in _TEST.findall(question) for call in _calls(line.strip(" \t\r`")))
    return list(dict.fromkeys(calls)) or list(dict.fromkeys(_typed(question.splitlines())))


def read_inputs(text: str, function: Function | None, most: int) -> list[CodeInput]:
    """The first inputs, each once, of a reply that is asked for a JSON array of texts; none where there is no such array.

    Each is a call of ``function`` (by whatever name), or, without one, a text to be typed.
    """
    answer = extract(text, AnswerKind.JSON)
    found = json.loads(answer.value) if answer is not None else None
    texts = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    if function is None:
        inputs: list[CodeInput] = [Typed(each) for each in texts if len(each) <= _LONGEST]
    else:
        inputs = [call._replace(name=function.name) for each in texts for call in _calls(each, whole=True)]
    return list(dict.fromkeys(inputs))[:most]


def most_read_input(programs: Sequence[str]) -> bool:
    """Whether most of the programs mention their standard input."""
    return 2 * sum(_reads_input(_parsed(program)) for program in programs) > len(programs)


def common_function(programs: Sequence[str], question: str) -> Function | None:
    """The function that most programs define, of those that the question names where it names any; the first among equals.

    None where no program defines a function.
    """
    functions = [_functions(_parsed(program)) for program in programs]
    counts = Counter(name for own in functions for name in {function.name for function in own})
    first = {function.name: function for own in reversed(functions) for function in reversed(own)}
    known = [name for name in first if re.search(rf"\b{name}\b", question)] or list(first)
    order = [function.name for own in functions for function in own]
    best = max(known, key=lambda name: (counts[name], -order.index(name)), default=None)
    return None if best is None else first[best]


def defined(program: str) -> list[str]:
    """Names of the functions that a program defines at its top level; none for what is no Python."""
    return [function.name for function in _functions(_parsed(program))]


def _calls(line: str, *, whole: bool = False) -> Iterator[Call]:
    """The calls with plain values that a line holds, or is as a ``whole``, but for calls of built-in functions."""
    tree = _parsed(line) if len(line) <= _LONGEST else ast.Module([], [])
    nodes: Iterator[ast.AST] = ast.walk(tree)
    if whole:
        nodes = iter([statement.value for statement in tree.body if isinstance(statement, ast.Expr)][:1])
    for node in nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not hasattr(builtins, node.func.id):
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            if all(keyword.arg for keyword in node.keywords) and all(map(_plain, values)):
                given = "".join(f"{ast.unparse(each)}, " for each in node.args)
                named = "".join(f", {each.arg}={ast.unparse(each.value)}" for each in node.keywords)
                yield Call(node.func.id, f"({given})", named)


def _typed(lines: Sequence[str]) -> Iterator[Typed]:
    """What stands between headings: a heading "Input" before the examples begins a description."""
    begun = next((number for number, line in enumerate(lines) if _EXAMPLES.fullmatch(line)), len(lines))
    held: list[str] | None = None
    for line in lines[begun:]:
        if _OUTPUT.fullmatch(line):
            if held is not None and any(map(str.strip, held)):
                yield Typed("\n".join(held).strip("\n") + "\n")
            held = None
        elif _INPUT.fullmatch(line):
            held = []
        elif held is not None and not line.strip().startswith("```"):
            held.append(line)


def _parsed(program: str) -> ast.Module:
    """The syntax tree; an empty one for what is no Python."""
    try:
        return ast.parse(program)
    except _UNREADABLE:
        return ast.Module([], [])


def _functions(tree: ast.Module) -> list[Function]:
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [Function(node.name, f"{node.name}({', '.join(_parameters(node.args))})") for node in found]


def _parameters(given: ast.arguments) -> list[str]:
    return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def _reads_input(tree: ast.Module) -> bool:
    """Whether it mentions its standard input anywhere."""
    return any(
        (isinstance(node, ast.Name) and node.id in {"input", "stdin"})
        or (isinstance(node, ast.Attribute) and node.attr == "stdin")
        for node in ast.walk(tree)
    )


def _plain(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (*_UNREADABLE, TypeError):
        return False
    return True
