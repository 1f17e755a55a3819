"""Runs a snippet in this process and says in bytes what came of it. The process is there for this alone."""

from __future__ import annotations

import ast
import builtins
import json
import sys
import traceback
from typing import Any

from .endings import ending_of
from .values import ValueTooLargeError, to_json

_NAME = "<snippet>"
_MOST_MESSAGE = 500


def run(code: str, inputs: dict[str, Any], home: str) -> bytes:
    """Run ``code`` with ``inputs`` as globals.

    Returns two lines of JSON: ending and error of the execution, and the value of the last expression.
    """
    space = {"__name__": "__main__", "__builtins__": builtins, **inputs}
    try:
        text = to_json(_value(code, space))
        _finish()
    except ValueTooLargeError:
        return _report("error", "its value is too large to be given back")
    except SystemExit as error:
        if error.code in {None, 0}:
            _finish()
            return _report("ok", None)
        return _report("error", _sentence(error))
    except BaseException as error:  # noqa: BLE001 - whatever it raises is what came of it
        ending, said = ending_of(error, home), _sentence(error)
        error.__traceback__ = None  # lets go of what the code held: there may be no memory left to say so
        space.clear()
        return _report(ending, said)
    return _report("ok", None, text)


def open_output() -> None:
    """Write by lines from now on, so that what was written before the process is ended is not lost with its buffers."""
    sys.stdin = open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115


def _value(code: str, space: dict[str, Any]) -> object:
    """Run it all; the value of the last statement where that is an expression, else None."""
    tree = ast.parse(code, _NAME)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, _NAME, "exec"), space)  # noqa: S102 - what a sandbox is for
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), _NAME, "eval"), space)  # noqa: S307 - as above


def _finish() -> None:
    """As a program ends: its threads first, then what it wrote."""
    if threading := sys.modules.get("threading"):  # not loaded for everybody, because it has much to do after a fork
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
    sys.stdout.flush()
    sys.stderr.flush()


def _sentence(error: BaseException) -> str:
    try:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # noqa: BLE001 - its own __str__ is code of the snippet too
        message = ""
    line = _line(error)
    place = f" (line {line})" if line else ""
    return f"{type(error).__name__}{': ' if message else ''}{message[:_MOST_MESSAGE]}{place}"


def _line(error: BaseException) -> int | None:
    """The line of the snippet that it came from, the innermost where it came through several."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == _NAME]
    if not lines and isinstance(error, SyntaxError):
        return error.lineno
    return lines[-1] if lines else None


def _report(ending: str, error: str | None, value: str = "null") -> bytes:
    return f"{json.dumps({'ending': ending, 'error': error})}\n{value}".encode()
