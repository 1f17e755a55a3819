"""The judge at work: a wave that asks about each distinct solution, and one that asks again where need be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ....core.calls import CallResult, ChatRequest, Choice, FinishReason, LabelRequest, ModelCall
from ....core.candidate import Candidate
from ....core.events import Warned
from ....core.model_spec import Ability
from ....core.problem import AnswerKind, Message, Problem
from ....core.protocols import Scope
from ....core.random import sample_seed
from ....core.result import StopReason
from ....core.steps import MAX_STEPS
from ...quoted import asking, conversation, defused, fill
from ..rating import Ratings, Scores
from ..verdicts import LABELS, WORDS, first_error_index, written_verdict, yes_probability
from ..views import calculates, equations
from .judge_options import JudgeConfig
from .judge_questions import Case, Question, Read

NAME = "judge"
RUBRIC = "judge.rubric"
_COMPUTED = frozenset({AnswerKind.NUMBER, AnswerKind.EXPRESSION})
"""Kinds of answers whose solutions are equations, most often."""


class Wording(NamedTuple):
    """Names of the prompts in which the judge is asked."""

    labels: str
    written: str
    again: str


WORDINGS = {
    "outcome": Wording("verifier.labels", "verifier.verdict", "verifier.again"),
    "step": Wording("judge.step", "judge.step-verdict", "verifier.again"),
    "first-error": Wording("", "judge.first-error", "judge.first-error-again"),
}
"""By the unit that is judged."""


class Ask(NamedTuple):
    """A call, and the questions that it asks: one, or each of them by a choice of the reply."""

    call: ModelCall
    questions: tuple[Question, ...]
    read: Read
    written: bool


class Judging:
    """One scoring of some candidates."""

    def __init__(
        self,
        scope: Scope,
        problem: Problem,
        candidates: Sequence[Candidate],
        config: JudgeConfig,
        *,
        node: str,
        visit: int,
    ) -> None:
        self._scope, self._problem = scope, problem
        self._config, self._node, self._visit = config, node, visit
        self._wording = WORDINGS[config.unit]
        rubric = fill(scope.prompts[RUBRIC], rubric=defused(config.rubric)) + "\n\n" if config.rubric else ""
        self._shared = {"conversation": conversation(problem.messages), "criteria": rubric}
        self._spec = scope.spec(config.role)
        self._ratings = Ratings(scope, candidates, node=node, visit=visit)
        groups = self._ratings.groups
        computing = config.unit == "outcome" and problem.answer_kind in _COMPUTED
        by_equations = config.view == "equations" or (config.view == "auto" and computing)
        worth_it = calculates if config.view == "auto" else equations
        in_full = not (by_equations and any(worth_it(each.text) for each in groups))
        self._unguarded = by_equations and in_full
        self._cases = [Case(group, candidate, config, in_full=in_full) for group, candidate in enumerate(groups)]
        self._unwritten = config.mode == "scoring" or (config.mode == "labels" and Ability.LOGPROBS in self._spec.abilities)

    async def run(self) -> Scores:
        """Ask, ask again, and rate every candidate that was reached."""
        for case in self._cases:
            if not case.questions:
                self._settle(case)
        questions = [question for case in self._cases for question in case.questions]
        if not questions:
            return self._ratings.scores(StopReason.FINISHED)
        if self._unguarded:
            self._warn("judge_in_full", "no solution holds an equation, so that they are shown as they are, with all they say")
        if self._config.mode == "labels" and not self._unwritten:
            self._warn("judge_without_logprobs", f"{self._spec.name} gives no log-probabilities, so that it writes its verdicts")
        reason = await self._wave(self._node, self._first(questions))
        if reason is StopReason.FINISHED and (again := self._again(questions)):
            reason = await self._wave(f"{self._node}-again", again)
        if reason is not StopReason.STEERED:  # a stopped run goes on when it is resumed: nothing is final yet
            for case in self._cases:
                if case.reached:
                    self._settle(case)
        return self._ratings.scores(reason)

    def _first(self, questions: Sequence[Question]) -> list[Ask]:
        if self._config.mode == "scoring":
            return [self._scoring(case) for case in self._cases if case.questions]
        if self._unwritten:
            return [self._labels(question) for question in questions]
        return [ask for question in questions for ask in self._verdicts(question)]

    def _again(self, questions: Sequence[Question]) -> list[Ask]:
        """What is to be asked once more: where no verdict could be read, and where the labels are no tokens of the model."""
        unread = [question for question in questions if question.unreadable]
        if not self._unwritten:
            return [self._repeated(question) for question in unread]
        untold = [question for question in questions if question.untold]
        if unread:
            said = f"for {len(unread)} of {len(questions)} questions {self._spec.name} began with neither Yes nor No"
            self._warn("judge_label_mass", f"{said}; it was asked for a written verdict")
        if untold:
            self._warn("judge_label_tokens", f"{untold[0].failure}; {self._spec.name} was asked for written verdicts")
        return [ask for question in questions if question.unreadable or question.untold for ask in self._verdicts(question)]

    async def _wave(self, node: str, asks: Sequence[Ask]) -> StopReason:
        for ask in asks:
            for question in ask.questions:
                question.awaited += 1

        async def consume(result: CallResult) -> bool:
            ask = asks[result.index]
            if result.reply is None:
                for question in ask.questions:
                    question.fail(result)
            else:
                ask.questions[0].case.usage += self._spec.cost(result.reply)
                choices = result.reply.choices
                shares = [choices] if len(ask.questions) == 1 else [(choice,) for choice in choices]
                for question, share in zip(ask.questions, shares, strict=True):
                    question.hear(share, ask.read, written=ask.written)
            case = ask.questions[0].case
            if case.answered:
                self._settle(case)
            return False

        wave = await self._scope.wave(node, [ask.call for ask in asks], consume=consume, visit=self._visit)
        return wave.stop_reason

    def _settle(self, case: Case) -> None:
        if not self._ratings.rated(case.group):
            self._ratings.rate(case.group, case.score(NAME))

    def _scoring(self, case: Case) -> Ask:
        conversations = tuple(self._asked(self._wording.labels, question) for question in case.questions)
        call = ModelCall(role=self._config.role, request=LabelRequest(conversations=conversations, labels=WORDS))
        return Ask(call, tuple(case.questions), self._label, written=False)

    def _labels(self, question: Question) -> Ask:
        call = self._call(self._asked(self._wording.labels, question), max_tokens=1, labels=LABELS)
        return Ask(call, (question,), self._label, written=False)

    def _verdicts(self, question: Question) -> list[Ask]:
        config, messages = self._config, self._asked(self._wording.written, question)
        many = config.samples if config.samples > 1 and Ability.N in self._spec.abilities else 1
        calls = [
            self._call(
                messages,
                max_tokens=config.max_tokens,
                temperature=config.temperature,
                n=many,
                seed=self._seed(self._number(question) * config.samples + sample),
            )
            for sample in range(config.samples // many)
        ]
        return [self._written(call, question) for call in calls]

    def _repeated(self, question: Question) -> Ask:
        said = Message(role="assistant", content=question.texts[-1] or "(nothing)")
        more = Message(role="user", content=self._scope.prompts[self._wording.again])
        messages = (*self._asked(self._wording.written, question), said, more)
        return self._written(self._call(messages, max_tokens=self._config.max_tokens), question)

    def _written(self, call: ModelCall, question: Question) -> Ask:
        def read(choice: Choice) -> float | None:
            if choice.finish_reason is FinishReason.LENGTH:  # "Score: 8" may be the beginning of 85
                return None
            by_index = self._config.unit == "first-error"
            return first_error_index(choice.text, question.case.steps) if by_index else written_verdict(choice.text)

        return Ask(call, (question,), read, written=True)

    def _label(self, choice: Choice) -> float | None:
        return yes_probability(choice.labels, self._config.least_mass)

    def _asked(self, prompt: str, question: Question) -> tuple[Message, ...]:
        text = fill(self._scope.prompts[prompt], **self._shared, **question.case.parts(question.step))
        return (asking(text, self._problem.messages),)

    def _number(self, question: Question) -> int:
        place = self._ratings.place(question.case.group)
        return place if question.step is None else place * MAX_STEPS + question.step

    def _seed(self, index: int) -> int:
        return sample_seed(self._scope.seed, f"{self._scope.path}/{self._node}", self._visit, index)

    def _call(self, messages: tuple[Message, ...], **request: object) -> ModelCall:
        return ModelCall(role=self._config.role, request=ChatRequest.model_validate({"messages": messages, **request}))

    def _warn(self, code: str, message: str) -> None:
        self._scope.emit(
            Warned(scope=self._scope.path, node=f"{self._node}.{code}", visit=self._visit, code=code, message=message)
        )
