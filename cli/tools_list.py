"""``symposia tools list`` and ``symposia tools show``."""

from __future__ import annotations

import json
from typing import Any

import click

from ..core.written import WrittenTool
from ..runtime.settings import Settings
from ..runtime.toolshed import Listed, Listing
from .options import json_option, open_session, run_async, store_option
from .output import age, clean, columns, data, data_json, note, shorten


@click.command()
@click.option("--mcp", is_flag=True, help="Ask the MCP servers of the configuration for their tools too, which starts them.")
@store_option
@json_option
def list_tools(*, mcp: bool, store: str | None, as_json: bool) -> None:
    """List the tools: what they do, need and cost, and where they come from."""

    async def work() -> tuple[Listing, Settings]:
        async with open_session(store) as session:
            return await session.tools.every(ask_servers=mcp), session.settings

    listing, settings = run_async(work())
    if as_json:
        data_json([_describe(listed) for listed in listing.tools])
    else:
        data(columns([_row(listed) for listed in listing.tools], ["TOOL", "WHAT IT DOES", "NEEDS", "COST", "FROM"]))
    for why in listing.left_out:
        note(clean(f"left out: {why}"))
    if settings.mcp and not mcp:
        note(f"MCP servers that were not asked: {', '.join(sorted(settings.mcp))} (--mcp asks them)")


@click.command()
@click.argument("name")
@store_option
@json_option
def show(name: str, *, store: str | None, as_json: bool) -> None:
    """Show the tool NAME with the schema of its arguments, and what was written of a written one (NAME@VERSION: an older one)."""

    async def work() -> Listed:
        async with open_session(store) as session:
            return await session.tools.find(name)

    listed = run_async(work())
    if as_json:
        data_json(_describe(listed) | _detail(listed))
        return
    lines = [listed.tool.name, listed.tool.description, f"from: {_origin(listed)}"]
    lines += [f"needs: {_needs(listed)}"] if _needs(listed) else []
    lines += [f"a call costs: {_cost(listed)}", "", json.dumps(listed.tool.spec.parameters, ensure_ascii=False, indent=2)]
    data(clean("\n".join([*lines, *([] if listed.written is None else _written(listed.written))])))


def _row(listed: Listed) -> list[str]:
    tool = listed.tool
    return [tool.name, shorten(tool.description, 60), _needs(listed), _cost(listed), _origin(listed)]


def _needs(listed: Listed) -> str:
    """What a tool is given, and the key without which it cannot work."""
    missing = [f"needs key {listed.missing_keys}"] if listed.missing_keys else []
    return ", ".join([*sorted(listed.tool.permissions), *missing])


def _describe(listed: Listed) -> dict[str, Any]:
    tool = listed.tool
    return {
        "name": tool.name,
        "description": tool.description,
        "permissions": sorted(tool.permissions),
        "keys": list(tool.keys),
        "missing_keys": listed.missing_keys or None,
        "dollars": tool.dollars,
        "from": listed.origin,
        "version": listed.written and listed.written.version,
    }


def _detail(listed: Listed) -> dict[str, Any]:
    found = {"parameters": dict(listed.tool.spec.parameters), "settings": listed.tool.settings.model_dump(mode="json")}
    if listed.written is None:
        return found
    written = listed.written.model_dump(mode="json")
    return found | {"written": written, "sha256": listed.written.draft.digest}


def _cost(listed: Listed) -> str:
    dollars = listed.tool.dollars
    return "unknown" if dollars is None else f"${dollars:g}" if dollars else "nothing"


def _origin(listed: Listed) -> str:
    return listed.origin if listed.written is None else f"{listed.origin}, version {listed.written.version}"


def _written(written: WrittenTool) -> list[str]:
    origin = written.provenance
    by = f"{origin.model or 'a model'} in run {origin.run_id}" if origin.run_id else "a person"
    return [
        "",
        f"written by {by}, admitted by {origin.admitted_by} {age(written.written_at)} ago in the sandbox {origin.sandbox}",
        f"sha256: {written.draft.digest}",
        "",
        written.draft.source,
        "",
        *(_test(test.arguments, test.raises or json.dumps(test.expected, ensure_ascii=False)) for test in written.draft.tests),
    ]


def _test(arguments: dict[str, Any], outcome: str) -> str:
    return f"test: {json.dumps(arguments, ensure_ascii=False)} -> {outcome}"
