"""Verifiers inside a verifier: each under its options, in a scope of its own, all at work at the same time.

A verifier rates candidates as soon as their scores are final, so that the order in which two of them rate depends on the clock.
A member's ratings are held back therefore: whoever asked gives them, in an order that depends on nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import ConfigDict, Field, model_validator

from ....core.base import Frozen
from ....core.budget import Budget
from ....core.candidate import Candidate
from ....core.problem import Problem
from ....core.protocols import Scope
from ..rating import Scores
from ..verifier import VERIFIERS, Configured


class Member(Frozen):
    """A verifier under options."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    """Of a verifier."""
    options: dict[str, Any] = Field(default={})
    """Its options; a ``role`` of its own gives it a model of its own."""

    @model_validator(mode="before")
    @classmethod
    def _reads_its_options(cls, given: Any) -> Any:
        """Complete the options, so that a stored run says all that decided it."""
        if not isinstance(given, Mapping):
            return given
        name, options = given.get("name"), given.get("options", {})
        if not isinstance(name, str) or not isinstance(options, Mapping):
            return given
        return {**given, "options": VERIFIERS.get(name).configure(options).model_dump(mode="json")}

    @property
    def judging(self) -> Configured:
        """The verifier under its options."""
        return VERIFIERS.get(self.name).under(self.options)


class Work(NamedTuple):
    """What a member made of the candidates."""

    label: str
    """Its name among the members."""
    scope: Scope
    """Where it worked."""
    scores: Scores


def labels(members: Sequence[Member]) -> list[str]:
    """A name for each member: the verifier's, numbered from 1 where it is there more than once."""
    count, seen = Counter(member.name for member in members), Counter[str]()
    found = []
    for member in members:
        seen[member.name] += 1
        found.append(member.name if count[member.name] == 1 else f"{member.name}-{seen[member.name]}")
    return found


async def all_at_once(
    members: Sequence[Member], scope: Scope, problem: Problem, candidates: Sequence[Candidate], *, node: str, visit: int
) -> list[Work]:
    """Have every member score the candidates; nobody is rated yet. What one of them raises ends the others."""
    scopes = [scope.child(f"{node}-{label}") for label in labels(members)]
    tasks = [
        asyncio.create_task(member.judging.score(_unrated(inner), problem, candidates, node=node, visit=visit))
        for member, inner in zip(members, scopes, strict=True)
    ]
    try:
        scores = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return [Work(*its) for its in zip(labels(members), scopes, scores, strict=True)]


def _unrated(scope: Scope) -> Scope:
    return cast("Scope", _Unrated(scope))


class _Unrated:
    """A scope in which ratings come to nothing; for all else it is the scope itself."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        return getattr(self._scope, name)

    def rate(self, *_: object, **__: object) -> None:
        """Nothing: the scores come back to whoever asked for them."""

    def child(self, name: str, budget: Budget | None = None) -> Scope:
        """A scope inside this one, in which ratings come to nothing as well."""
        return _unrated(self._scope.child(name, budget))

    def judging(self) -> Scope:
        """The same, for who judges."""
        return _unrated(self._scope.judging())
