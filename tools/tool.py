"""What a tool is: a name, a description, arguments with a schema, and something done with them.

Arguments come from a model, so they are never trusted: they are read into the tool's own arguments class, and what cannot be
read is an error in one sentence, given back to the model as any other result. A tool's call may differ a second time: whoever
makes it in a run does so through :meth:`core.protocols.Scope.effect`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..core.base import Frozen
from ..core.calls import ToolSpec
from ..core.errors import UsageError
from ..core.options import read_options
from ..core.registry import Registry

ArgumentsT = TypeVar("ArgumentsT", bound=Frozen)


class ToolError(Exception):
    """Raised by a tool's work where it cannot do what it was asked; one sentence for the model that asked."""


class ToolResult(Frozen):
    """What came of a call: an output, or an error in one sentence. Both are JSON."""

    output: Any = None
    error: str | None = None


@dataclass(frozen=True)
class Tool(Generic[ArgumentsT]):
    """A registry entry."""

    name: str
    description: str
    """What it does and when to use it, for the model."""
    arguments: type[ArgumentsT]
    """A frozen pydantic model; its fields and their descriptions are what the model is told of the arguments."""
    work: Callable[[ArgumentsT], Awaitable[Any]]
    """Does it and returns JSON; raises :class:`ToolError` where it cannot."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as offered to a model."""
        return ToolSpec(name=self.name, description=self.description, parameters=self.arguments.model_json_schema())

    async def call(self, arguments: str | Mapping[str, Any]) -> ToolResult:
        """Call it with arguments, or with the JSON text of arguments that a model wrote.

        Arguments that cannot be read and work that cannot be done are results with an error.
        """
        try:
            return ToolResult(output=await self.work(self._read(arguments)))
        except (ToolError, UsageError) as error:
            return ToolResult(error=str(error))

    def _read(self, arguments: str | Mapping[str, Any]) -> ArgumentsT:
        given = arguments
        if isinstance(given, str):
            try:
                given = json.loads(given or "{}")
            except ValueError as error:
                raise ToolError(f"the arguments of {self.name} are not JSON: {error}") from None
        if not isinstance(given, Mapping):
            raise ToolError(f"the arguments of {self.name} are no JSON object")
        return read_options(self.arguments, given, f"tool {self.name}", what="argument")


TOOLS: Registry[Tool[Any]] = Registry("symposia.tools", "tool", Tool)
"""Tools by name: those of every installed package."""
