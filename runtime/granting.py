"""Granting: which tools a run may call, under whose approval and at what price. Decided when the run is created.

The strategy says which tools it uses under its config, the settings say whether a person is asked (``approve``), the tools say
what they need. What a model or a tool writes later has no way to any of this.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..core.base import Frozen
from ..core.errors import ConfigError, MissingKeyError, UnknownNameError
from ..core.tooling import Approval, Grant, Permission
from ..graphs.strategy import Strategy
from ..tools.tool import Tool
from .settings import Settings
from .workshop import Workshop

_STRICTNESS = {Approval.ALWAYS: 0, Approval.ASK: 1, Approval.NEVER: 2}


class Granted(NamedTuple):
    """What a run is given to work with."""

    tools: dict[str, Grant]
    sandbox: str | None


async def grant_tools(workshop: Workshop, settings: Settings, strategy: Strategy[Any], config: Frozen) -> Granted:
    """The tools that ``strategy`` uses under ``config``, and the sandbox where it or any of them runs code.

    Raises :class:`UnknownNameError` for a tool that there is not, :class:`MissingKeyError` for one that needs a key which is
    not there, :class:`ConfigError` for one that the settings never let be called, or whose corpus cannot be searched.
    """
    for name in sorted(settings.approve):
        if not await workshop.has_tool(name):
            raise UnknownNameError("tool", name, await workshop.tool_names(), where="approve")
    tools = [await workshop.tool(name) for name in strategy.tool_names(config)]
    for tool in tools:
        await workshop.require_corpora(tool)
    grants = {tool.name: _grant(tool, settings.approve.get(tool.name, tool.approval)) for tool in tools}
    runs_code = strategy.needs_sandbox(config) or any(Permission.SANDBOX in tool.permissions for tool in tools)
    return Granted(grants, settings.sandbox if runs_code else None)


def stricter(one: Approval, other: Approval) -> Approval:
    """The one of two that lets less happen: a run made under other settings gets no more than they or the present ones give."""
    return max(one, other, key=_STRICTNESS.__getitem__)


def require_unattended(tools: Mapping[str, Grant]) -> None:
    """Raise :class:`ConfigError` where a person would be asked about a tool's calls: nobody sits beside many runs at once."""
    asking = [name for name, grant in tools.items() if grant.approval is Approval.ASK]
    if asking:
        raise ConfigError(
            f"an experiment asks nobody, and a person is to be asked about calls of {asking[0]}",
            hint=f"set approve.{asking[0]} to always, or leave the tool out",
        )


def _grant(tool: Tool[Any], approval: Approval) -> Grant:
    if approval is Approval.NEVER:
        raise ConfigError(f"the tool {tool.name} may never be called", hint=f"leave it out, or change approve.{tool.name}")
    missing = tool.missing_keys(os.environ)
    if missing:
        variables = " or ".join(missing) if tool.any_key else " and ".join(missing)
        raise MissingKeyError(f"the tool {tool.name} needs a key in {variables}", hint=f"export {missing[0]}=…")
    return Grant(spec=tool.spec, approval=approval, dollars=tool.dollars, digest=tool.digest)
