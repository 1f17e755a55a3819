"""What a tool is: a name, a description, arguments with a schema, and something done with them.

Arguments come from a model, so they are never trusted: they are read into the tool's own arguments class, and what cannot be
read is an error in one sentence, given back to the model as any other result. A tool's call may differ a second time: whoever
makes it in a run does so through :meth:`core.protocols.Scope.call_tools`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..core.base import Frozen
from ..core.calls import ToolSpec
from ..core.errors import UsageError
from ..core.options import read_options
from ..core.registry import Registry
from ..core.tooling import Approval, Permission, ToolContext, ToolResult
from .context import Permitted, ToolError

ArgumentsT = TypeVar("ArgumentsT", bound=Frozen)


class Given(Frozen):
    """Arguments as the model wrote them, for a tool whose schema is somebody else's, who checks them."""

    values: dict[str, Any]


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
    any_key: bool = False
    """Whether one of ``keys`` is enough."""
    corpora: tuple[str, ...] = ()
    """Corpora of the store that it searches: a run is not granted it where one of them cannot be searched."""
    timeout: float = 30.0
    """Seconds, after which a call is an error."""
    dollars: float | None = 0.0
    """What a call costs beside model calls; None where nobody knows."""
    schema: Mapping[str, Any] | None = None
    """The JSON schema of the arguments, where it is somebody else's: ``arguments`` is :class:`Given` then."""
    settings: Frozen = field(default_factory=Frozen)
    """What whoever runs it may set, under ``[tools.NAME]`` of the configuration, with the values that hold now."""
    rebuild: Callable[[Any], Tool[Any]] | None = None
    """Makes the tool with other settings; None where there are none."""
    approval: Approval = Approval.ALWAYS
    """Whether a run may call it where whoever runs it says nothing."""
    digest: str | None = None
    """The sha256 of a tool that was written at run time; None for those of packages and servers."""

    @property
    def spec(self) -> ToolSpec:
        """The tool as offered to a model."""
        schema = self.arguments.model_json_schema() if self.schema is None else dict(self.schema)
        return ToolSpec(name=self.name, description=self.description, parameters=schema)

    def configured(self, options: Mapping[str, Any]) -> Tool[Any]:
        """The tool with these settings. Raises :class:`UnknownNameError` or :class:`ConfigError` naming the one that is wrong."""
        chosen = {name: getattr(self.settings, name) for name in self.settings.model_fields_set}
        settings = read_options(type(self.settings), chosen | dict(options), f"tool {self.name}", what="setting")
        return self if self.rebuild is None else self.rebuild(settings)

    def missing_keys(self, environ: Mapping[str, str]) -> tuple[str, ...]:
        """The variables that have to be set before it can work; where one is enough, all that would do."""
        missing = tuple(key for key in self.keys if not environ.get(key))
        return () if self.any_key and len(missing) < len(self.keys) else missing

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
        if self.schema is not None:
            given = {"values": given}
        return read_options(self.arguments, given, f"tool {self.name}", what="argument")


__all__ = ["TOOLS", "Given", "Tool", "ToolError", "ToolResult"]

TOOLS: Registry[Tool[Any]] = Registry("symposia.tools", "tool", Tool)
"""Tools by name: those of every installed package."""
