"""``symposia verifiers``."""

from __future__ import annotations

from typing import Any

import click

from ..agents.verifiers.verifier import VERIFIERS, Verifier
from .option_table import option_table
from .options import json_option
from .output import columns, data, data_json, note


@click.command()
@click.argument("name", required=False)
@json_option
def verifiers(name: str | None, *, as_json: bool) -> None:
    """List the verifiers, or show the options of NAME."""
    if name is not None:
        verifier = VERIFIERS.get(name)
        if as_json:
            data_json(_describe(verifier) | {"options": verifier.config.model_json_schema()})
        else:
            data(_detail(verifier))
        return
    found = VERIFIERS.all()
    if as_json:
        data_json([_describe(verifier) for verifier in found.values()])
    else:
        data(columns([[verifier.name, verifier.summary] for verifier in found.values()], ["VERIFIER", "WHAT IT DOES"]))
    for error in VERIFIERS.broken().values():
        note(f"left out: {error}")


def _describe(verifier: Verifier[Any]) -> dict[str, object]:
    usual = verifier.under({})
    return {
        "name": verifier.name,
        "summary": verifier.summary,
        "paper": verifier.paper,
        "abilities": {role: sorted(needed) for role, needed in usual.needs.items()},
        "uses": sorted(verifier.uses),
        "tools": list(usual.tools),
        "runs_code": usual.runs_code,
    }


def _detail(verifier: Verifier[Any]) -> str:
    usual = verifier.under({})
    asked = [f"asks the model of the role {role}, which needs {', '.join(sorted(its))}" for role, its in usual.needs.items()]
    used = [f"makes use of {', '.join(sorted(verifier.uses))} where the model can"] if verifier.uses else []
    tools = [f"calls the tools {', '.join(usual.tools)}"] if usual.tools else []
    code = ["runs programs in the sandbox"] if usual.runs_code else []
    told = "; ".join([*(asked or ["asks no model"]), *used, *tools, *code])
    return "\n".join([verifier.name, verifier.summary, f"source: {verifier.paper}", told, "", option_table(verifier.config)])
