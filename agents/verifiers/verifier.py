"""What a verifier is: a frozen config, a way to score candidates, and a registry entry.

A verifier judges candidates, most often on behalf of the role ``verifier``. Its scores are facts: given once they are final,
through :meth:`core.protocols.Scope.rate`, so that stored candidates carry them. A verdict that cannot be read, or a call that
failed, is a score without a value: the candidate still votes but cannot win by score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import ConfigDict, Field

from ...core.base import Frozen
from ...core.budget import CallBounds
from ...core.candidate import Candidate, ScoreScale
from ...core.model_spec import Ability, ModelSpec
from ...core.options import read_options
from ...core.problem import Problem
from ...core.protocols import Scope
from ...core.registry import Registry
from ...core.steps import MAX_STEPS
from .rating import Scores

ROLE = "verifier"

RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
"""How an option names a role."""

ConfigT = TypeVar("ConfigT", bound=Frozen)
ConfigT_contra = TypeVar("ConfigT_contra", bound=Frozen, contravariant=True)


class VerifierConfig(Frozen):
    """What the options of every verifier that asks a model have in common."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    role: RoleName = ROLE
    """Whose model is asked: give several verifiers roles of their own to give them models of their own."""


class ScoreCandidates(Protocol[ConfigT_contra]):
    """The work of a verifier."""

    async def __call__(
        self,
        scope: Scope,
        problem: Problem,
        candidates: Sequence[Candidate],
        config: ConfigT_contra,
        *,
        node: str,
        visit: int = 0,
    ) -> Scores:
        """Score ``candidates`` by waves under ``node``, and rate each of them in ``scope``.

        Failures of calls are scores without a value. Events of the ratings are numbered by the candidates' places.
        """
        ...


class Workload(NamedTuple):
    """What there is to judge."""

    candidates: int
    """At least one."""
    steps: int = MAX_STEPS
    """Of a candidate, at most."""


def _chat(config: Frozen) -> Mapping[str, frozenset[Ability]]:
    return {config.role if isinstance(config, VerifierConfig) else ROLE: frozenset({Ability.CHAT})}


@dataclass(frozen=True)
class Verifier(Generic[ConfigT]):
    """A registry entry. ``cost`` is checked against counted calls by the tests."""

    name: str
    summary: str
    paper: str
    config: type[ConfigT]
    score: ScoreCandidates[ConfigT]
    cost: Callable[[ConfigT, Mapping[str, ModelSpec], Workload], CallBounds]
    """Calls by config, team (role to model) and what there is to judge."""
    prompts: Callable[[Problem, ConfigT], tuple[str, ...]] = lambda _problem, _config: ()
    """Names of the prompt files it may use for a problem under a config."""
    scale: ScoreScale = "probability"
    """What its raw scores are; the map to [0, 1] keeps their order."""
    needs: Callable[[ConfigT], Mapping[str, frozenset[Ability]]] = _chat
    """What each role's model must be able to do under a config; the keys are the roles that it asks."""
    uses: frozenset[Ability] = frozenset()
    """What it makes use of where the model can. Doing without is a declared fallback, an event."""
    tools: Callable[[ConfigT], tuple[str, ...]] = lambda _config: ()
    """Names of the tools that it calls under a config."""
    runs_code: Callable[[ConfigT], bool] = lambda _config: False
    """Whether it runs programs itself, with :meth:`core.protocols.Scope.execute`."""
    check: Callable[[ConfigT, Mapping[str, ModelSpec]], None] = lambda _config, _team: None
    """Raises :class:`UsageError` for a team whose models have the abilities, but cannot be asked in its way under a config."""

    def configure(self, options: Mapping[str, Any]) -> ConfigT:
        """The config with ``options`` set. Raises :class:`UnknownNameError` or :class:`ConfigError`."""
        return read_options(self.config, options, f"verifier {self.name}")

    def under(self, options: Mapping[str, Any]) -> Configured:
        """This verifier with ``options`` set. Raises as :meth:`configure`."""
        return Configured(self, self.configure(options))


class Configured(NamedTuple):
    """A verifier and the config it is asked under."""

    verifier: Verifier[Any]
    config: Frozen

    async def score(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], *, node: str, visit: int = 0
    ) -> Scores:
        """See :class:`ScoreCandidates`."""
        return await self.verifier.score(scope.judging(), problem, candidates, self.config, node=node, visit=visit)

    def cost(self, team: Mapping[str, ModelSpec], candidates: int, steps: int = MAX_STEPS) -> CallBounds:
        """See :attr:`Verifier.cost`, and :class:`Workload`."""
        return self.verifier.cost(self.config, team, Workload(candidates, steps))

    def prompts(self, problem: Problem) -> tuple[str, ...]:
        """See :attr:`Verifier.prompts`."""
        return self.verifier.prompts(problem, self.config)

    @property
    def needs(self) -> Mapping[str, frozenset[Ability]]:
        """See :attr:`Verifier.needs`."""
        return self.verifier.needs(self.config)

    @property
    def tools(self) -> tuple[str, ...]:
        """See :attr:`Verifier.tools`."""
        return self.verifier.tools(self.config)

    @property
    def runs_code(self) -> bool:
        """See :attr:`Verifier.runs_code`."""
        return self.verifier.runs_code(self.config)

    def check(self, team: Mapping[str, ModelSpec]) -> None:
        """See :attr:`Verifier.check`."""
        self.verifier.check(self.config, team)


VERIFIERS: Registry[Verifier[Any]] = Registry("symposia.verifiers", "verifier", Verifier)
"""Verifiers by name: our own and those of other packages."""


def playing(team: Mapping[str, ModelSpec], role: str) -> ModelSpec:
    """The model that plays ``role``: the policy's where none was named for it."""
    return team.get(role) or team["policy"]
