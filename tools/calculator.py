"""``calculator``: the exact value of an expression."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.tooling import ToolContext
from .arithmetic import MAX_CHARS, decimal, evaluate, written
from .functions import FUNCTIONS, ArithmeticProblem, Number
from .tool import Tool, ToolError


class Calculation(Frozen):
    """Arguments of ``calculator``."""

    expression: str = Field(
        max_length=MAX_CHARS,
        description="The expression to compute, in numbers, operations, functions and parentheses, without words.",
    )


async def _calculate(arguments: Calculation, _context: ToolContext) -> dict[str, Any]:
    try:
        return shown(evaluate(arguments.expression))
    except ArithmeticProblem as problem:
        raise ToolError(f"{arguments.expression!r} cannot be computed: {problem}") from None


def shown(value: Number) -> dict[str, Any]:
    """A value for a model to read: as a fraction where it is exact, and as a decimal of 12 digits."""
    return {"value": written(value), "decimal": decimal(value), "exact": not isinstance(value, float)}


TOOL = Tool(
    name="calculator",
    description=(
        "Computes an arithmetic expression of numbers, never of dates, exactly where that is possible.\n"
        f"Operations + - * / // % ** ! and the functions {', '.join(FUNCTIONS)}; angles are in radians."
    ),
    arguments=Calculation,
    work=_calculate,
)
