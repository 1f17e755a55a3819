"""``symposia models check``: does a model do what is declared of it?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..core.errors import EngineError
from ..core.model_spec import ModelSpec
from ..models.ability_check import Checked, check_abilities
from ..models.catalogue import Catalogue
from ..models.discovery import identify
from ..models.engines.keeper import registered
from ..models.engines.running import RunningEngines
from ..models.gateway import ModelGateway
from ..runtime.settings import load_settings
from .options import json_option, run_async
from .output import clean, columns, data, data_json


@click.command()
@click.argument("name", metavar="NAME|URL")
@json_option
def check(name: str, *, as_json: bool) -> None:
    """Ask a model for each of its declared abilities. Exit code 1 if one fails.

    NAME is a model that `models serve` serves, or one of a provider (which costs a few hundred tokens); URL is the address of
    any OpenAI-compatible server, as in http://HOST:PORT/v1#NAME.
    """
    found = run_async(_check(name))
    if as_json:
        data_json([each.model_dump(mode="json") for each in found])
    else:
        rows = [[each.ability.value, "ok" if each.ok else "fails", clean(each.detail)] for each in found]
        data(columns(rows, ["ABILITY", "STATE", "DETAIL"]))
    sys.exit(0 if all(each.ok for each in found) else 1)


async def _check(name: str) -> list[Checked]:
    settings = load_settings(cwd=Path.cwd()).settings
    spec = await _spec(name)
    if settings.transport is not None:
        spec = spec.model_copy(update={"transport": settings.transport})
    gateway = ModelGateway(call_timeout=settings.call_timeout)
    try:
        return await check_abilities(gateway, spec, timeout=settings.call_timeout)
    finally:
        await gateway.close()


async def _spec(name: str) -> ModelSpec:
    serving = registered(name, RunningEngines())
    if serving is not None:
        return serving
    spec = Catalogue.load().get(name)
    if spec.engine is not None and spec.endpoint is None:
        raise EngineError(f"{spec.name} is not being served", hint=f"run `symposia models serve {spec.name} --detach` first")
    return await identify(spec) if name.startswith(("http://", "https://")) else spec
