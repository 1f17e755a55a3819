"""What a question can be worked on with: the strategies, teams, budgets and options that there are, without Textual.

Whatever reads files, loads other packages' code or looks for servers is done in a thread or awaited: nothing waits for it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from ..core.base import Frozen
from ..core.budget import Budget
from ..core.errors import ConfigError, SymposiaError
from .item import Item
from .options import option_words

if TYPE_CHECKING:
    from ..core.model_spec import ModelSpec
    from ..core.records import RunRecord
    from ..graphs.strategy import Strategy
    from ..runtime.session import Session
    from ..runtime.settings import Settings

_BUDGETS = ("calls=10", "calls=30", "calls=100", "tokens=20k", "tokens=100k", "seconds=60", "seconds=300", "dollars=0.05")
_RECENT = 5
_NAMED_PATIENCE = 3.0
"""Seconds in which servers must have said what they serve: a strategy is refused when it is asked for at the latest."""


class Choice(Frozen):
    """What a question will be worked on with; None where the configuration decides."""

    strategy: str | None = None
    team: dict[str, str] | None = None
    budget: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    """Of the strategy."""


class Shown(NamedTuple):
    """A choice as it is told, with what the configuration decides filled in."""

    strategy: str
    team: str
    budget: str
    options: str


def shown(choice: Choice, settings: Settings | None) -> Shown:
    """What will be taken. ``settings`` are None until the store is open."""
    strategy = choice.strategy or (settings.strategy if settings is not None else "default strategy")
    named = {} if settings is None else {**settings.team, **({"policy": settings.model} if settings.model else {})}
    budget = choice.budget or (settings.budget if settings is not None else None)
    return Shown(strategy, team_words(choice.team or named) or "default model", budget or "no cap", option_words(choice.options))


def team_words(roles: Mapping[str, str]) -> str:
    """A team as it is typed: the policy's model first, then ``role=model``."""
    others = [f"{role}={model}" for role, model in roles.items() if role != "policy"]
    return " ".join([*([roles["policy"]] if "policy" in roles else []), *others])


# Strategies


async def strategies(session: Session, choice: Choice) -> list[Item]:
    """Every strategy; those that the chosen team cannot run, or that need more than a question, say why."""
    found, broken = await asyncio.to_thread(_registered)
    team = await _team(session, choice)
    default = session.settings.strategy
    items = []
    for name, strategy in found.items():
        mark = " (default)" if name == default else ""
        items.append(Item(name, name + mark, strategy.summary, _refusal(strategy, session.settings, team, found)))
    items += [Item(name, name, "cannot be loaded", error.message) for name, error in broken.items()]
    return sorted(items, key=lambda item: (item.id != default, bool(item.disabled), item.id))


def _registered() -> tuple[dict[str, Strategy[Any]], dict[str, ConfigError]]:
    from ..graphs.registry import STRATEGIES  # noqa: PLC0415 - it loads every strategy

    return STRATEGIES.all(), STRATEGIES.broken()


async def _team(session: Session, choice: Choice) -> dict[str, ModelSpec] | None:
    """The models that were chosen, by role; None where they are not known yet, and then nothing is said against a strategy."""
    from ..runtime.casting import cast  # noqa: PLC0415 - see the module
    from ..runtime.team import Team  # noqa: PLC0415

    try:
        work = cast(session.staff, session.settings, {"policy", *(choice.team or {})}, Team.of(choice.team))
        return await asyncio.wait_for(work, _NAMED_PATIENCE)
    except (SymposiaError, TimeoutError):
        return None


def _refusal(
    strategy: Strategy[Any], settings: Settings, team: Mapping[str, ModelSpec] | None, others: Mapping[str, Strategy[Any]]
) -> str:
    from ..core.problem import Problem  # noqa: PLC0415 - see the module

    try:
        config = strategy.configure(settings.strategies.get(strategy.name, {}))
        if team is not None:
            roles = {role: team.get(role, team["policy"]) for role in strategy.needs(config)}
            strategy.check(Problem.of("?"), config, {**team, **roles}, others)
        elif strategy.judges:
            return "it judges solutions that are given to it: `symposia verify`"
    except SymposiaError as error:
        return str(error)
    return ""


# Teams


async def teams(session: Session) -> list[Item]:
    """What the configuration decides, saved teams, servers that run, and the models of the catalogue."""
    from ..models.discovery import probe_loopback  # noqa: PLC0415 - see the module

    settings = session.settings
    configured = team_words({**({"policy": settings.model} if settings.model else {}), **settings.team})
    said = configured or "what is served here, else the largest downloaded model that fits"
    items = [Item("", "as configured", said)]
    items += [Item(name, name, f"saved team: {team_words(roles)}") for name, roles in settings.teams.items()]
    listed, servers = await asyncio.gather(asyncio.to_thread(_models, session), probe_loopback())
    served = [item for item in listed if item.detail.startswith("served")]
    names = {item.id for item in served}
    others = [server for server in servers if server.reward is None and server.name not in names]
    served += [Item(f"{server.url}#{server.name}", server.name, f"answers at {server.url}") for server in others]
    rest = [item for item in listed if item not in served]
    return [*items, *served, *sorted(rest, key=lambda item: bool(item.disabled))]


def _models(session: Session) -> list[Item]:
    from ..core.model_spec import Ability  # noqa: PLC0415 - see the module
    from ..models.engines.running import EngineState, RunningEngines  # noqa: PLC0415
    from ..models.weights import models_folder  # noqa: PLC0415

    running = [record for record in RunningEngines().all() if record.state is EngineState.RUNNING]
    items = [Item(each.name, each.name, f"served by {each.engine} at {each.endpoint}") for each in running]
    names = {item.id for item in items}
    folder = models_folder(session.settings.models_dir)
    specs = [spec for spec in session.staff.with_ability(Ability.CHAT) if spec.name not in names]
    return [*items, *(_model(spec, folder) for spec in specs)]


def _model(spec: ModelSpec, folder: Any) -> Item:
    from ..models.weights import fits, installed  # noqa: PLC0415 - see the module

    if spec.weights is not None and spec.endpoint is None and installed(spec, folder) is None:
        size = f"{spec.weights.size / 1e6:,.0f} MB"
        return Item(spec.name, spec.name, spec.note, f"not downloaded ({size}): `symposia models pull {spec.name}`")
    if spec.key_env is not None and not os.environ.get(spec.key_env):
        return Item(spec.name, spec.name, spec.note, f"needs a key in the variable {spec.key_env}")
    here = "" if spec.weights is None else "downloaded" if fits(spec) else "downloaded, too large for the memory that is free"
    return Item(spec.name, spec.name, "; ".join(filter(None, (here, spec.note))))


def read_team(text: str, session: Session) -> dict[str, str] | None:
    """The roles that a text names: a saved team, or ``MODEL ROLE=MODEL …``; None for an empty one.

    Raises :class:`ConfigError` for a role given twice, :class:`UnknownNameError` for a model that nobody knows. An address is
    not asked what it serves.
    """
    from ..models.catalogue import Catalogue  # noqa: PLC0415 - see the module
    from ..runtime.team import Team  # noqa: PLC0415

    if not text.strip():
        return None
    if text in session.settings.teams:
        return dict(session.settings.teams[text])
    roles = Team.parse([text] if text.endswith(".gguf") else re.split(r"[,\s]+", text.strip())).roles
    known = {item.id for item in _models(session)}
    catalogue = Catalogue.load()
    for name in roles.values():
        if name not in known:
            catalogue.get(name)
    return roles


def typed_team(text: str, session: Session) -> Item:
    """The team that a text names, or what is wrong with it."""
    try:
        roles = read_team(text, session)
    except SymposiaError as error:
        return Item(text, text, disabled=str(error))
    return Item(text, text, "as typed: " + ", ".join(f"{role}={model}" for role, model in (roles or {}).items()))


# Budgets


def budgets(settings: Settings, records: Iterable[RunRecord]) -> list[Item]:
    """What the configuration says, the caps of the newest runs, and some to begin with."""
    recent = dict.fromkeys(str(record.spec.budget) for record in records if record.spec.budget != Budget())
    items = [Item("", settings.budget or "no cap", "as configured")]
    items += [Item(text, text, "used before") for text in list(recent)[:_RECENT]]
    return items + [Item(text, text) for text in _BUDGETS if str(Budget.parse(text)) not in recent and text not in recent]


def typed_budget(text: str) -> Item:
    """The caps that a text names, or what is wrong with it."""
    try:
        budget = Budget.parse(text)
        budget.require_room()
    except SymposiaError as error:
        return Item(text, text, disabled=str(error))
    return Item(text, str(budget), "as typed")
