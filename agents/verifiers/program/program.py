"""``program``: the solution is translated into a program, and what that computes must be what the solution says.

Source: Liang et al. 2024, collaborative verification (arXiv 2410.05318): CoTnPoT, the agreement of a chain of thought with the
program made of it. There it filters samples before a trained verifier votes; here it is a score, the share of ``samples``
translations that agree. The solution is translated, not the problem solved again: an answer that its own steps do not give
disagrees, and a wrong idea that is computed faithfully agrees. The calls for translating are counted like any others.

A program that computes nothing, but only states a value, is no translation, or every wrong answer would agree with itself. A
translation that cannot be used is asked for once more, with what went wrong as data; after that it says nothing. A solution
without an answer, and answers that no program computes (code, text, calls of tools), get scores without a value, and no call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from pydantic import Field, model_validator

from ....core.budget import CallBounds
from ....core.candidate import Answer, Candidate, Score
from ....core.model_spec import Ability, ModelSpec
from ....core.problem import AnswerKind, Message, Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....core.sandbox import Limits
from ....core.usage import Usage
from ...quoted import asking, conversation, defused, fill
from ..dialogues import run_programs
from ..rating import Ratings, Scores
from ..rounds import Rounds
from ..verifier import Verifier, VerifierConfig, Workload, playing
from .translation import Translation, readings

NAME = "program"
_TRANSLATE, _REPAIR = "program.translate", "program.repair"
_COMPUTED = frozenset({AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.JSON})


class ProgramConfig(VerifierConfig):
    """Options of ``program``."""

    samples: int = Field(default=1, ge=1, le=64)
    """Translations of a solution; more than one needs a temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of translations."""
    max_tokens: int = Field(default=1024, gt=0)
    """Completion tokens a translation may use."""
    repairs: int = Field(default=1, ge=0, le=8)
    """Further attempts at each translation that cannot be used."""
    limits: Limits = Limits()
    """What each program may take, such as ``--set verifier_options.limits.seconds=2``."""

    @model_validator(mode="after")
    def _samples_differ(self) -> ProgramConfig:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples need a temperature above 0, or they would all be the same")
        return self


class _Translating:
    """One scoring of some candidates."""

    def __init__(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: ProgramConfig, node: str, visit: int
    ) -> None:
        self._scope, self._problem = scope, problem
        self._config, self._node, self._visit = config, node, visit
        self._ratings = Ratings(scope, candidates, node=node, visit=visit)
        self._all = self._begun()
        self._rounds = Rounds(scope, self._ratings, self._all, self._score, role=config.role, node=node, visit=visit)

    async def run(self) -> Scores:
        """Translate every solution that has an answer to compare with, and rate every candidate."""
        self._rounds.rate_done()  # what no program can judge
        reason, turn = StopReason.FINISHED, 0
        while reason is StopReason.FINISHED and not all(each.done for each in self._all):
            reason = await self._rounds.ask()
            if reason is StopReason.FINISHED:
                reason = await self._run(turn)
            turn += 1
        return self._ratings.scores(reason)

    async def _run(self, turn: int) -> StopReason:
        """A wave of the sandbox; what its programs computed is compared with what the solutions say."""
        node = f"{self._node}-run-{turn}"
        reason = await run_programs(self._scope, self._all, self._config.limits, node=node, visit=self._visit)
        for each in self._all:
            expected = self._ratings.groups[each.group].answer
            if each.answer is not None and each.agrees is None and expected is not None:
                each.agrees = await self._agree(expected, each.answer)
        self._rounds.rate_done()
        return reason

    def _begun(self) -> list[Translation]:
        config, prompts = self._config, self._scope.prompts
        sampling = {"max_tokens": config.max_tokens, "temperature": config.temperature}
        kind, number = self._problem.answer_kind, count()
        return [
            Translation(group, next(number), self._opening(candidate), kind, sampling, prompts[_REPAIR], config.repairs)
            for group, candidate in enumerate(self._ratings.groups)
            if self._unfit(candidate) is None
            for _ in range(config.samples)
        ]

    def _unfit(self, candidate: Candidate) -> str | None:
        """Why a solution cannot be judged by a program; None where it can."""
        if self._problem.answer_kind not in _COMPUTED:
            return f"answers of kind {self._problem.answer_kind} are not computed: {NAME} cannot judge them"
        return "the solution has no answer to compare with" if candidate.answer is None else None

    def _opening(self, candidate: Candidate) -> tuple[Message, ...]:
        messages = self._problem.messages
        prompt, solution = self._scope.prompts[_TRANSLATE], defused(candidate.text)
        return (asking(fill(prompt, conversation=conversation(messages), solution=solution), messages),)

    def _score(self, group: int, usage: Usage) -> Score:
        """The score of a group whose translations are all done."""
        candidate, mine = self._ratings.groups[group], [each for each in self._all if each.group == group]
        read = [each for each in mine if each.agrees is not None]
        if read:
            agreeing = sum(each.agrees is True for each in read)
            value = agreeing / len(read)
            gave = ", ".join(dict.fromkeys(str(each.answer) for each in read))
            said = f"the solution says {candidate.answer}; {agreeing} of {len(read)} programs made of it agree: they give {gave}"
        else:
            value = None
            said = self._unfit(candidate) or "; ".join(dict.fromkeys(each.failure for each in mine))
        checks = tuple(check for each in mine for check in each.checks)
        return Score(verifier=NAME, value=value, raw=value, rationale=said, evidence=checks, usage=usage)

    async def _agree(self, expected: Answer, computed: Answer) -> bool:
        for reading in readings(expected):
            if await self._scope.same_answer(reading, computed):
                return True
        return False


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: ProgramConfig, *, node: str, visit: int = 0
) -> Scores:
    return await _Translating(scope, problem, candidates, config, node, visit).run()


def _cost(config: ProgramConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    """None for solutions without an answer; at most each has another text, and each translation all its repairs."""
    first = 1 if Ability.N in playing(team, config.role).abilities else config.samples
    return CallBounds(0, work.candidates * (first + config.samples * config.repairs))


VERIFIER = Verifier(
    name=NAME,
    summary="Translate the solution into a program, run it, and see whether it gives the solution's answer.",
    paper="Liang et al. 2024, collaborative verification (arXiv 2410.05318)",
    config=ProgramConfig,
    score=_score,
    cost=_cost,
    prompts=lambda _problem, _config: (_TRANSLATE, _REPAIR),
    uses=frozenset({Ability.N}),
    runs_code=lambda _config: True,
)
