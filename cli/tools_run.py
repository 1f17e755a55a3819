"""``symposia tools run``: a call by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from ..core.errors import ConfigError
from ..core.option_items import parse_options
from ..core.tooling import ToolResult
from .options import json_option, open_session, run_async, store_option
from .output import clean, data, data_json, note


@click.command()
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE …|JSON]")
@store_option
@json_option
def run(name: str, arguments: tuple[str, ...], *, store: str | None, as_json: bool) -> None:
    """Call the tool NAME with KEY=VALUE arguments, or with one JSON object, and print its output.

    Values are text where the tool takes text, else JSON where they parse as JSON. The tool is given what it declares: sandbox,
    web, store, model. Exit code 1 where the tool gives an error.
    """

    async def work() -> ToolResult:
        async with open_session(store) as session:
            listed = await session.tools.find(name)
            return await session.tools.call(name, _arguments(arguments, listed.tool.spec.parameters.get("properties", {})))

    result = run_async(work())
    if as_json:
        data_json(result.model_dump(mode="json"))
    elif result.error is None:
        data(clean(result.output if isinstance(result.output, str) else json.dumps(result.output, ensure_ascii=False, indent=2)))
    if result.error is not None:
        note(clean(f"symposia: {result.error}"))
        sys.exit(1)


def _arguments(items: tuple[str, ...], properties: Mapping[str, Any]) -> dict[str, Any]:
    if len(items) != 1 or not items[0].lstrip().startswith("{"):
        texts = {item.partition("=")[0]: item.partition("=")[2] for item in items}
        wanted = {name for name in texts if properties.get(name, {}).get("type") == "string"}
        return {name: texts[name] if name in wanted else value for name, value in parse_options(items).items()}
    try:
        given: dict[str, Any] = json.loads(items[0])
    except ValueError as error:
        raise ConfigError(f"the arguments are no JSON: {error}") from None
    return given
