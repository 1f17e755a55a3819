"""Whether a tool that was written at run time may be kept: what its text must be, and what its tests must show. Pure functions.

A tool is admitted where its name, description and schema are bounded and fit its function, and each of its tests passes in the
sandbox twice. The tests come from whoever wrote the tool, so that they cannot show that it is right: only that it does what its
author says, the same each time. They must be able to fail, which is why one value for everything may not pass them.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Sequence
from typing import Any

from ..core.errors import ToolRefusedError
from ..core.sandbox import Ending, Execution, Limits
from ..core.written import ToolDraft, ToolTest
from .schemas import is_one_line, mismatch, schema_problem
from .text import shortened

FUNCTION = "run"
LIMITS = Limits(seconds=5.0)
"""Of each call, in tests and afterwards."""
NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
"""No name of an MCP server's tool, which has ``__``, fits it."""
MAX_NAME = 48
MAX_DESCRIPTION = 300
MAX_SOURCE = 20_000
MAX_TESTS = 16
_MIN_TESTS = 2
_MAX_TEST = 4_000
"""Characters of a test's JSON."""
_RUNS = 2
"""Of each test: what differs a second time is no tool that a run can rely on."""
_RESERVED = {"sandbox"}
"""Names that events give to other things."""
_RAISED = frozenset(
    "ArithmeticError IndexError KeyError LookupError OverflowError TypeError ValueError ZeroDivisionError".split()  # noqa: SIM905
)
"""What a test may expect. A name that is not defined, say, is a mistake in any tool."""


def require_sound(draft: ToolDraft) -> None:
    """Raise :class:`ToolRefusedError` for what is wrong with a draft before any of it is run."""
    problem = (
        _text_problem(draft)
        or schema_problem(draft.parameters)
        or _source_problem(draft)
        or next(filter(None, (_test_problem(draft, test, number) for number, test in enumerate(draft.tests, 1))), None)
        or _tests_problem(draft.tests)
    )
    if problem is not None:
        raise _refused(draft, problem)


def call_of(draft: ToolDraft, arguments: dict[str, Any]) -> str:
    """The program that calls a tool: its source, and the call as its last expression. Arguments are JSON, so that their
    ``repr`` is a literal.
    """
    return f"{draft.source}\n\n{FUNCTION}(**{arguments!r})"


def trials(draft: ToolDraft) -> list[str]:
    """The programs that try a draft: every test, as often as it must pass."""
    return [call_of(draft, test.arguments) for test in draft.tests for _ in range(_RUNS)]


def require_passed(draft: ToolDraft, executions: Sequence[Execution]) -> None:
    """Raise :class:`ToolRefusedError` naming the first test that failed.

    ``executions`` are those of :func:`trials`, or the first of them up to one that fails.
    """
    for number, test in enumerate(draft.tests, 1):
        mine = executions[(number - 1) * _RUNS : number * _RUNS]
        for execution in mine:
            failure = failure_of(test, execution)
            if failure is not None:
                raise _refused(draft, f"test {number}, {_shown(test)}, {failure}")
        if any(not agrees(one.value, mine[0].value) for one in mine):
            raise _refused(draft, f"test {number}, {_shown(test)}, does not give the same twice")


def failure_of(test: ToolTest, execution: Execution) -> str | None:
    """Why an execution does not pass a test, as a clause; None where it does."""
    if test.raises is not None:
        raised = (execution.error or "").partition(":")[0].partition(" ")[0]
        if execution.ending is Ending.ERROR and raised == test.raises:
            return None
        return f"should raise {test.raises} and {said(execution)}"
    if execution.ok and agrees(execution.value, test.expected):
        return None
    return f"should give {shortened(json.dumps(test.expected))} and {said(execution)}"


def said(execution: Execution) -> str:
    """What came of an execution, as a clause."""
    if execution.ok:
        return f"gave {shortened(json.dumps(execution.value))}"
    if execution.ending is Ending.ERROR and execution.error:
        return f"raised {shortened(execution.error)}"
    return f"was ended ({execution.ending}){f': {shortened(execution.error)}' if execution.error else ''}"


def agrees(found: Any, expected: Any) -> bool:
    """Whether two JSON values are the same. Numbers may differ in their last digits; no truth value is a number."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return found == expected or math.isclose(found, expected, rel_tol=1e-9)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(agrees, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(agrees(found[key], expected[key]) for key in found)
    return type(found) is type(expected) and bool(found == expected)


def _text_problem(draft: ToolDraft) -> str | None:
    if not NAME.fullmatch(draft.name) or len(draft.name) > MAX_NAME or draft.name in _RESERVED:
        return f"its name must be at most {MAX_NAME} small letters, digits and single dashes, such as unit-price"
    if not is_one_line(draft.description, MAX_DESCRIPTION):
        return f"its description must be one line of at most {MAX_DESCRIPTION} characters"
    if len(draft.source) > MAX_SOURCE:
        return f"its source is longer than {MAX_SOURCE:,} characters"
    return None


def _source_problem(draft: ToolDraft) -> str | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # that an escape is odd is no business of whoever looks on
            tree = ast.parse(draft.source)
    except SyntaxError as error:
        return f"its source is no Python: {shortened(error.msg)} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError):
        return "its source is no Python"
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == FUNCTION]
    if not defined:
        return f"its source defines no function {FUNCTION}"
    return _signature_problem(defined[-1].args, draft)


def _signature_problem(given: ast.arguments, draft: ToolDraft) -> str | None:
    if given.posonlyargs or given.vararg or given.kwarg:
        return f"{FUNCTION} must take its arguments by name, each of its own"
    optional = [name.arg for name in given.args[len(given.args) - len(given.defaults) :]]
    optional += [name.arg for name, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is not None]
    names = {name.arg for name in (*given.args, *given.kwonlyargs)}
    told = set(draft.parameters.get("properties", {}))
    if names != told:
        return f"{FUNCTION} takes {_listed(names)} and its schema says {_listed(told)}"
    missing = names - set(optional) - set(draft.parameters.get("required", ()))
    return f"its schema does not say that {_listed(missing)} must be given, and {FUNCTION} has no default" if missing else None


def _test_problem(draft: ToolDraft, test: ToolTest, number: int) -> str | None:
    try:
        size = len(json.dumps(test.model_dump(), allow_nan=False))
    except (ValueError, RecursionError):
        return f"test {number} is no JSON"
    if size > _MAX_TEST:
        return f"test {number} is longer than {_MAX_TEST:,} characters"
    if test.raises is None and test.expected is None:
        return f"test {number} expects nothing, which a function that does nothing gives too"
    if test.raises is not None and test.raises not in _RAISED:
        return f"test {number} expects {shortened(test.raises)}; only {', '.join(sorted(_RAISED))} can be expected"
    problem = mismatch(test.arguments, draft.parameters)
    return f"test {number} does not fit the schema: {problem}" if problem else None


def _tests_problem(tests: Sequence[ToolTest]) -> str | None:
    if not _MIN_TESTS <= len(tests) <= MAX_TESTS:
        return f"it needs {_MIN_TESTS} to {MAX_TESTS} tests and has {len(tests)}"
    if all(test.raises is not None for test in tests):
        return "all of its tests expect an exception: at least one must expect a value"
    first = tests[0]
    if all((test.raises, test.raises or test.expected) == (first.raises, first.raises or first.expected) for test in tests):
        return "all of its tests expect the same, so that a function which always gives that would pass"
    return None


def _refused(draft: ToolDraft, problem: str) -> ToolRefusedError:
    return ToolRefusedError(f"the tool {shortened(draft.name, MAX_NAME)!r} is not admitted: {problem}")


def _shown(test: ToolTest) -> str:
    return shortened(f"{FUNCTION}(**{json.dumps(test.arguments)})")


def _listed(names: set[str]) -> str:
    return ", ".join(map(shortened, sorted(names))) or "no arguments"
