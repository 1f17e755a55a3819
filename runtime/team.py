"""A team: which model plays which role."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ..core.base import Frozen
from ..core.errors import ConfigError


class Team(Frozen):
    """Role to model name. Roles that are not named inherit the policy's model."""

    roles: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def parse(cls, items: tuple[str, ...] | list[str]) -> Team:
        """Read ``MODEL`` (the policy) and ``ROLE=MODEL`` items. Raises :class:`ConfigError` for a role given twice."""
        roles: dict[str, str] = {}
        for item in items:
            role, equals, model = item.partition("=")
            # An address may hold '=' in its query; a role is a plain word.
            if not equals or not role.replace("_", "").replace("-", "").isalnum():
                role, model = "policy", item
            if not model:
                raise ConfigError(f"no model is named in {item!r}", hint="write --model NAME or --model ROLE=NAME")
            if role in roles:
                raise ConfigError(f"the model of role {role} is given twice: {roles[role]} and {model}")
            roles[role] = model
        return cls(roles=roles)

    @classmethod
    def of(cls, team: Team | Mapping[str, str] | str | None) -> Team:
        """A team from a model name, a mapping or a team; None is the empty team."""
        if isinstance(team, Team):
            return team
        if isinstance(team, str):
            return cls(roles={"policy": team})
        return cls(roles=dict(team or {}))
