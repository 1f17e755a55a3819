"""Casting: which model plays each role of a run, and whether a run with these models can be carried out as asked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from ..core.budget import Budget
from ..core.errors import ConfigError, MissingKeyError
from ..core.model_spec import ModelSpec
from ..core.tooling import Grant
from .settings import Settings
from .staff import Staff
from .team import Team


async def cast(staff: Staff, settings: Settings, roles: Iterable[str], team: Team) -> dict[str, ModelSpec]:
    """A model for each of the strategy's roles; those nobody named inherit the policy's. Raises as :meth:`Staff.spec`.

    A strategy without a policy is asked for none: the others inherit the first that was named.
    """
    roles, named = set(roles), {**settings.team, **team.roles}
    first = None if "policy" in roles else next((named[role] for role in named if role in roles), None)
    policy = await staff.spec(named.get("policy") or first or settings.model)
    specs = {"policy": policy}
    for role in {*roles, *named} - {"policy"}:
        specs[role] = await staff.spec(named[role]) if role in named else policy
    return specs


async def recast(staff: Staff, old: Mapping[str, ModelSpec], roles: Iterable[str], team: Team) -> dict[str, ModelSpec]:
    """The models of a fork: those named, else the parent's; a role that inherited the policy's model goes on doing so."""
    policy = await staff.spec(team.roles["policy"]) if "policy" in team.roles else old["policy"]
    own = {role: spec for role, spec in old.items() if spec != old["policy"]}
    specs = dict.fromkeys({*roles, *old}, policy) | own
    for role in team.roles.keys() - {"policy"}:
        specs[role] = await staff.spec(team.roles[role])
    return specs


def require_keys(specs: Mapping[str, ModelSpec]) -> None:
    """Raise :class:`MissingKeyError` where a model needs an API key that is not there."""
    for spec in specs.values():
        if spec.key_env is not None and not os.environ.get(spec.key_env):
            raise MissingKeyError(f"{spec.name} needs an API key in the variable {spec.key_env}", hint=f"export {spec.key_env}=…")


def require_prices(caps: Budget, specs: Mapping[str, ModelSpec], tools: Mapping[str, Grant]) -> None:
    """Raise :class:`ConfigError` for a cap in dollars where a price is unknown: it could not be kept."""
    if caps.dollars is None:
        return
    for name, grant in tools.items():
        if grant.dollars is None:
            raise ConfigError(
                f"a budget in dollars cannot be kept: the price of a call of the tool {name} is unknown",
                hint="leave the tool out, or budget calls and tokens",
            )
    for spec in specs.values():
        price = spec.price
        if price.hour is None and (price.input is None or price.output is None):
            raise ConfigError(
                f"a budget in dollars cannot be kept: the price of {spec.name} is unknown",
                hint="give its price in the catalogue, or budget calls and tokens",
            )
