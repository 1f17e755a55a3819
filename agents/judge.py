"""``judge``: a language model asked whether a solution is correct.

``labels`` asks for one word and reads P(Yes) = p(Yes) / (p(Yes) + p(No)) off the probabilities of the reply's first token: Zhang
et al. 2024, Generative Verifiers (arXiv 2408.15240), direct form. ``verdict`` lets the model reason first and reads the score it
writes on its last line, averaged over ``samples``: the chain-of-thought form, but for the number, which stands in for P(Yes) at
the verdict token, since that is not to be had from every server.

A verdict that cannot be read is asked for once more, in the written form. Three fallbacks are declared as events: a model that
gives no log-probabilities is asked in the written form at once, one that begins with something else than Yes or No (a thinking
model) after its first reply, and a second unreadable verdict is a score without a value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Literal

from pydantic import ConfigDict, Field, model_validator

from ..core.base import Frozen
from ..core.budget import CallBounds
from ..core.calls import CallResult, ChatRequest, Choice, FinishReason, ModelCall
from ..core.candidate import Candidate, Score
from ..core.events import Warned
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message, Problem
from ..core.protocols import Scope
from ..core.random import sample_seed
from ..core.result import StopReason
from ..core.usage import Usage
from .quoted import asking, conversation, defused, fill
from .verdicts import LABELS, written_verdict, yes_probability
from .verifier import ROLE, Scores, Verifier, alike

NAME = "judge"
_LABELS, _VERDICT, _AGAIN = "verifier.labels", "verifier.verdict", "verifier.again"


class JudgeConfig(Frozen):
    """Options of ``judge``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    mode: Literal["labels", "verdict"] = "labels"
    """``labels``: one word, P(Yes) of its first token, no reasoning. ``verdict``: reason first, then a written score."""
    samples: int = Field(default=1, ge=1, le=64)
    """Verdicts a candidate, averaged; more than one needs mode verdict and a temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of verdicts."""
    max_tokens: int = Field(default=512, gt=0)
    """Completion tokens a written verdict may use."""
    least_mass: float = Field(default=0.1, gt=0, le=1)
    """Labels with less probability than this together are no verdict: the model was about to write something else."""

    @model_validator(mode="after")
    def _samples_differ(self) -> JudgeConfig:
        if self.samples > 1 and (self.mode == "labels" or self.temperature == 0):
            raise ValueError("several samples need mode=verdict and a temperature above 0, or they would all be the same")
        return self


class _Tried:
    """What came back about the candidates of one text so far."""

    def __init__(self, places: list[int]) -> None:
        self.places = places
        self.values: list[float] = []
        self.texts: list[str] = []
        self.usage = Usage()
        self.replies = 0
        self.failure = ""
        self.awaited = 0
        """Calls of the present wave that are not back yet."""

    def take(self, result: CallResult, spec: ModelSpec, read: Callable[[Choice], float | None]) -> None:
        """Keep what could be read of a result, and what it cost."""
        self.awaited -= 1
        if result.reply is None:
            self.failure = result.failure.message if result.failure else ""
            return
        self.replies += 1
        self.usage += spec.cost(result.reply)
        self.values += [value for value in map(read, result.reply.choices) if value is not None]

    @property
    def unreadable(self) -> bool:
        """Whether the judge replied, but said nothing that can be read."""
        return self.replies > 0 and not self.values

    def score(self) -> Score:
        """The score, as final."""
        value = fmean(self.values) if self.values else None
        said = "\n\n".join(filter(None, self.texts))
        return Score(verifier=NAME, value=value, raw=value, rationale=said or self.failure, usage=self.usage)


class _Judging:
    """One scoring of some candidates: a wave that asks about each distinct text, and one that asks again where need be."""

    def __init__(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: JudgeConfig, node: str, visit: int
    ) -> None:
        self._scope, self._problem, self._candidates = scope, problem, candidates
        self._config, self._node, self._visit = config, node, visit
        self._spec = scope.spec(ROLE)
        self._tried = [_Tried(places) for places in alike(candidates)]
        self._scores: dict[str, Score] = {}
        self._by_labels = config.mode == "labels" and Ability.LOGPROBS in self._spec.abilities

    async def run(self) -> Scores:
        """Ask, ask again, and rate every candidate that was reached."""
        if not self._tried:
            return Scores({}, StopReason.FINISHED)
        if self._config.mode == "labels" and not self._by_labels:
            self._warn("judge_without_logprobs", f"{self._spec.name} gives no log-probabilities, so that it writes its verdicts")
        calls = [[self._labels_call(tried)] if self._by_labels else self._verdict_calls(tried) for tried in self._tried]
        reason = await self._wave(self._node, self._tried, calls, by_labels=self._by_labels)
        unread = [tried for tried in self._tried if tried.unreadable]
        if unread and reason is StopReason.FINISHED:
            if self._by_labels:
                said = f"for {len(unread)} of {len(self._tried)} texts {self._spec.name} began with neither Yes nor No"
                self._warn("judge_label_mass", f"{said}; it was asked for a written verdict")
            again = [self._verdict_calls(tried) if self._by_labels else [self._again_call(tried)] for tried in unread]
            reason = await self._wave(f"{self._node}-again", unread, again, by_labels=False)
        if reason is not StopReason.STEERED:  # a stopped run goes on when it is resumed: nothing is final yet
            for tried in self._tried:
                self._settle(tried)
        return Scores(self._scores, reason)

    async def _wave(self, node: str, asked: list[_Tried], calls: list[list[ModelCall]], *, by_labels: bool) -> StopReason:
        owners = [tried for tried, its in zip(asked, calls, strict=True) for _ in its]
        for tried, its in zip(asked, calls, strict=True):
            tried.awaited = len(its)

        async def consume(result: CallResult) -> bool:
            tried = owners[result.index]
            tried.take(result, self._spec, self._label if by_labels else _written)
            if result.reply is not None and not by_labels:
                tried.texts += [choice.text.strip() for choice in result.reply.choices]
            if tried.awaited == 0 and not tried.unreadable:
                self._settle(tried)
            return False

        wave = await self._scope.wave(node, [call for its in calls for call in its], consume=consume, visit=self._visit)
        return wave.stop_reason

    def _label(self, choice: Choice) -> float | None:
        return yes_probability(choice.labels, self._config.least_mass)

    def _settle(self, tried: _Tried) -> None:
        """Rate the candidates of one text, once; the cost stands with the first of them."""
        if self._candidates[tried.places[0]].id in self._scores or not (tried.replies or tried.failure):
            return
        score = tried.score()
        for place in tried.places:
            candidate = self._candidates[place].id
            self._scores[candidate] = score
            self._scope.rate(candidate, score, node=self._node, visit=self._visit, index=place)
            score = score.model_copy(update={"usage": Usage()})

    def _labels_call(self, tried: _Tried) -> ModelCall:
        return self._call(self._asked(_LABELS, tried), max_tokens=1, labels=LABELS)

    def _verdict_calls(self, tried: _Tried) -> list[ModelCall]:
        config, messages = self._config, self._asked(_VERDICT, tried)
        many = config.samples if config.samples > 1 and Ability.N in self._spec.abilities else 1
        return [
            self._call(
                messages,
                max_tokens=config.max_tokens,
                temperature=config.temperature,
                n=many,
                seed=self._seed(tried.places[0] * config.samples + sample),
            )
            for sample in range(config.samples // many)
        ]

    def _again_call(self, tried: _Tried) -> ModelCall:
        said = Message(role="assistant", content=tried.texts[-1] or "(nothing)")
        more = Message(role="user", content=self._scope.prompts[_AGAIN])
        return self._call((*self._asked(_VERDICT, tried), said, more), max_tokens=self._config.max_tokens)

    def _asked(self, prompt: str, tried: _Tried) -> tuple[Message, ...]:
        messages = self._problem.messages
        solution = defused(self._candidates[tried.places[0]].text)
        text = fill(self._scope.prompts[prompt], conversation=conversation(messages), solution=solution)
        return (asking(text, messages),)

    def _seed(self, index: int) -> int:
        return sample_seed(self._scope.seed, f"{self._scope.path}/{self._node}", self._visit, index)

    @staticmethod
    def _call(messages: tuple[Message, ...], **request: object) -> ModelCall:
        return ModelCall(role=ROLE, request=ChatRequest.model_validate({"messages": messages, **request}))

    def _warn(self, code: str, message: str) -> None:
        self._scope.emit(
            Warned(scope=self._scope.path, node=f"{self._node}.{code}", visit=self._visit, code=code, message=message)
        )


def _written(choice: Choice) -> float | None:
    # "Score: 8" may be the beginning of 85.
    return None if choice.finish_reason is FinishReason.LENGTH else written_verdict(choice.text)


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: JudgeConfig, *, node: str, visit: int = 0
) -> Scores:
    return await _Judging(scope, problem, candidates, config, node, visit).run()


def _cost(config: JudgeConfig, spec: ModelSpec, count: int) -> CallBounds:
    """One text may be that of every candidate; each text may have to be asked about again."""
    first = config.samples if Ability.N not in spec.abilities else 1
    return CallBounds(first, count * (first + 1))


VERIFIER = Verifier(
    name=NAME,
    summary="Ask a language model whether the solution is correct.",
    paper="Zhang et al. 2024, Generative Verifiers (arXiv 2408.15240), with a model that was not trained for it",
    config=JudgeConfig,
    score=_score,
    cost=_cost,
    prompts=lambda _problem: (_LABELS, _VERDICT, _AGAIN),
    uses=frozenset({Ability.LOGPROBS, Ability.N}),
)
