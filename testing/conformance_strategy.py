"""The conformance suite for strategies."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..agents.prompt_files import load_prompt
from ..agents.verifiers.step_scores import AGGREGATES
from ..core.errors import RejectedError
from ..core.events import EVENT, Event
from ..core.model_spec import Ability
from ..core.problem import AnswerKind, Problem
from ..core.records import EntryStatus
from ..core.result import Status, StopReason
from ..core.sandbox import Execution
from ..graphs.strategy import Strategy
from .completions import Script
from .conformance import Broken, Check, checks, expect, expect_options, expect_sentence
from .conformance_runs import ABLE, Ran, Trial, break_off, temporary_folder
from .loopback import Latency
from .sandbox import bound_answer

NAME = re.compile(r"[a-z][a-z0-9]*([-.][a-z0-9]+)*")
"""How strategies, verifiers and nodes are named."""
SELECTORS = {
    "majority",
    "weighted",
    "best-of",
    "judge",
    "aggregate",
    "first",
    "agreement",
    "remedy",
    "sticker",
    "forward",
    "inverse",
    "question",
    *(f"{kind}-{how}" for kind in ("weighted", "best-of") for how in AGGREGATES),
}
"""Names that selections may have: readers of results compare strategies by them."""
_ORDERS = 2
"""Orders of arrival that are tried; more of them find nothing new."""
_BUDGET = 4
"""The largest budget that is tried, in calls. A run that stops early may have no need of more: its last ones come late."""


def strategy_conformance(
    strategy: Strategy[Any],
    *,
    options: Mapping[str, Any] | None = None,
    question: str | Problem = "How much is 1 + 1?",
    answer_kind: AnswerKind | str = AnswerKind.NUMBER,
    replies: Mapping[str, Script] | None = None,
    execute: Callable[[str], Execution] = bound_answer,
) -> list[Check]:
    """What every strategy must keep to, each point a check.

    Args:
        strategy: the registry entry; it need not be installed.
        options: under which it is tried; choose them so that it makes several calls, but not many.
        question: what it is asked.
        answer_kind: the kind of answer, one that it can work on.
        replies: by role, what that role's model answers; by default numbers that agree and differ by sample.
        execute: what comes of a program; by default what it binds ``answer`` to.
    """
    trial = Trial(strategy, options or {}, question, answer_kind, replies or {}, execute=execute)
    rules = StrategyRules(trial)
    return checks(strategy.name, [getattr(rules, name) for name in vars(StrategyRules) if not name.startswith("_")])


class StrategyRules:
    """Each public method is a check; its docstring's first line is the rule."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    async def card(self) -> None:
        """Its registry entry says what it is, in the usual form."""
        strategy = self._trial.strategy
        expect(NAME.fullmatch(strategy.name), f"{strategy.name!r} is no name of the form word-word")
        expect_sentence(strategy.summary, "summary")
        expect(strategy.paper, "no paper is named; where there is none, say whose idea it is")
        expect(strategy.kinds, "it can work on no kind of answer")
        problem = _problem(self._trial)
        for name in strategy.prompt_names(problem, strategy.configure(self._trial.options)):
            load_prompt(name)

    async def config(self) -> None:
        """Its config is frozen, explains each option, refuses unknown ones, and survives being stored."""
        expect_options(self._trial.strategy.config)

    async def cost(self) -> None:
        """It makes as many calls as its cost formula says, by roles that it declares."""
        for abilities in (ABLE, ABLE | {Ability.N}):
            trial = replace(self._trial, abilities=abilities)
            ran, config = await trial.run(), trial.strategy.configure(trial.options)
            least, most = trial.strategy.cost(config, trial.specs, _problem(trial))
            batched = "with" if Ability.N in abilities else "without"
            made = len(ran.calls)
            expect(least <= made <= most, f"{made} calls {batched} n in one request, where its formula says {least} to {most}")
            expect(set(ran.by_role) <= set(trial.specs), f"calls of roles that it does not declare: {sorted(ran.by_role)}")

    async def outcome(self) -> None:
        """Its outcome speaks of its candidates, by selectors of the usual names."""
        result = (await self._trial.once()).result
        expect(result.status is Status.ANSWERED, f"the run ended {result.status}: {result.error or 'no candidate has an answer'}")
        ids = [candidate.id for candidate in result.candidates]
        expect(len(set(ids)) == len(ids), f"candidates counted twice: {ids}")
        expect(all(candidate.counted for candidate in result.candidates), "late candidates among those that count")
        path = f"{self._trial.strategy.name}/"
        expect(all(key.startswith(path) and "#" in key for key in ids), f"ids that do not name their call: {ids}")
        answers = {candidate.id: candidate.answer for candidate in result.candidates}
        expect(result.candidate is not None and result.candidate.id in answers, "the pick is no candidate that counts")
        expect(result.decided_by in result.selections, f"it says that {result.decided_by} decided, which made no selection")
        for name, selection in result.selections.items():
            expect(name in SELECTORS, f"{name!r} is none of the selectors: {', '.join(sorted(SELECTORS))}")
            if selection.candidate is not None:
                picked = answers.get(selection.candidate)
                expect(picked and picked.text == selection.answer, f"{name} names an answer that its candidate does not have")

    async def unreadable(self) -> None:
        """Where no reply holds an answer there is none, and no error."""
        ran = await replace(self._trial, replies=dict.fromkeys(self._trial.specs, "FAKE: no idea.")).run()
        readable = any(candidate.answer for candidate in ran.result.candidates)
        expect(readable or ran.result.status is Status.NO_ANSWER, f"the run ended {ran.result.status}")

    async def failures(self) -> None:
        """Failed calls end no run: survivors carry on, and where there is none the run fails with a result."""
        whole = await self._trial.once()
        if whole.by_role["policy"] > 1:
            maimed = await replace(self._trial, fail=_fails(0)).run()
            expect(maimed.result.candidates, "no candidate is left where the first of several calls failed")
        none = await replace(self._trial, fail=_fails()).run()
        expect(none.result.status is Status.FAILED, f"the run ended {none.result.status} where every call failed")
        given = len(_problem(self._trial).solutions)
        expect(len(none.result.candidates) == given, "candidates were made of failed calls")

    async def budget(self) -> None:
        """A budget that ends early gives the best there is, and is kept."""
        full = len((await self._trial.once()).calls)
        for calls in _spread(1, min(full - 1, _BUDGET)):
            ran = await self._trial.run(budget=f"calls={calls}")
            expect(len(ran.calls) <= calls, f"{len(ran.calls)} calls under a budget of {calls}")
            expect(ran.result.stop_reason is StopReason.BUDGET, f"it stopped as {ran.result.stop_reason} under calls={calls}")

    async def order(self) -> None:
        """The order in which replies arrive changes nothing."""
        still = await self._trial.once()
        for seed in range(_ORDERS):
            shuffled = await replace(self._trial, latency=_shuffled(seed)).run()
            _same(still, shuffled, "with other latencies")

    async def replay(self) -> None:
        """A finished run is reproduced from its journal, without a call of a model and without running a program."""
        with temporary_folder() as folder:
            async with self._trial.session(folder) as (session, cast):
                ran = await self._trial.solve(session)
                made, programs = len(cast.calls), len(cast.sandbox.programs)
                replayed = Ran(await session.replay(ran.result.run_id), [])
                expect(len(cast.calls) == made, "the replay made calls")
                expect(len(cast.sandbox.programs) == programs, "the replay ran programs")
        _same(ran, replayed, "replayed")
        expect(ran.result.usage == replayed.result.usage, "the replay costs something else")

    async def resume(self) -> None:
        """A run that was broken off anywhere ends as if nothing had happened, and makes no answered call again."""
        whole = await self._trial.once()
        for replies in _spread(0, len(whole.calls)):
            with temporary_folder() as folder:
                await break_off(self._trial, folder, "broken", replies)
                async with self._trial.session(folder) as (session, cast):
                    journal = await session.store.journal("broken")
                    answered = {entry.key for entry in journal if entry.status is EntryStatus.DONE}
                    resumed = await self._trial.solve(session, run_id="broken")
                    again = answered & {call.tag.partition("/")[2] for call in cast.calls}
            _same(whole, resumed, f"resumed after {replies} replies")
            expect(not again, f"answered calls were made again after {replies} replies: {sorted(again)}")

    async def events(self) -> None:
        """Every event is a fact of its own, with an id that no other has and nodes of the usual names."""
        ran = await self._trial.once()
        facts: dict[str, Event] = {}
        for event in ran.events:
            expect(facts.setdefault(event.id, event) == event, f"two events have the id {event.id}")
            stored = EVENT.validate_json(event.model_dump_json(round_trip=True))
            expect(stored == event, f"{event.id} does not survive being stored")
        nodes = {event.node for event in ran.events if event.type == "wave_started"}
        expect(nodes, "it made no wave")
        for node in nodes:
            expect(NAME.fullmatch(node), f"{node!r} is no name of a node of the form word-word")

    async def apart(self) -> None:
        """Runs of one process know nothing of each other, nor of Python's global randomness."""
        state = random.getstate()
        try:
            random.seed(1)
            one, other = await asyncio.gather(self._trial.run(), self._trial.run())
            random.seed(2)
            again = await self._trial.run()
        finally:
            random.setstate(state)
        _same(one, other, "beside another run")
        _same(one, again, "a second time in one process, with another state of the global random generator")


def _problem(trial: Trial) -> Problem:
    return Problem.of(trial.question, answer_kind=trial.answer_kind)


def _spread(least: int, most: int) -> list[int]:
    """The ends and the middle of a range, where there is one: more budgets and places of a crash find nothing new."""
    return sorted({least, (least + most) // 2, most}) if least <= most else []


def _fails(*indices: int) -> Any:
    """Lets these calls fail for good; all of them where none is given."""
    return lambda call: RejectedError("FAKE rejection") if not indices or call.index in indices else None


def _shuffled(seed: int) -> Latency:
    """Latencies of 0 to 20 ms, long enough apart to overtake; under seed 0 each call is answered before the one before it."""
    draws = random.Random(seed)  # noqa: S311 - reproducible latencies
    begun = itertools.count()
    return lambda _rng: draws.choice((0.0, 0.01, 0.02)) if seed else max(0.0, 0.03 - 0.01 * next(begun))


def _same(one: Ran, other: Ran, how: str) -> None:
    before, after = one.essence, other.essence
    differing = [key for key in before if before[key] != after[key]]
    if differing:
        key = differing[0]
        raise Broken(f"{how}, {', '.join(differing)} differ: {key} was {_short(before[key])} and is {_short(after[key])}")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else f"{text[:117]}…"
