"""Runs for the conformance suites: a session in a temporary folder where every role is played by a scripted model of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.calls import ChatRequest, LabelRequest, Reply, ScoreReply, ScoreRequest
from ..core.errors import ModelError
from ..core.events import Event
from ..core.model_spec import Ability, ModelSpec, RewardForm
from ..core.problem import AnswerKind, Problem
from ..core.protocols import OnText
from ..core.result import Result
from ..core.sandbox import Execution
from ..graphs.registry import STRATEGIES
from ..graphs.strategy import Strategy
from ..models.gateway import ModelGateway, RetryPolicy
from ..runtime.services import Listener
from ..runtime.session import Session
from ..runtime.settings import load_settings
from .completions import Script
from .loopback import Latency
from .sandbox import ScriptedSandbox, bound_answer
from .scripted import ScriptedCall, ScriptedModel, fake_spec

ABLE = frozenset({Ability.CHAT, Ability.SEED, Ability.LOGPROBS})
"""What the scripted models can do besides what the subject needs."""


def several_answers(prompt: str, sample: int) -> str:  # noqa: ARG001 - the shape of a ReplyFunction
    """Answers that agree and differ by sample: 1, 1, 2, then from the start."""
    return f"FAKE reply number {sample}. The answer is \\boxed{{{(1, 1, 2)[sample % 3]}}}."


@dataclass(frozen=True)
class Trial:
    """What is run: a strategy under options, a question, and what each role's model replies."""

    strategy: Strategy[Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    question: str | Problem = "How much is 1 + 1?"
    answer_kind: AnswerKind | str = AnswerKind.NUMBER
    replies: Mapping[str, Script] = field(default_factory=dict)
    """By role; :func:`several_answers` for a role that is not in it."""
    latency: Latency = 0.0
    fail: Callable[[ScriptedCall], ModelError | None] | None = None
    abilities: frozenset[Ability] = ABLE
    execute: Callable[[str], Execution] = bound_answer
    """What comes of a program."""
    reward: RewardForm | None = None
    """How a model that must be able to ``reward`` is asked."""
    _made: list[Ran] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def specs(self) -> dict[str, ModelSpec]:
        """By role."""
        needed = self.strategy.needs(self.strategy.configure(self.options))
        return {
            role: fake_spec(f"fake-{role}", abilities, reward=self.reward)
            if Ability.REWARD in abilities
            else fake_spec(f"fake-{role}", self.abilities | abilities)
            for role, abilities in needed.items()
        }

    @asynccontextmanager
    async def session(self, folder: Path) -> AsyncIterator[tuple[Session, Cast]]:
        """A session whose store lies in ``folder``, and the models it reaches."""
        cast = Cast(self)
        settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")
        gateway = ModelGateway(transports={"direct": cast}, scorer=cast, retry=RetryPolicy(max_attempts=1))
        models = {spec.name: spec for spec in self.specs.values()}
        with STRATEGIES.having(self.strategy.name, self.strategy):
            async with Session(
                settings=settings, store=folder / "runs.db", gateway=gateway, models=models, sandbox=cast.sandbox
            ) as session:
                yield session, cast

    async def solve(
        self, session: Session, *, budget: str | None = None, run_id: str | None = None, listener: Listener | None = None
    ) -> Ran:
        """One run."""
        heard: list[Event] = []
        result = await session.solve(
            self.question,
            strategy=self.strategy.name,
            team={role: spec.name for role, spec in self.specs.items()},
            options=self.options,
            answer_kind=self.answer_kind,
            seed=0,
            budget=budget,
            run_id=run_id,
            listener=listener or heard.append,
        )
        return Ran(result, heard)

    async def run(self, *, budget: str | None = None) -> Ran:
        """One run in a session of its own, with the calls it made."""
        with temporary_folder() as folder:
            async with self.session(folder) as (session, cast):
                ran = await self.solve(session, budget=budget)
                ran.calls = cast.calls
                return ran

    async def once(self) -> Ran:
        """One run, the same however often it is asked for: for checks that look at a run and do not need one of their own."""
        if not self._made:
            self._made.append(await self.run())
        return self._made[0]


class Cast:
    """A transport, and a scorer, that has a scripted model for every role."""

    def __init__(self, trial: Trial) -> None:
        self.calls: list[ScriptedCall] = []
        """Of all roles, in order."""
        self.sandbox = ScriptedSandbox(trial.execute)
        """Runs the strategy's programs, and its tools' ones."""
        self._fail = trial.fail
        self._models = {
            spec.name: ScriptedModel(
                trial.replies.get(role, several_answers), latency=trial.latency, fail=self._note, seed=len(role)
            )
            for role, spec in trial.specs.items()
        }

    def _note(self, call: ScriptedCall) -> ModelError | None:
        call.index = len(self.calls)
        self.calls.append(call)
        return self._fail(call) if self._fail else None

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """See :class:`~symposia.core.protocols.Transport`."""
        model = self._models[spec.name]
        return await model.complete(spec, request, api_key=api_key, timeout=timeout, tag=tag, on_text=on_text)

    async def score(self, spec: ModelSpec, request: ScoreRequest, *, api_key: str | None, timeout: float, tag: str) -> ScoreReply:
        """See :class:`~symposia.core.protocols.Scorer`."""
        return await self._models[spec.name].score(spec, request, api_key=api_key, timeout=timeout, tag=tag)

    async def labels(self, spec: ModelSpec, request: LabelRequest, *, api_key: str | None, timeout: float, tag: str) -> Reply:
        """See :class:`~symposia.core.protocols.Scorer`."""
        return await self._models[spec.name].labels(spec, request, api_key=api_key, timeout=timeout, tag=tag)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Ran:
    """A run that ended."""

    result: Result
    events: list[Event]
    calls: list[ScriptedCall] = field(default_factory=list)

    @property
    def by_role(self) -> Counter[str]:
        """Calls made, by role."""
        return Counter(call.spec.name.removeprefix("fake-") for call in self.calls)

    @property
    def essence(self) -> dict[str, Any]:
        """What must not depend on time, order of arrival or interruptions: all but ids, costs and seconds."""
        return self.result.model_dump(mode="json", exclude={"run_id", "usage", "seconds", "failures"})


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="symposia-conformance-") as folder:
        yield Path(folder)


async def break_off(trial: Trial, folder: Path, run_id: str, replies: int) -> None:
    """Begin a run, and break it off when ``replies`` of its calls are answered and no other one will be."""
    begun = itertools.count()
    stalling = replace(trial, latency=lambda _rng: 0.0 if next(begun) < replies else 3600.0)
    answered = asyncio.Event()
    seen = itertools.count(1)

    def hear(event: Event) -> None:
        last = event.type in {"call_finished", "call_failed"} and next(seen) == replies
        if last or (replies == 0 and event.type == "wave_started"):
            answered.set()

    async with stalling.session(folder) as (session, _):
        run = asyncio.create_task(stalling.solve(session, run_id=run_id, listener=hear))
        enough = asyncio.create_task(answered.wait())
        await asyncio.wait({run, enough}, return_when=asyncio.FIRST_COMPLETED)
        run.cancel()
        enough.cancel()
        await asyncio.gather(run, enough, return_exceptions=True)
