"""``symposia strategies``."""

from __future__ import annotations

from typing import Any

import click

from ..core.problem import AnswerKind
from ..graphs.registry import all_strategies, get_strategy
from ..graphs.strategy import Strategy
from .options import json_option
from .output import columns, data, data_json


@click.command()
@click.argument("name", required=False)
@json_option
def strategies(name: str | None, *, as_json: bool) -> None:
    """List the strategies, or show the options of NAME."""
    if name is not None:
        strategy = get_strategy(name)
        if as_json:
            data_json(_describe(strategy) | {"options": strategy.config.model_json_schema()})
        else:
            data(_detail(strategy))
        return
    found = all_strategies()
    if as_json:
        data_json([_describe(strategy) for strategy in found.values()])
    else:
        data(columns([[strategy.name, strategy.summary] for strategy in found.values()], ["STRATEGY", "WHAT IT DOES"]))


def _describe(strategy: Strategy[Any]) -> dict[str, object]:
    return {
        "name": strategy.name,
        "summary": strategy.summary,
        "paper": strategy.paper,
        "abilities": {role: sorted(needed) for role, needed in strategy.abilities.items()},
        "answer_kinds": sorted(strategy.kinds),
    }


def _detail(strategy: Strategy[Any]) -> str:
    fields = strategy.config.model_json_schema()["properties"]
    rows = [[name, str(field.get("default")), field.get("description", "")] for name, field in fields.items()]
    kinds = "any" if strategy.kinds == frozenset(AnswerKind) else ", ".join(sorted(strategy.kinds))
    head = [strategy.name, strategy.summary, f"source: {strategy.paper}", f"answers: {kinds}", ""]
    return "\n".join([*head, columns(rows, ["OPTION", "DEFAULT", "WHAT IT DOES"])])
