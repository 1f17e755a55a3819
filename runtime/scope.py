"""A scope: path, ledger child, event parent, root of randomness and journal prefix of one running strategy."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ..core.answers import plain_same
from ..core.budget import Budget
from ..core.calls import EmbedReply, EmbedRequest, ModelCall, ToolSpec
from ..core.candidate import Answer, Candidate, Score
from ..core.errors import UsageError
from ..core.events import CandidateAdded, CandidateScored, Event
from ..core.model_spec import ModelSpec
from ..core.protocols import Consume, Executions, ToolWave, Wave
from ..core.random import rng
from ..core.sandbox import Execution, Limits
from ..core.tooling import ToolRequest, ToolResult
from .deeds import Deed, DeedWave, Done
from .embed_call import EmbedCall
from .flight import Place
from .journal import hash_json
from .ledger import Ledger
from .services import Services
from .toolbox import ProgramDeed, ToolDeed
from .wave import WaveRun

MAX_DEPTH = 4
"""Strategies inside strategies. Deeper nesting is a mistake, and its cost is out of anyone's sight."""


class RunScope:
    """Implements :class:`core.protocols.Scope` for an executing run."""

    def __init__(self, services: Services, path: str, ledger: Ledger, *, judging: bool = False) -> None:
        """Where it is ``judging``, models are not told what a person says to those who write."""
        self._services = services
        self._path = path
        self._ledger = ledger
        self._judging = judging

    @property
    def path(self) -> str:
        """Unique in the run."""
        return self._path

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._services.seed

    @property
    def prompts(self) -> Mapping[str, str]:
        """Prompt texts by name."""
        return self._services.prompts

    @property
    def candidates(self) -> Mapping[str, Candidate]:
        """The run's candidate pool by id."""
        return self._services.candidates

    def spec(self, role: str) -> ModelSpec:
        """The model that plays ``role``."""
        return self._services.spec(role)

    def rng(self, node: str, visit: int = 0, index: int = 0) -> random.Random:
        """A generator for one place."""
        return rng(self.seed, f"{self._path}/{node}", visit, index)

    def child(self, name: str, budget: Budget | None = None) -> RunScope:
        """A scope inside this one. Raises :class:`UsageError` beyond depth 4."""
        path = f"{self._path}/{name}"
        if path.count("/") >= MAX_DEPTH:
            raise UsageError(f"strategies are nested deeper than {MAX_DEPTH}: {path}")
        return RunScope(self._services, path, self._ledger.child(budget or Budget()), judging=self._judging)

    def judging(self) -> RunScope:
        """This scope, for who judges."""
        return RunScope(self._services, self._path, self._ledger, judging=True)

    async def wave(
        self, node: str, calls: Sequence[ModelCall], *, consume: Consume, window: int | None = None, visit: int = 0
    ) -> Wave:
        """Make ``calls`` concurrently; see :meth:`core.protocols.Scope.wave`."""
        place = Place(self._path, node, visit)
        if not self._judging:
            calls = await self._services.steering.noted(place, calls)
        return await WaveRun(self._services, self._ledger, place, calls, consume, window).run()

    async def effect(
        self, node: str, name: str, request: Mapping[str, Any], perform: Callable[[], Awaitable[Any]], *, visit: int = 0
    ) -> Any:
        """The journaled value of something that may differ a second time."""
        services = self._services
        key = f"{self._path}/{node}.{visit}.{name}"
        return await services.journal.effect(key, request, perform, elapsed=services.clock.elapsed)

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools of this run by name."""
        return {name: grant.spec for name, grant in self._services.tools.items()}

    async def call_tools(self, node: str, calls: Sequence[ToolRequest], *, visit: int = 0) -> ToolWave:
        """Call tools concurrently; see :meth:`core.protocols.Scope.call_tools`."""
        done = await self._do(node, visit, [ToolDeed(self._services, self, call) for call in calls])
        results = [said and ToolResult(output=said["output"], error=said["error"]) for said in done.responses]
        return ToolWave(tuple(results), done.stop_reason)

    async def execute(self, node: str, programs: Sequence[str], *, limits: Limits, visit: int = 0) -> Executions:
        """Run programs concurrently; see :meth:`core.protocols.Scope.execute`."""
        done = await self._do(node, visit, [ProgramDeed(self._services, code, limits) for code in programs])
        results = [said and Execution.model_validate(said) for said in done.responses]
        return Executions(tuple(results), done.stop_reason)

    async def embed(self, node: str, spec: ModelSpec, request: EmbedRequest, *, visit: int = 0) -> EmbedReply:
        """Have a model make vectors; see :class:`.embed_call.EmbedCall`."""
        return await EmbedCall(self._services, self._ledger, Place(self._path, node, visit), spec, request).make()

    async def _do(self, node: str, visit: int, deeds: Sequence[Deed]) -> Done:
        return await DeedWave(self._services, self._ledger, Place(self._path, node, visit), deeds).run()

    async def same_answer(self, a: Answer, b: Answer) -> bool:
        """Whether two answers are equal. ``unknown`` (the worker was killed or cannot read them) counts as different."""
        known = plain_same(a, b)
        if known is not None:
            return known
        request = {"a": [a.value, a.unit], "b": [b.value, b.unit]}

        async def judge() -> bool | None:
            return await self._services.judge.same(a.value, b.value)

        return bool(await self.effect("answers", hash_json(request)[:16], request, judge))

    def add(self, candidate: Candidate) -> None:
        """Put a candidate into the pool."""
        self._services.candidates[candidate.id] = candidate
        self.emit(CandidateAdded(scope=self._path, node=candidate.id, candidate=candidate))

    def rate(self, candidate: str, score: Score, *, node: str, visit: int = 0, index: int = 0) -> None:
        """Give a candidate of the pool a further score."""
        pool = self._services.candidates
        pool[candidate] = pool[candidate].with_score(score)
        self.emit(CandidateScored(scope=self._path, node=node, visit=visit, index=index, candidate=candidate, score=score))

    def emit(self, event: Event) -> None:
        """Append an event to the run's log."""
        self._services.log.emit(event)
