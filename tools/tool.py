"""What a tool is: a name, a description, arguments with a schema, and something done with them.

Arguments come from a model, so they are never trusted: they are read into the tool's own arguments class, and what cannot be
read is an error in one sentence, given back to the model as any other result. A tool's call may differ a second time: whoever
makes it in a run does so through :meth:`core.protocols.Scope.effect`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..core.base import Frozen
from ..core.calls import ToolSpec
from ..core.errors import UsageError
from ..core.options import read_options
from ..core.registry import Registry
from ..core.tooling import Permission, ToolContext
from .context import Permitted, ToolError

ArgumentsT = TypeVar("ArgumentsT", bound=Frozen)


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
    work: Callable[[ArgumentsT, ToolContext], Awaitable[Any]]
    """Does it and returns JSON; raises :class:`ToolError` where it cannot."""
    permissions: frozenset[Permission] = frozenset()
    """What it needs. Its context gives nothing else."""
    keys: tuple[str, ...] = ()
    """Environment variables without which it cannot work: API keys."""
    timeout: float = 30.0
    """Seconds, after which a call is an error."""
    dollars: float | None = 0.0
    """What a call costs beside model calls; None where nobody knows."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as offered to a model."""
        return ToolSpec(name=self.name, description=self.description, parameters=self.arguments.model_json_schema())

    async def call(self, arguments: str | Mapping[str, Any], context: ToolContext | None = None) -> ToolResult:
        """Call it with arguments, or with the JSON text of arguments that a model wrote.

        Arguments that cannot be read, work that cannot be done and a call that takes too long are results with an error.
        """
        permitted = Permitted(context, self.name, self.permissions, self.keys)
        try:
            async with asyncio.timeout(self.timeout):
                return ToolResult(output=await self.work(self._read(arguments), permitted))
        except (ToolError, UsageError) as error:
            return ToolResult(error=str(error))
        except TimeoutError:
            return ToolResult(error=f"tool {self.name} gave no result within {self.timeout:g} seconds")

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


__all__ = ["TOOLS", "Tool", "ToolError", "ToolResult"]

TOOLS: Registry[Tool[Any]] = Registry("symposia.tools", "tool", Tool)
"""Tools by name: those of every installed package."""
