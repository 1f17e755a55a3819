"""``symposia tools …``: the group."""

from __future__ import annotations

import click

from .lazy import LazyGroup, Place

_COMMANDS = {
    "list": Place("tools_list:list_tools", "List the tools: what they do, need and cost, and where they come from."),
    "show": Place("tools_list:show", "Show a tool with the schema of its arguments."),
    "run": Place("tools_run:run", "Call a tool by hand."),
    "write": Place("tools_write:write", "Have a model write a tool with its tests, and keep it where they pass."),
    "add": Place("tools_written:add", "Add a tool from a file or a run: its tests must pass in the sandbox."),
    "remove": Place("tools_written:remove", "Remove a written tool, or one version of it."),
}


@click.command(cls=LazyGroup, places=_COMMANDS)
def tools() -> None:
    """List, show, call, write, add and remove tools."""
