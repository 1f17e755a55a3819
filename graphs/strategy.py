"""What a strategy is: a frozen config, a LangGraph state machine and a registry entry.

A strategy's graph runs inside one :class:`Scope`, given to every node through the graph's context together with the problem
and the config. State holds ids and small records only; candidates live in the run's pool. Every strategy ends with an
:class:`Outcome` under the state key ``outcome``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypedDict, TypeVar

from pydantic import ValidationError

from ..core.base import Frozen
from ..core.errors import ConfigError, MissingAbilityError, ProblemError, UnknownNameError
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from ..core.result import Outcome

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

ConfigT = TypeVar("ConfigT", bound=Frozen)

_RECURSION_LIMIT = 1000
"""LangGraph's own default no longer catches a runaway loop."""


@dataclass(frozen=True)
class Context(Generic[ConfigT]):
    """What every node of a strategy is given."""

    scope: Scope
    problem: Problem
    config: ConfigT


class State(TypedDict, total=False):
    """The keys every strategy's state has; strategies extend it."""

    outcome: Outcome


class CallBounds(NamedTuple):
    """Model calls a strategy makes when none fails: at least, at most."""

    least: int
    most: int


@dataclass(frozen=True)
class Strategy(Generic[ConfigT]):
    """A registry entry. ``cost`` is checked against counted calls by the conformance tests."""

    name: str
    summary: str
    paper: str
    config: type[ConfigT]
    build: Callable[[], CompiledStateGraph[Any, Any, Any, Any]]
    cost: Callable[[ConfigT, Mapping[str, ModelSpec]], CallBounds]
    """Calls by config and team (role to model)."""
    prompts: Callable[[Problem], tuple[str, ...]]
    """Names of the prompt files it uses for a problem; their texts are fixed when a run is created."""
    abilities: Mapping[str, frozenset[Ability]] = field(default_factory=lambda: {"policy": frozenset({Ability.CHAT})})
    """What each role's model must be able to do."""
    kinds: frozenset[AnswerKind] = frozenset(AnswerKind)
    """Kinds of answer it can work on."""

    def configure(self, options: Mapping[str, Any]) -> ConfigT:
        """The config with ``options`` set. Raises :class:`UnknownNameError` or :class:`ConfigError`."""
        for name in options:
            if name not in self.config.model_fields:
                raise UnknownNameError("option", name, self.config.model_fields, where=f"strategy {self.name}")
        try:
            return self.config.model_validate(dict(options))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "options"
            given = first.get("input")
            raise ConfigError(
                f"option {where}={given!r} of strategy {self.name} cannot be used: {first['msg'].lower()}"
            ) from None

    def check(self, problem: Problem, team: Mapping[str, ModelSpec], others: Mapping[str, Strategy[Any]]) -> None:
        """Raise before anything is spent if this strategy cannot work on ``problem`` with ``team``."""
        if problem.answer_kind not in self.kinds:
            able = sorted(name for name, other in others.items() if problem.answer_kind in other.kinds)
            raise ProblemError(
                f"{self.name} cannot compare answers of kind {problem.answer_kind}",
                hint=f"use {' or '.join(able)}" if able else None,
            )
        for role, needed in self.abilities.items():
            missing = needed - team[role].abilities
            if missing:
                names = ", ".join(sorted(missing))
                raise MissingAbilityError(f"{self.name} needs {names} of its {role}; {team[role].name} has not")

    async def run(self, scope: Scope, problem: Problem, config: ConfigT) -> Outcome:
        """Run the graph in ``scope`` and return what it decided."""
        state = await self.build().ainvoke(
            {},
            context=Context(scope=scope, problem=problem, config=config),
            config={"recursion_limit": _RECURSION_LIMIT},
        )
        outcome: Outcome = state["outcome"]
        return outcome


def parse_options(items: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Read ``--set key=value`` items: values are JSON where they parse as JSON, else text. Dots nest.

    Raises :class:`ConfigError` for an item without ``=``, an empty key, or a key given twice.
    """
    options: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise ConfigError(f"option {item!r} is not of the form key=value")
        *parents, leaf = key.split(".")
        place = options
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigError(f"option {key} sets a part of {parent}, which was given as a whole")
        if leaf in place:
            raise ConfigError(f"option {key} is given twice")
        place[leaf] = _value(text)
    return options


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
