"""A tool reads what a model wrote; whatever is wrong with it is a sentence that the model gets back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import Field

from symposia.core.base import Frozen
from symposia.core.errors import UnknownNameError
from symposia.core.tooling import Permission, ToolContext
from symposia.tools.tool import TOOLS, Given, Tool, ToolError, ToolResult


class Division(Frozen):
    """Arguments of ``divide``."""

    dividend: float = Field(description="The number to be divided.")
    divisor: float = 1.0


async def divide(arguments: Division, context: ToolContext) -> Any:
    await asyncio.sleep(0)
    if arguments.divisor == 0:
        raise ToolError("nothing can be divided by zero")
    return {"quotient": arguments.dividend / arguments.divisor}


DIVIDE = Tool(name="divide", description="Divides two numbers.", arguments=Division, work=divide)


@pytest.mark.parametrize("arguments", [{"dividend": 6, "divisor": 4}, '{"dividend": 6, "divisor": 4}', {"dividend": "1.5"}])
async def test_arguments_are_read_as_a_mapping_or_as_the_text_a_model_wrote(arguments: Any) -> None:
    assert await DIVIDE.call(arguments) == ToolResult(output={"quotient": 1.5})


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ('{"dividend": 6', "the arguments of divide are not JSON: "),
        ("[6, 4]", "the arguments of divide are no JSON object"),
        ("", "argument dividend of tool divide is missing"),
        ({"dividend": "six"}, "argument dividend='six' of tool divide cannot be used: input should be a valid number"),
        ({"dividend": 6, "divisr": 2}, "unknown argument 'divisr' in tool divide (did you mean 'divisor'?)"),
        ({"dividend": 6, "divisor": 0}, "nothing can be divided by zero"),
    ],
)
async def test_what_is_wrong_is_one_sentence(arguments: Any, error: str) -> None:
    result = await DIVIDE.call(arguments)
    assert result.output is None
    assert (result.error or "").startswith(error)
    assert "\n" not in (result.error or "")


async def test_a_tool_with_an_error_of_its_own_does_not_hide_it() -> None:
    async def broken(arguments: Division, context: ToolContext) -> Any:
        raise RuntimeError("a mistake in the tool")

    tool = Tool(name="broken", description="Breaks.", arguments=Division, work=broken)
    with pytest.raises(RuntimeError, match="a mistake in the tool"):
        await tool.call({"dividend": 1})


async def test_a_tool_gets_what_it_declares_and_nothing_else() -> None:
    async def curious(arguments: Division, context: ToolContext) -> Any:
        return (await context.execute("1 + 1")).value

    bare = Tool(name="curious", description="Runs code.", arguments=Division, work=curious)
    open_to_it = Tool(
        name="curious", description="Runs code.", arguments=Division, work=curious, permissions=frozenset({Permission.SANDBOX})
    )
    assert "does not declare it" in ((await bare.call({"dividend": 1})).error or "")
    assert "only in a session" in ((await open_to_it.call({"dividend": 1})).error or "")


async def test_a_secret_that_was_not_declared_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def thief(arguments: Division, context: ToolContext) -> Any:
        return context.secret("HOME")

    tool = Tool(name="thief", description="Reads a secret.", arguments=Division, work=thief, keys=("OTHER_KEY",))
    assert (await tool.call({"dividend": 1})).error == "tool thief may not read HOME"


async def test_a_call_that_takes_too_long_is_an_error() -> None:
    async def slow(arguments: Division, context: ToolContext) -> Any:
        await asyncio.sleep(60)

    tool = Tool(name="slow", description="Sleeps.", arguments=Division, work=slow, timeout=0.01)
    assert (await tool.call({"dividend": 1})).error == "tool slow gave no result within 0.01 seconds"


def test_a_model_is_told_name_purpose_and_arguments() -> None:
    spec = DIVIDE.spec
    assert (spec.name, spec.description) == ("divide", "Divides two numbers.")
    assert spec.parameters["required"] == ["dividend"]
    assert spec.parameters["properties"]["dividend"]["description"] == "The number to be divided."
    assert spec.parameters["additionalProperties"] is False
    json.dumps(spec.parameters)


def test_a_schema_of_somebody_else_passes_as_it_is() -> None:
    async def echo(given: Given, context: ToolContext) -> Any:
        return given.values

    schema = {"type": "object", "properties": {"values": {"type": "string"}}, "additionalProperties": True}
    tool = Tool(name="echo", description="Echoes.", arguments=Given, work=echo, schema=schema)
    assert tool.spec.parameters == schema
    assert asyncio.run(tool.call('{"values": 1, "x": [null]}')).output == {"values": 1, "x": [None]}
    assert "no JSON object" in str(asyncio.run(tool.call("[]")).error)


class Scale(Frozen):
    """Settings of ``scaled``."""

    factor: float = 2.0
    offset: float = 0.0


def scaled(settings: Scale) -> Tool[Division]:
    async def work(arguments: Division, context: ToolContext) -> Any:
        return arguments.dividend * settings.factor + settings.offset

    return Tool(
        name="scaled",
        description="Scales.",
        arguments=Division,
        work=work,
        settings=settings,
        rebuild=scaled,
        keys=("A_KEY", "B_KEY"),
    )


async def test_settings_make_the_tool_anew_and_keep_what_was_set_before() -> None:
    tool = scaled(Scale()).configured({"factor": 10}).configured({"offset": "1"})
    assert (await tool.call({"dividend": 4})).output == 41
    assert tool.settings == Scale(factor=10, offset=1)
    with pytest.raises(UnknownNameError, match=r"unknown setting 'factr' in tool scaled .did you mean 'factor'"):
        tool.configured({"factr": 1})
    with pytest.raises(UnknownNameError, match="unknown setting 'x' in tool divide"):
        DIVIDE.configured({"x": 1})
    assert DIVIDE.configured({}) is DIVIDE


def test_missing_keys_are_all_of_them_or_any() -> None:
    every = scaled(Scale())
    any_of = replace(every, any_key=True)
    assert every.missing_keys({"A_KEY": "a", "B_KEY": ""}) == ("B_KEY",)
    assert every.missing_keys({"A_KEY": "a", "B_KEY": "b"}) == ()
    assert any_of.missing_keys({"B_KEY": "b"}) == ()
    assert any_of.missing_keys({}) == ("A_KEY", "B_KEY")
    assert replace(DIVIDE, any_key=True).missing_keys({}) == ()


def test_tools_are_found_by_name() -> None:
    with TOOLS.having("divide", DIVIDE):
        assert TOOLS.get("divide") is DIVIDE
        assert "divide" in TOOLS.names()
        with pytest.raises(UnknownNameError, match="did you mean 'divide'"):
            TOOLS.get("divde")
    assert "divide" not in TOOLS.names()
