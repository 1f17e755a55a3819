"""The conformance suite for verifiers: each is tried as the one that ``best-of-n`` asks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from ..agents.prompt_files import load_prompt
from ..agents.verifier import ROLE, VERIFIERS, Verifier
from ..core.candidate import Score
from ..core.errors import RejectedError
from ..core.problem import Problem
from ..core.result import Status
from ..graphs.registry import STRATEGIES
from .completions import Script
from .conformance import Check, checks, expect, expect_options, expect_sentence
from .conformance_runs import Ran, Trial
from .conformance_strategy import NAME, StrategyRules

_SAMPLES = ["FAKE reply. The answer is \\boxed{1}.", "FAKE second reply, \\boxed{2}.", "FAKE reply. The answer is \\boxed{1}."]
"""The first and the last are the same text."""
_RUN_RULES = ("budget", "order", "replay", "resume", "events", "apart")
"""Rules for strategies that a verifier must let ``best-of-n`` keep."""


def verifier_conformance(
    verifier: Verifier[Any],
    *,
    options: Mapping[str, Any] | None = None,
    replies: Script | None = None,
    question: str = "How much is 1 + 1?",
) -> list[Check]:
    """What every verifier must keep to, each point a check.

    Args:
        verifier: the registry entry; it need not be installed.
        options: under which it is tried.
        replies: what its model answers: verdicts that it can read. Leave it out for a verifier that asks no model.
        question: what the candidates answer.
    """
    rules = _VerifierRules(verifier, options or {}, replies, question)
    own = [getattr(rules, name) for name, rule in vars(_VerifierRules).items() if inspect.iscoroutinefunction(rule)]
    shared = [rules.shared(name) for name in _RUN_RULES]
    return checks(verifier.name, [_known(verifier, method) for method in (*own, *shared)])


def _known(verifier: Verifier[Any], method: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    @functools.wraps(method)
    async def check() -> None:
        with VERIFIERS.having(verifier.name, verifier):
            await method()

    return check


class _VerifierRules:
    """Each coroutine method is a check; its docstring's first line is the rule."""

    def __init__(self, verifier: Verifier[Any], options: Mapping[str, Any], replies: Script | None, question: str) -> None:
        self._verifier, self._options, self._question = verifier, options, question
        self._replies: dict[str, Script] = {"policy": _SAMPLES} | ({} if replies is None else {ROLE: replies})

    @property
    def _trial(self) -> Trial:
        options = {"n": len(_SAMPLES), "batched": False, "verifier": self._verifier.name, "verifier_options": self._options}
        return Trial(STRATEGIES.get("best-of-n"), options, self._question, replies=self._replies)

    def shared(self, name: str) -> Callable[[], Awaitable[None]]:
        """A rule for strategies; its trial is made when it runs, since only then the verifier is known."""
        rule = getattr(StrategyRules, name)

        @functools.wraps(rule)
        async def check() -> None:
            await rule(StrategyRules(self._trial))

        return check

    def _scores(self, ran: Ran) -> dict[str, Score]:
        """The one score of each candidate that got any."""
        found = {}
        for candidate in ran.result.candidates:
            expect(len(candidate.scores) <= 1, f"{candidate.id} was rated {len(candidate.scores)} times")
            for score in candidate.scores:
                expect(score.verifier == self._verifier.name, f"a score says that {score.verifier} gave it")
                found[candidate.id] = score
        return found

    async def card(self) -> None:
        """Its registry entry says what it is, in the usual form."""
        verifier = self._verifier
        expect(NAME.fullmatch(verifier.name), f"{verifier.name!r} is no name of the form word-word")
        expect_sentence(verifier.summary, "summary")
        expect(verifier.paper, "no paper is named; where there is none, say whose idea it is")
        for name in verifier.prompts(Problem.of(self._question)):
            load_prompt(name)

    async def config(self) -> None:
        """Its config is frozen, explains each option, refuses unknown ones, and survives being stored."""
        expect_options(self._verifier.config)

    async def cost(self) -> None:
        """It makes as many calls as its cost formula says."""
        trial = self._trial
        ran, config = await trial.run(), self._verifier.configure(self._options)
        least, most = self._verifier.cost(config, trial.specs[ROLE], len(_SAMPLES))
        made = ran.by_role[ROLE]
        expect(least <= made <= most, f"{made} calls for {len(_SAMPLES)} candidates, where its formula says {least} to {most}")

    async def scores(self) -> None:
        """Every candidate gets one score, and values keep the order of the raw scores."""
        ran = await self._trial.run()
        expect(ran.result.status is Status.ANSWERED, f"the run ended {ran.result.status}: {ran.result.error}")
        scores = self._scores(ran)
        expect(len(scores) == len(_SAMPLES), f"{len(scores)} of {len(_SAMPLES)} candidates have a score")
        expect(all(score.value is not None for score in scores.values()), "a score without a value, though it could judge")
        expect(all(score.scale == self._verifier.scale for score in scores.values()), "a score of another scale than declared")
        raws = [score.raw for score in scores.values() if score.raw is not None]
        expect(len(raws) == len(scores), "a score without its raw score")
        pairs = sorted(zip(raws, [score.value or 0.0 for score in scores.values()], strict=True))
        expect(
            [value for _, value in pairs] == sorted(value for _, value in pairs), f"values do not rise with raw scores: {pairs}"
        )

    async def alike(self) -> None:
        """Candidates of one text get one score."""
        scores = [score.value for score in self._scores(await self._trial.run()).values()]
        expect(scores[0] == scores[-1], f"the same text scored {scores[0]} and {scores[-1]}")

    async def unreadable(self) -> None:
        """A verdict that cannot be read is a score without a value, never a guess, and ends no run."""
        ran = await replace(self._trial, replies=self._replies | {ROLE: "FAKE: hm."}).run()
        expect(ran.result.status is Status.ANSWERED, f"the run ended {ran.result.status}: {ran.result.error}")
        if ran.by_role[ROLE]:
            guessed = [score.value for score in self._scores(ran).values() if score.value is not None]
            expect(not guessed, f"unreadable verdicts were given the values {guessed}")

    async def failures(self) -> None:
        """Failed calls are scores without a value, and end no run."""
        failing = replace(self._trial, fail=lambda call: RejectedError("FAKE rejection") if ROLE in call.spec.name else None)
        ran = await failing.run()
        expect(ran.result.status is Status.ANSWERED, f"the run ended {ran.result.status}: {ran.result.error}")
        if ran.by_role[ROLE]:
            values = [score.value for score in self._scores(ran).values() if score.value is not None]
            expect(not values, f"failed calls were given the values {values}")
