"""``symposia strategies``."""

from __future__ import annotations

from typing import Any

import click

from ..agents.verifiers.verifier import VERIFIERS
from ..core.problem import AnswerKind
from ..graphs.registry import STRATEGIES
from ..graphs.strategy import Strategy
from .option_table import option_table
from .options import json_option
from .output import columns, data, data_json, note


@click.command()
@click.argument("name", required=False)
@json_option
def strategies(name: str | None, *, as_json: bool) -> None:
    """List the strategies, or show the options of NAME."""
    if name is not None:
        strategy = STRATEGIES.get(name)
        if as_json:
            data_json(_describe(strategy) | {"options": strategy.config.model_json_schema()})
        else:
            data(_detail(strategy))
        return
    found = STRATEGIES.all()
    if as_json:
        data_json([_describe(strategy) for strategy in found.values()])
    else:
        data(columns([[strategy.name, strategy.summary] for strategy in found.values()], ["STRATEGY", "WHAT IT DOES"]))
    for error in STRATEGIES.broken().values():
        note(f"left out: {error}")


def _describe(strategy: Strategy[Any]) -> dict[str, object]:
    return {
        "name": strategy.name,
        "summary": strategy.summary,
        "paper": strategy.paper,
        "abilities": {role: sorted(needed) for role, needed in strategy.needs(strategy.configure({})).items()},
        "answer_kinds": sorted(strategy.kinds),
    }


def _detail(strategy: Strategy[Any]) -> str:
    kinds = "any" if strategy.kinds == frozenset(AnswerKind) else ", ".join(sorted(strategy.kinds))
    head = [strategy.name, strategy.summary, f"source: {strategy.paper}", f"answers: {kinds}", ""]
    return "\n".join([*head, option_table(strategy.config), *_verifiers(strategy)])


def _verifiers(strategy: Strategy[Any]) -> list[str]:
    """Whom it can be set to ask."""
    if not strategy.verifiers(strategy.configure({})):
        return []
    return ["", f"verifiers: {', '.join(VERIFIERS.names())}; `symposia verifiers NAME` shows the options of one"]
