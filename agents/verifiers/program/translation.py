"""One translation of a solution into a program: written, run, and written once more where it cannot be used."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ....core.calls import Choice, FinishReason
from ....core.candidate import Answer
from ....core.problem import AnswerKind
from ....core.sandbox import Execution
from ...programs import find_program, read_value, what_is_wrong, with_value
from ...quoted import as_data, fill
from ..dialogues import Dialogue
from ..executed import evidence

_STATES = frozenset({"print", "int", "float", "str", "round", "Fraction", "Decimal", "Integer", "Rational", "sympify"})
"""Functions that only write a value down in another way."""
_WORK = (ast.BinOp, ast.AugAssign, ast.Compare, ast.comprehension, ast.For, ast.While)


@dataclass
class Translation(Dialogue):
    """See the module's docstring."""

    kind: AnswerKind
    """Of the solution's answer."""
    sampling: Mapping[str, Any]
    """Further fields of every request."""
    again: str
    """What a further attempt is asked for with; ``{error}`` is what went wrong."""
    repairs: int
    """Further attempts that are left."""
    answer: Answer | None = field(default=None, init=False)
    """What the program computed. None where it cannot be used, once it is done."""
    agrees: bool | None = field(default=None, init=False)
    """Whether that is the solution's answer; set by whoever compares them."""

    @property
    def request(self) -> dict[str, Any]:
        """See :class:`Dialogue`."""
        return {**self.sampling, "messages": self.messages}

    def hear(self, choice: Choice) -> None:
        """See :class:`Dialogue`."""
        self.note(choice.text)
        cut = choice.finish_reason is FinishReason.LENGTH
        program = None if cut else find_program(choice.text)
        if program is None:
            self._retry("the reply was cut off" if cut else what_is_wrong(None, None, self.kind))
        elif not computes(program):
            self._retry("the program computes nothing: it only states a value, where each result must be computed")
        else:
            self.program = with_value(program)

    def show(self, program: str, execution: Execution) -> None:
        """See :class:`Dialogue`."""
        self.checks.append(evidence(program, execution))
        self.answer = read_value(execution, self.kind)
        if self.answer is None:
            self._retry(what_is_wrong(program, execution, self.kind))
        else:
            self.done = True

    def _retry(self, error: str) -> None:
        if self.repairs:
            self.repairs -= 1
            self.ask(fill(self.again, error=as_data(error)))
        else:
            self.fail(error)


def computes(program: str) -> bool:
    """Whether a program does anything but state values; True for what is no Python, which fails by itself when it is run."""
    try:
        tree = ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(isinstance(node, _WORK) or (isinstance(node, ast.Call) and not _states(node.func)) for node in ast.walk(tree))


def readings(answer: Answer) -> tuple[Answer, ...]:
    """``answer``, and what a program may mean by it: of a percentage the share too, 0.5 of 50 %."""
    if answer.unit != "%":
        return (answer,)
    try:
        share = Fraction(answer.value) / 100
    except (ValueError, ZeroDivisionError):
        return (answer,)
    return (answer, answer.model_copy(update={"value": str(share), "unit": None}))


def _states(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    return name in _STATES
