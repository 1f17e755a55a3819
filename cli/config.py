"""``symposia config show``."""

from __future__ import annotations

from pathlib import Path

import click

from ..memory.place import show as show_address
from ..runtime.settings import load_settings
from .options import json_option
from .output import columns, data, data_json


@click.group()
def config() -> None:
    """Show the configuration."""


@config.command()
@json_option
def show(*, as_json: bool) -> None:
    """Every setting with its value and where it comes from."""
    loaded = load_settings(cwd=Path.cwd())
    values = loaded.settings.model_dump(mode="json")
    if values["store"]:
        values["store"] = show_address(values["store"])  # it may hold a password
    rows = {key: (_at(values, key), origin) for key, origin in sorted(loaded.origins.items())}
    if as_json:
        data_json({key: {"value": value, "origin": origin} for key, (value, origin) in rows.items()})
        return
    data(columns([[key, _text(value), origin] for key, (value, origin) in rows.items()], ["KEY", "VALUE", "FROM"]))


def _at(values: object, key: str) -> object:
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _text(value: object) -> str:
    return "-" if value is None or value == {} else str(value)
