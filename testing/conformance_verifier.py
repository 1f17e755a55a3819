"""The conformance suite for verifiers: each is tried as the one that ``best-of-n`` asks."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..agents.prompt_files import load_prompt
from ..agents.verifiers.step_scores import aggregate
from ..agents.verifiers.verifier import VERIFIERS, Verifier
from ..core.candidate import Score
from ..core.errors import ModelError, RejectedError
from ..core.model_spec import Ability, RewardForm
from ..core.problem import Problem
from ..core.result import Status
from ..core.sandbox import Execution
from ..graphs.registry import STRATEGIES
from .completions import Script
from .conformance import Check, checks, expect, expect_options, expect_sentence
from .conformance_runs import Ran, Trial
from .conformance_strategy import NAME, StrategyRules
from .sandbox import bound_answer
from .scripted import ScriptedCall

_SAMPLES = [
    "FAKE reply.\n\nThe answer is \\boxed{1}.",
    "FAKE second reply.\n\nSo it is \\boxed{2}.",
    "FAKE reply.\n\nThe answer is \\boxed{1}.",
]
"""Two steps each; the first and the last are the same text."""
_RUN_RULES = ("budget", "order", "replay", "resume", "events", "apart")
"""Rules for strategies that a verifier must let ``best-of-n`` keep."""
_STEP_CLASSIFIER = RewardForm(kind="process", scale="probability")


def verifier_conformance(
    verifier: Verifier[Any],
    *,
    options: Mapping[str, Any] | None = None,
    replies: Script | Mapping[str, Script] | None = None,
    question: str = "How much is 1 + 1?",
    execute: Callable[[str], Execution] = bound_answer,
    reward: RewardForm = _STEP_CLASSIFIER,
    solutions: Sequence[str] = _SAMPLES,
) -> list[Check]:
    """What every verifier must keep to, each point a check.

    Args:
        verifier: the registry entry; it need not be installed.
        options: under which it is tried. One that asks the policy itself must be given another role here.
        replies: what its models answer: verdicts that it can read, for all its roles or by role. Leave it out for a verifier
            that asks no model, or reward models only.
        question: what the candidates answer, in two steps each.
        execute: what comes of a program; by default what it binds ``answer`` to.
        reward: how its reward models are asked; their numbers are shares of vowels.
        solutions: what the candidates say, for a verifier that can judge only some: three texts that end in an answer, the
            first and the last the same.
    """
    rules = _VerifierRules(verifier, options or {}, replies, question, execute, reward, list(solutions))
    own = [getattr(rules, name) for name, rule in vars(_VerifierRules).items() if inspect.iscoroutinefunction(rule)]
    own = [rule for rule in own if not rule.__name__.startswith("_")]
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

    def __init__(
        self,
        verifier: Verifier[Any],
        options: Mapping[str, Any],
        replies: Script | Mapping[str, Script] | None,
        question: str,
        execute: Callable[[str], Execution],
        reward: RewardForm,
        solutions: list[str],
    ) -> None:
        self._verifier, self._options, self._question, self._solutions = verifier, options, question, solutions
        self._given, self._execute, self._reward = replies, execute, reward

    @property
    def _needs(self) -> Mapping[str, frozenset[Ability]]:
        return self._verifier.under(self._options).needs

    @property
    def _trial(self) -> Trial:
        replies: Mapping[str, Script] = {}
        if isinstance(self._given, Mapping):
            replies = self._given
        elif self._given is not None:
            replies = dict.fromkeys(self._needs, self._given)
        return Trial(
            STRATEGIES.get("best-of-n"),
            {"n": len(self._solutions), "batched": False, "verifier": self._verifier.name, "verifier_options": self._options},
            self._question,
            replies={**replies, "policy": self._solutions},
            execute=self._execute,
            reward=self._reward,
        )

    def shared(self, name: str) -> Callable[[], Awaitable[None]]:
        """A rule for strategies; its trial is made when it runs, since only then the verifier is known."""
        rule = getattr(StrategyRules, name)

        @functools.wraps(rule)
        async def check() -> None:
            await rule(StrategyRules(self._trial))

        return check

    def _scores(self, ran: Ran) -> dict[str, Score]:
        """The one score that the verifier gave each candidate, after those of others that it asked."""
        found = {}
        for candidate in ran.result.candidates:
            own = [score for score in candidate.scores if score.verifier == self._verifier.name]
            for score in candidate.scores:
                expect(score.verifier in VERIFIERS.names(), f"a score says that {score.verifier} gave it")
            expect(len(own) <= 1, f"{candidate.id} was rated {len(own)} times")
            if own:
                expect(candidate.scores[-1] is own[0], f"{candidate.scores[-1].verifier} rated after {self._verifier.name}")
                found[candidate.id] = own[0]
        return found

    async def card(self) -> None:
        """Its registry entry says what it is, in the usual form."""
        verifier = self._verifier
        expect(NAME.fullmatch(verifier.name), f"{verifier.name!r} is no name of the form word-word")
        expect_sentence(verifier.summary, "summary")
        expect(verifier.paper, "no paper is named; where there is none, say whose idea it is")
        expect("policy" not in self._needs, "it asks the policy here: give it a role of its own by its options")
        for name in verifier.under(self._options).prompts(Problem.of(self._question)):
            load_prompt(name)

    async def config(self) -> None:
        """Its config is frozen, explains each option, refuses unknown ones, and survives being stored."""
        expect_options(self._verifier.config)
        config = self._verifier.configure(self._options)
        stored = self._verifier.configure(config.model_dump(mode="json"))
        expect(stored == config, "the options under which it is tried do not survive being stored as JSON")

    async def cost(self) -> None:
        """It makes as many calls as its cost formula says, by roles that it declares, and its scores say what they cost."""
        for abilities in (self._trial.abilities, self._trial.abilities | {Ability.N}):
            trial = replace(self._trial, abilities=abilities)
            ran = await trial.run()
            least, most = self._verifier.under(self._options).cost(trial.specs, len(self._solutions))
            made = [call for call in ran.calls if _of_verifier(call)]
            n = len(self._solutions)
            expect(least <= len(made) <= most, f"{len(made)} calls for {n} candidates, where its formula says {least} to {most}")
            roles = {call.spec.name.removeprefix("fake-") for call in made}
            expect(roles <= set(self._needs), f"calls of roles that it does not declare: {sorted(roles)}")
            told = sum(score.usage.calls for score in self._scores(ran).values())
            expect(told == len(made), f"its scores say that they cost {told} calls, and it made {len(made)}")

    async def scores(self) -> None:
        """Every candidate gets one score, and values keep the order of the raw scores."""
        ran = await self._trial.once()
        expect(ran.result.status is Status.ANSWERED, f"the run ended {ran.result.status}: {ran.result.error}")
        scores = self._scores(ran)
        expect(len(scores) == len(self._solutions), f"{len(scores)} of {len(self._solutions)} candidates have a score")
        expect(all(score.value is not None for score in scores.values()), "a score without a value, though it could judge")
        expect(all(score.scale == self._verifier.scale for score in scores.values()), "a score of another scale than declared")
        raws = [score.raw for score in scores.values() if score.raw is not None]
        expect(len(raws) == len(scores), "a score without its raw score")
        pairs = sorted(zip(raws, [score.value or 0.0 for score in scores.values()], strict=True))
        expect(
            [value for _, value in pairs] == sorted(value for _, value in pairs), f"values do not rise with raw scores: {pairs}"
        )

    async def steps(self) -> None:
        """Scores of steps are in [0, 1], cover the candidate's text, and make up its score as its config says."""
        ran, how = await self._trial.once(), getattr(self._verifier.configure(self._options), "aggregate", None)
        scores = self._scores(ran)
        for candidate in ran.result.candidates:
            score = scores.get(candidate.id, Score(verifier="none", value=None))
            if not score.steps:
                continue
            expect(all(step is None or 0 <= step <= 1 for step in score.steps), f"a step's score beyond [0, 1]: {score.steps}")
            cut = candidate.step_texts(score) or candidate.cut()
            expect(cut == candidate.cut(), f"{len(score.steps)} steps were scored where the candidate has {len(candidate.cut())}")
            value = score.value if how is None else aggregate(score.steps, how)
            close = value == score.value or (None not in {value, score.value} and math.isclose(value or 0, score.value or 0))
            expect(close, f"the {how} of {score.steps} is not {score.value}")

    async def alike(self) -> None:
        """Candidates of one text get one score."""
        scores = [score.value for score in self._scores(await self._trial.once()).values()]
        expect(scores[0] == scores[-1], f"the same text scored {scores[0]} and {scores[-1]}")

    async def unreadable(self) -> None:
        """A verdict that cannot be read is a score without a value, never a guess, and ends no run."""
        writers = {role for role, needed in self._needs.items() if Ability.REWARD not in needed}
        garbage = dict.fromkeys(writers, "FAKE: hm.")
        await self._expect_no_values(replace(self._trial, replies={**self._trial.replies, **garbage}), "unreadable verdicts")

    async def failures(self) -> None:
        """Failed calls are scores without a value, and end no run."""
        await self._expect_no_values(replace(self._trial, fail=_refuse), "failed calls")

    async def _expect_no_values(self, trial: Trial, what: str) -> None:
        ran = await trial.run()
        expect(ran.result.status is Status.ANSWERED, f"the run ended {ran.result.status}: {ran.result.error}")
        written = any(_of_verifier(call) and call.spec.reward is None for call in ran.calls)
        if written or (what == "failed calls" and any(map(_of_verifier, ran.calls))):
            values = [score.value for score in self._scores(ran).values() if score.value is not None]
            expect(not values, f"{what} were given the values {values}")


def _of_verifier(call: ScriptedCall) -> bool:
    """Whether the verifier made a call: the policy's own are of the node ``propose``."""
    return "/propose." not in call.tag


def _refuse(call: ScriptedCall) -> ModelError | None:
    return RejectedError("FAKE rejection") if _of_verifier(call) else None
