"""A program on an input: the code that is run for it, and what came of it as a text that equal behaviour makes equal. Pure."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from ..core.sandbox import Execution
from .code_inputs import Call, CodeInput, Typed, defined

_FUTURE = re.compile(r"^from __future__ import .*$", re.MULTILINE)
"""Has to come first, where ours stands."""
_CALLED = """
_symposia_given = {given}
_symposia_got = {name}(*_symposia_given{named})
if isinstance(_symposia_got, (set, frozenset)):
    _symposia_got = sorted([repr(item) for item in _symposia_got])
_symposia_got if _symposia_got is not None else list(_symposia_given)"""
"""A set is shown in order. What gives nothing back may have changed what it was given."""
_TYPED = """
_symposia_lines = {lines!r}
def input(prompt=""):
    if not _symposia_lines:
        raise EOFError("there is no further line")
    return _symposia_lines.pop(0)
"""
_STREAM = "import io, sys\nsys.stdin = io.StringIO({text!r})\n"


def code_for(program: str, given: CodeInput | None) -> str:
    """The code to run: ``program`` on an input, or as it is where there is none.

    Where a function is called, what the program does besides defining things is left out: demonstrations and tests of its own.
    One that gives its only function another name is called by that.
    """
    match given:
        case Call(name, arguments, named):
            own = defined(program)
            name = own[0] if len(own) == 1 else name
            return _definitions(program) + _CALLED.format(given=arguments, name=name, named=named)
        case Typed(text):
            stream = _STREAM.format(text=text) if "stdin" in program else ""  # not every sandbox has the modules for it
            return _TYPED.format(lines=text.splitlines()) + stream + _FUTURE.sub("", program)
        case None:
            return program


def behaviour(program: str, given: CodeInput | None, execution: Execution) -> str | None:
    """What a program did, equal for equal behaviour; None where it did not run to its end.

    A value counts where a function was called, and what was printed always, but for white space at the ends of lines. Numbers
    are compared by twelve digits. A program that was run as it is and showed nothing is like those of the same text alone.
    """
    if not execution.ok:
        return None
    printed = "\n".join(line.rstrip() for line in execution.stdout.splitlines()).rstrip("\n")
    if isinstance(given, Typed):
        return printed
    if given is None and not printed and execution.value is None:
        return program
    return json.dumps([_comparable(execution.value), printed], sort_keys=True)


def _definitions(program: str) -> str:
    """``program`` without the expressions at its top level and what it does only when it is run as one; itself if no Python."""
    try:
        tree = ast.parse(program)
        tree.body = [node for node in tree.body if not isinstance(node, ast.Expr | ast.Assert) and not _is_main(node)]
        return ast.unparse(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return program


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and any(isinstance(each, ast.Name) and each.id == "__name__" for each in ast.walk(node.test))


def _comparable(value: Any) -> Any:
    match value:
        case float():
            rounded = float(f"{value:.12g}")
            return int(rounded) if rounded.is_integer() else rounded
        case list():
            return [_comparable(each) for each in value]
        case dict():
            return {str(key): _comparable(each) for key, each in value.items()}
        case _:
            return value
