"""The conformance suite for tools: a sound one passes, and each check finds what it is there to find."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel, Field

from symposia.core.base import Frozen
from symposia.core.tooling import ToolContext
from symposia.testing.conformance import Broken
from symposia.testing.conformance_tool import tool_conformance
from symposia.tools.context import Permitted
from symposia.tools.tool import TOOLS, Tool, ToolError, ToolResult

EXAMPLES = [{"a": 1, "b": 2}, {"a": 5, "b": 5}]


class Sum(Frozen):
    """Arguments of ``add``."""

    a: float = Field(description="One number.")
    b: float = Field(description="The other.")


class Bare(Frozen):
    """Arguments without descriptions."""

    a: float
    b: float


class Loose(BaseModel):
    """Takes anything."""

    a: float = Field(description="One number.")
    b: float = Field(description="The other.")


async def add(arguments: Sum, context: ToolContext) -> Any:
    await asyncio.sleep(0)
    return {"sum": arguments.a + arguments.b}


async def no_json(arguments: Sum, context: ToolContext) -> Any:
    return {arguments.a, arguments.b}


async def fails(arguments: Sum, context: ToolContext) -> Any:
    raise ToolError("not today")


def one_at_a_time() -> Any:
    busy = False

    async def work(arguments: Sum, context: ToolContext) -> Any:
        nonlocal busy
        if busy:
            raise ToolError("busy")
        busy = True
        await asyncio.sleep(0)
        busy = False

    return work


class Raising(Tool[Any]):
    """Lets mistakes of the caller out."""

    async def call(self, arguments: Any, context: ToolContext | None = None) -> ToolResult:
        return ToolResult(output=await self.work(self._read(arguments), Permitted(context, self.name, frozenset(), ())))


class Proud(Tool[Any]):
    """Reads no text."""

    async def call(self, arguments: Any, context: ToolContext | None = None) -> ToolResult:
        return ToolResult(error="I take no text") if isinstance(arguments, str) else await super().call(arguments)


def tool(kind: type[Tool[Any]] = Tool, **changes: Any) -> Tool[Any]:
    return kind(**({"name": "add", "description": "Adds two numbers.", "arguments": Sum, "work": add} | changes))


BROKEN: dict[str, tuple[str, Tool[Any], str]] = {
    "name": ("card", tool(name="add numbers"), "no name that model APIs take"),
    "purpose": ("card", tool(description=""), "not one sentence"),
    "bare": ("card", tool(arguments=Bare), "without a description: a, b"),
    "loose": ("card", tool(arguments=Loose), "in silence"),
    "fails": ("examples", tool(work=fails), "gave the error 'not today'"),
    "no JSON": ("examples", tool(work=no_json), "not JSON"),
    "no text": ("text", tool(Proud), "I take no text"),
    "raises": ("mistakes", tool(Raising), "not JSON"),
    "entangled": ("together", tool(work=one_at_a_time()), "beside others"),
}


def test_the_sound_one_passes() -> None:
    found = tool_conformance(tool(), EXAMPLES)
    for check in found:
        check()
    assert {str(check) for check in found} == {name for name, _, _ in BROKEN.values()}


@pytest.mark.parametrize("what", BROKEN)
def test_each_check_finds_what_is_broken(what: str) -> None:
    name, broken, said = BROKEN[what]
    (check,) = [check for check in tool_conformance(broken, EXAMPLES) if str(check) == name]
    with pytest.raises(Broken, match=said):
        check()


def test_a_suite_without_examples_is_refused() -> None:
    with pytest.raises(Broken, match="at least one example"):
        tool_conformance(tool(), [])


def test_every_registered_tool_is_tried() -> None:
    assert TOOLS.names() == [], "try our own tools here once there are some"
