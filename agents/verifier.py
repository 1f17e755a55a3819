"""What a verifier is: a frozen config, a way to score candidates, and a registry entry.

A verifier judges candidates on behalf of the role ``verifier``. Its scores are facts: given once they are final, through
:meth:`core.protocols.Scope.rate`, so that stored candidates carry them. A verdict that cannot be read, or a call that failed,
is a score without a value: the candidate still votes but cannot win by score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from ..core.base import Frozen
from ..core.budget import CallBounds
from ..core.candidate import Candidate, Score
from ..core.model_spec import Ability, ModelSpec
from ..core.options import read_options
from ..core.problem import Problem
from ..core.protocols import Scope
from ..core.registry import Registry
from ..core.result import StopReason

ROLE = "verifier"

ConfigT = TypeVar("ConfigT", bound=Frozen)
ConfigT_contra = TypeVar("ConfigT_contra", bound=Frozen, contravariant=True)


class Scores(NamedTuple):
    """What a verifier made of some candidates."""

    by_candidate: dict[str, Score]
    """By id. A candidate that was not reached (budget, deadline, stop) has none."""
    stop_reason: StopReason
    """``finished`` where every call was made, else why not."""


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
        """Score ``candidates`` by waves of the role ``verifier`` under ``node``, and rate each of them in ``scope``.

        Failures of calls are scores without a value. Events of the ratings are numbered by the candidates' places.
        """
        ...


@dataclass(frozen=True)
class Verifier(Generic[ConfigT]):
    """A registry entry. ``cost`` is checked against counted calls by the tests."""

    name: str
    summary: str
    paper: str
    config: type[ConfigT]
    score: ScoreCandidates[ConfigT]
    cost: Callable[[ConfigT, ModelSpec, int], CallBounds]
    """Calls by config, the verifier's model and the number of candidates (at least one)."""
    prompts: Callable[[Problem], tuple[str, ...]] = lambda _problem: ()
    """Names of the prompt files it may use for a problem, under any config."""
    scale: Literal["probability", "advantage", "log_ratio"] = "probability"
    """What its raw scores are; the map to [0, 1] keeps their order."""
    abilities: frozenset[Ability] = frozenset({Ability.CHAT})
    """What its model must be able to do."""
    uses: frozenset[Ability] = frozenset()
    """What it makes use of where the model can. Doing without is a declared fallback, an event."""

    def configure(self, options: Mapping[str, Any]) -> ConfigT:
        """The config with ``options`` set. Raises :class:`UnknownNameError` or :class:`ConfigError`."""
        return read_options(self.config, options, f"verifier {self.name}")


VERIFIERS: Registry[Verifier[Any]] = Registry("symposia.verifiers", "verifier", Verifier)
"""Verifiers by name: our own and those of other packages."""


def alike(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Places of the candidates, those with one text together: the same request deserves the same score, and one call."""
    places: dict[str, list[int]] = {}
    for place, candidate in enumerate(candidates):
        places.setdefault(candidate.text, []).append(place)
    return list(places.values())
