"""``symposia strategies``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from ..agents.verifier import VERIFIERS
from ..core.base import Frozen
from ..core.problem import AnswerKind
from ..graphs.registry import STRATEGIES
from ..graphs.strategy import Strategy
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
    return "\n".join([*head, _options(strategy.config), *_verifiers(strategy)])


def _options(config: type[Frozen], prefix: str = "") -> str:
    """A table of the options; text that Python writes as code in its docstrings is shown plain."""
    fields = config.model_json_schema()["properties"]
    rows = [
        [prefix + name, str(field.get("default")), field.get("description", "").replace("``", "")]
        for name, field in fields.items()
    ]
    return columns(rows, ["OPTION", "DEFAULT", "WHAT IT DOES"])


def _verifiers(strategy: Strategy[Any]) -> Iterator[str]:
    """The verifiers it can be set to ask, with their options."""
    if not strategy.verifiers(strategy.configure({})):
        return
    for verifier in VERIFIERS.all().values():
        needed = f"needs {', '.join(sorted(verifier.abilities))}"
        used = f", makes use of {', '.join(sorted(verifier.uses))}" if verifier.uses else ""
        yield from (
            "",
            f"verifier {verifier.name}: {verifier.summary}",
            f"source: {verifier.paper}",
            f"its model {needed}{used}",
            "",
        )
        yield _options(verifier.config, "verifier_options.")
