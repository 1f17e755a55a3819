"""The conformance suite for tools."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import UsageError
from ..core.tooling import ToolContext
from ..tools.tool import Tool, ToolResult
from .conformance import Broken, Check, checks, expect, expect_sentence

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What model APIs take as the name of a function."""


def tool_conformance(
    tool: Tool[Any], examples: Sequence[Mapping[str, Any]], *, context: ToolContext | None = None
) -> list[Check]:
    """What every tool must keep to, each point a check.

    Args:
        tool: what is tried.
        examples: arguments that it can work with, at least one.
        context: what it works with, such as a ``ScriptedContext``; None for a tool that declares no permission.
    """
    expect(examples, "a tool is tried with at least one example of its arguments")
    rules = _ToolRules(tool, examples, context)
    return checks(tool.name, [getattr(rules, name) for name in vars(_ToolRules) if not name.startswith("_")])


class _ToolRules:
    """Each public method is a check; its docstring's first line is the rule."""

    def __init__(self, tool: Tool[Any], examples: Sequence[Mapping[str, Any]], context: ToolContext | None) -> None:
        self._tool = tool
        self._examples = examples
        self._context = context

    async def _call(self, arguments: str | Mapping[str, Any]) -> ToolResult:
        return await self._tool.call(arguments, self._context)

    async def card(self) -> None:
        """A model can be told of it: name, purpose, and a schema that explains every argument."""
        spec = self._tool.spec
        expect(_NAME.fullmatch(spec.name), f"{spec.name!r} is no name that model APIs take")
        expect_sentence(spec.description.split("\n")[0], "description's first line")
        json.dumps(spec.parameters)
        arguments = spec.parameters.get("properties", {})
        bare = [name for name, schema in arguments.items() if not schema.get("description")]
        expect(not bare, f"arguments without a description: {', '.join(bare)}")
        expect(spec.parameters.get("additionalProperties") is False, "it takes unknown arguments in silence")

    async def examples(self) -> None:
        """It works: every example gives an output that is JSON."""
        for example in self._examples:
            result = await self._call(example)
            expect(result.error is None, f"{dict(example)} gave the error {result.error!r}")
            expect(
                ToolResult.model_validate_json(result.model_dump_json()) == result, f"its output is not JSON: {result.output!r}"
            )

    async def text(self) -> None:
        """It reads arguments as a model writes them, as JSON text."""
        for example in self._examples:
            result = await self._call(json.dumps(dict(example)))
            expect(result.error is None, f"the text of {dict(example)} gave the error {result.error!r}")

    async def mistakes(self) -> None:
        """Arguments that cannot be read are a sentence for the model, never an exception."""
        good = dict(self._examples[0])
        required = self._tool.spec.parameters.get("required", [])
        wrong: list[Any] = ['{"', "[]", good | {"no_such_argument": 1}]
        wrong += [{name: value for name, value in good.items() if name != missing} for missing in required]
        for arguments in wrong:
            result = await self._call(arguments)
            expect(result.error and "\n" not in result.error, f"{arguments!r} gave {result.error!r} instead of a sentence")

    async def permissions(self) -> None:
        """It reaches nothing that it does not declare: without a session it works, or says what it needs."""
        result = await self._tool.call(self._examples[0])
        expect(result.error is None or self._tool.permissions, f"it declares no permission, and alone it gave {result.error!r}")
        expect(result.error is None or "\n" not in result.error, f"alone it gave {result.error!r} instead of a sentence")

    async def settings(self) -> None:
        """Settings are a frozen value, unknown ones are refused, and with those it has it is the same to a model."""
        kind = type(self._tool.settings)
        expect(kind.model_config.get("frozen") and kind.model_config.get("extra") == "forbid", f"{kind.__name__} is not frozen")
        expect(self._tool.configured({}).spec == self._tool.spec, "set to what it is set to, it is another tool")
        try:
            self._tool.configured({"no_such_setting": 1})
        except UsageError:
            return
        raise Broken("it takes unknown settings in silence")

    async def together(self) -> None:
        """Calls at the same time know nothing of each other."""
        alone = [await self._call(example) for example in self._examples]
        together = await asyncio.gather(*(self._call(example) for example in [*self._examples, *self._examples]))
        for before, after in zip(alone * 2, together, strict=True):
            expect((before.error is None) == (after.error is None), f"alone {before}, beside others {after}")
