"""``generative``: each step is examined in words and by a program that is run, and then judged.

Source: Zhao et al. 2025, GenPRM (arXiv 2504.00891): analysis, a Python check whose output joins the conversation (three runs at
most, words alone where there is no program), a verdict, the reward P(Yes) / (P(Yes) + P(No)) at its place, the mean over N
examinations. We differ in four points:

* The model was not trained for it. It is told what to do, and the probability is asked for in a last turn, a single token that
  begins with Yes or No, after an analysis from which its own verdict line was taken off. That needs log-probabilities and nothing
  else; reading the token inside the reply needs those of every token, continuing the reply a server that can do so.
* A step is examined on its own, shown the steps before it and not what was said about them, so that all steps of all candidates
  are examined at a time and an examination cannot hand its mistake to the next. In the paper it is one long conversation.
* Steps after the first that is wrong are judged too. That they count as wrong is a rule for labels; the first error does not
  depend on them, and waiting for each verdict would take as many rounds as there are steps.
* What a reply says after its program is cut off: it was written without the output.

A declared fallback is an event: a model without log-probabilities, and a reply that begins with neither Yes nor No (a thinking
model), are read by the written verdict. One that cannot be read is asked for once more; after that the step has no score, and so
the candidate has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from statistics import fmean
from typing import Literal

from pydantic import Field, model_validator

from ....core.budget import CallBounds
from ....core.candidate import Candidate, Score
from ....core.model_spec import Ability, ModelSpec
from ....core.problem import Message, Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....core.sandbox import Limits
from ....core.steps import ends_of
from ....core.usage import Usage
from ...quoted import asking, conversation, defused, fill
from ..dialogues import run_programs
from ..rating import Ratings, Scores
from ..rounds import Rounds
from ..step_scores import Aggregate, aggregate
from ..verifier import Verifier, VerifierConfig, Workload, playing
from .examination import AGAIN, LABEL, OUTPUT, Examination, Rules

NAME = "generative"
_CODE, _WORDS = "generative.code", "generative.words"


class GenerativeConfig(VerifierConfig):
    """Options of ``generative``."""

    mode: Literal["labels", "verdict"] = "labels"
    """``labels``: P(Yes) of one word in a last turn. ``verdict``: the written verdict, a call less for each examination."""
    samples: int = Field(default=1, ge=1, le=64)
    """Examinations of a step, averaged; more than one needs a temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of examinations."""
    max_tokens: int = Field(default=768, gt=0)
    """Completion tokens a reply may use."""
    code: bool = True
    """Whether programs are asked for and run. Without, steps are examined in words, and no sandbox is needed."""
    checks: int = Field(default=3, ge=1, le=16)
    """Programs that are run in an examination at most."""
    limits: Limits = Limits()
    """What each program may take, such as ``--set verifier_options.limits.seconds=2``."""
    aggregate: Aggregate = "min"
    """How the steps' scores become one: last, min, mean or product."""
    least_mass: float = Field(default=0.1, gt=0, le=1)
    """Yes and No with less probability than this together are no verdict: the model was about to write something else."""

    @model_validator(mode="after")
    def _samples_differ(self) -> GenerativeConfig:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples need a temperature above 0, or they would all be the same")
        return self


class _Examining:
    """One scoring of some candidates."""

    def __init__(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: GenerativeConfig, node: str, visit: int
    ) -> None:
        self._scope, self._problem = scope, problem
        self._config, self._node, self._visit = config, node, visit
        self._spec = scope.spec(config.role)
        self._ratings = Ratings(scope, candidates, node=node, visit=visit)
        self._cuts = [candidate.cut() for candidate in self._ratings.groups]
        self._by_label = config.mode == "labels" and Ability.LOGPROBS in self._spec.abilities
        self._all = self._begun()
        self._of_group: list[list[Examination]] = [[] for _ in self._cuts]
        for each in self._all:
            self._of_group[each.group].append(each)
        self._rounds = Rounds(scope, self._ratings, self._all, self._score, role=config.role, node=node, visit=visit)

    async def run(self) -> Scores:
        """Examine every step, and rate every candidate whose steps were all judged."""
        if self._all and self._config.mode == "labels" and not self._by_label:
            said = f"{self._spec.name} gives no log-probabilities, so that it writes its verdicts"
            self._rounds.warn("generative_without_logprobs", said)
        self._rounds.rate_done()  # solutions without a step
        reason, turn = StopReason.FINISHED, 0
        while reason is StopReason.FINISHED and not all(each.done for each in self._all):
            reason = await self._rounds.ask()
            if reason is StopReason.FINISHED:
                node = f"{self._node}-run-{turn}"
                reason = await run_programs(self._scope, self._all, self._config.limits, node=node, visit=self._visit)
            turn += 1
        unlabelled = sum(each.unlabelled for each in self._all)
        if unlabelled and reason is not StopReason.STEERED:
            said = f"in {unlabelled} of {len(self._all)} examinations {self._spec.name} began with neither Yes nor No"
            self._rounds.warn("generative_label_mass", f"{said}; the verdict that it wrote was read")
        return self._ratings.scores(reason)

    def _begun(self) -> list[Examination]:
        config = self._config
        rules = Rules(
            prompts=self._scope.prompts,
            checks=config.checks if config.code else 0,
            by_label=self._by_label,
            least_mass=config.least_mass,
            max_tokens=config.max_tokens,
            temperature=config.temperature,
        )
        shown, number = conversation(self._problem.messages), count()
        return [
            Examination(group, next(number), messages, rules, step, sample)
            for group, steps in enumerate(self._cuts)
            for step, messages in enumerate(self._openings(shown, steps))
            for sample in range(config.samples)
        ]

    def _openings(self, shown: str, steps: Sequence[str]) -> Iterator[tuple[Message, ...]]:
        """What is said first about each step. Those of one solution begin alike, so that a server reads the beginning once."""
        prompt = self._scope.prompts[_CODE if self._config.code else _WORDS]
        quoted = ""
        for number, step in enumerate(steps, start=1):
            quoted += f'<step number="{number}">\n{defused(step).strip()}\n</step>\n'
            text = fill(prompt, conversation=shown, steps=quoted.rstrip(), number=str(number))
            yield (asking(text, self._problem.messages),)

    def _score(self, group: int, usage: Usage) -> Score:
        """The score of a group whose examinations are all done."""
        steps, mine = self._cuts[group], self._of_group[group]
        values = tuple(
            _mean([each.value for each in mine if each.step == step and each.value is not None]) for step in range(len(steps))
        )
        value = aggregate(values, self._config.aggregate)
        return Score(
            verifier=NAME,
            value=value,
            raw=value,
            steps=values,
            ends=ends_of(steps),
            rationale="\n\n".join(map(_told, mine)) or "the solution holds no step",
            evidence=tuple(check for each in mine for check in each.checks),
            usage=usage,
        )


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _told(examination: Examination) -> str:
    said = "\n\n".join(filter(None, [*examination.words, examination.failure]))
    return f"Step {examination.step + 1}: {said or 'nothing was said'}"


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: GenerativeConfig, *, node: str, visit: int = 0
) -> Scores:
    return await _Examining(scope, problem, candidates, config, node, visit).run()


def _cost(config: GenerativeConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    """An examination is one reply, one after each program, a label, and a written verdict where that cannot be read.

    At least, one solution is that of every candidate and has one step; at most, each has all of ``work.steps``.
    """
    able = playing(team, config.role).abilities
    label = int(config.mode == "labels" and Ability.LOGPROBS in able)
    first = 1 if Ability.N in able else config.samples
    least = first + config.samples * label
    most = first + config.samples * ((config.checks if config.code else 0) + label + 1)
    return CallBounds(least, work.candidates * work.steps * most)


def _prompts(_problem: Problem, config: GenerativeConfig) -> tuple[str, ...]:
    opening = (_CODE, OUTPUT) if config.code else (_WORDS,)
    return (*opening, *((LABEL,) if config.mode == "labels" else ()), AGAIN)


VERIFIER = Verifier(
    name=NAME,
    summary="Examine each step in words and by a program that is run, then judge it.",
    paper="Zhao et al. 2025, GenPRM (arXiv 2504.00891), with a model that was not trained for it",
    config=GenerativeConfig,
    score=_score,
    cost=_cost,
    prompts=_prompts,
    uses=frozenset({Ability.LOGPROBS, Ability.N}),
    runs_code=lambda config: config.code,
)
