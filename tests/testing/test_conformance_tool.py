"""The conformance suite for tools: a sound one passes, and each check finds what it is there to find."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from symposia.core.base import Frozen
from symposia.core.retrieval import Document, Hit
from symposia.core.sandbox import Ending, Execution
from symposia.core.tooling import ToolContext, WebReply, WebRequest
from symposia.testing.conformance import Broken
from symposia.testing.conformance_tool import tool_conformance
from symposia.testing.tool_context import ScriptedContext
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


async def wants_the_web(arguments: Sum, context: ToolContext) -> Any:
    return (await context.fetch(WebRequest(url="https://example.org"))).text


class LooseSettings(Frozen):
    """Takes anything."""

    model_config = ConfigDict(extra="allow")


class Deaf(Tool[Any]):
    """Hears of no setting."""

    def configured(self, options: Any) -> Tool[Any]:
        return self


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
    "greedy": ("permissions", tool(work=wants_the_web), "declares no permission"),
    "loose settings": ("settings", tool(settings=LooseSettings()), "is not frozen"),
    "another": ("settings", tool(rebuild=lambda _: tool(name="other")), "another tool"),
    "deaf": ("settings", Deaf(**vars(tool())), "unknown settings in silence"),
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


def told(value: Any) -> ScriptedContext:
    """A sandbox in which every program comes to ``value``."""
    return ScriptedContext(execute=lambda _: Execution(ending=Ending.OK, value=value))


def replying(replies: dict[str, Any], **environ: str) -> ScriptedContext:
    """A web in which an address that holds a word gives a reply."""

    def fetch(request: WebRequest) -> WebReply:
        found = next((reply for word, reply in replies.items() if word in request.url), None)
        return WebReply(status=404 if found is None else 200, headers={}, text=json.dumps(found))

    return ScriptedContext(fetch=fetch, environ=environ)


HIT = Hit(document=Document(id="1", text="A red fox.", title="Foxes"), score=0.5)
WIKI_PAGE = {"query": {"pages": [{"title": "Fox", "fullurl": "https://wiki.example/Fox", "extract": "A fox is an animal."}]}}
DAY = {"daily": {"time": ["2020-01-01"], "temperature_2m_max": [3.5]}, "daily_units": {"temperature_2m_max": "°C"}}
PLACE = {"results": [{"name": "Berlin", "latitude": 52.5, "longitude": 13.4}]}
SEARCHED = {"organic": [{"title": "Foxes", "link": "https://fox.example", "snippet": "Red."}]}

TRIALS: dict[str, tuple[list[dict[str, Any]], ScriptedContext | None]] = {
    "calculator": ([{"expression": "1,250 / 3"}, {"expression": "sqrt(2)"}], None),
    "calendar": ([{"function": "weekday", "date": "2024-02-29"}, {"function": "shift", "date": "2024-02-29", "days": -1}], None),
    "check-arithmetic": ([{"annotations": ["48/2=24"], "final": "24"}], None),
    "code-tests": ([{"program": "def f(): return 1", "tests": ["assert f() == 1"]}], told({"question": None, "problem": None})),
    "offline-search": ([{"query": "fox"}], ScriptedContext(search=lambda _: (HIT,))),
    "python": ([{"code": "6 * 7"}], told(42)),
    "translate": ([{"text": "a fox", "target": "de"}], ScriptedContext(complete=lambda _: "ein Fuchs")),
    "weather": ([{"place": "Berlin", "date": "2020-01-01"}], replying({"geocoding": PLACE, "archive": DAY})),
    "web-search": ([{"query": "fox"}], replying({"serper": SEARCHED}, SERPER_API_KEY="FAKE")),
    "wiki": ([{"query": "fox"}], replying({"wikipedia": WIKI_PAGE})),
}


@pytest.mark.parametrize(
    ("name", "check"),
    [(name, str(check)) for name in TRIALS for check in tool_conformance(tool(), EXAMPLES)],
)
def test_our_own_tools_pass(name: str, check: str) -> None:
    examples, context = TRIALS[name]
    (found,) = [one for one in tool_conformance(TOOLS.get(name), examples, context=context) if str(one) == check]
    found()


def test_every_registered_tool_is_tried() -> None:
    assert set(TOOLS.names()) == set(TRIALS)
