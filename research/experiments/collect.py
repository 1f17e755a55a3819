"""From the result of a run to a trial and its samples: graded, compact, without any text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ...agents.policy import ROLE as POLICY
from ...core.answers import SymbolicWorker, group, plain_same
from ...core.candidate import Answer, Candidate, ExtractionRule, Score, ToolCounts
from ...core.problem import AnswerKind
from ...core.result import Result, Status
from ...core.usage import Usage, total
from ..graders.grade import Grade
from ..graders.grading import Grading
from ..tasks.item import Item
from .arms import Cell
from .failures import broken_by
from .records import ProblemRow, Sample, Trial
from .verdicts import Judged, Verdict, verdict


class Collected(NamedTuple):
    """What is kept of one run."""

    trial: Trial
    samples: tuple[Sample, ...]


class Collector:
    """Grades what runs bring. One for an experiment: equal symbolic questions are asked once."""

    def __init__(self, grading: Grading, worker: SymbolicWorker) -> None:
        """``worker`` judges which samples gave the same answer; its owner closes it."""
        self._grading = grading
        self._worker = worker

    async def collect(self, cell: Cell, result: Result) -> Collected:
        """The trial and samples of a run that ended; one that is no evidence has no samples.

        Raises :class:`TaskError` where the gold answer cannot be read.
        """
        candidates = [candidate for candidate in result.candidates if candidate.counted]
        if cell.item.problem.solutions:
            return await self._collect_verdict(cell, result, candidates)
        answers = [candidate.answer for candidate in candidates]
        picked = None if result.candidate is None else result.candidate.answer
        grade, *grades = await self._grading.grade_all([picked, *answers], cell.item)
        by_id = {candidate.id: one.credit for candidate, one in zip(candidates, grades, strict=True)}
        by_selector = {name: by_id.get(pick.candidate or "", 0.0) for name, pick in result.selections.items()}
        trial = _trial(cell, result, grade, by_selector, _tools(result.candidates))
        if trial.status == Status.FAILED:
            return Collected(trial, ())
        samples = zip(candidates, grades, await group(answers, self._same), strict=True)
        return Collected(trial, tuple(_sample(cell, index, *sample) for index, sample in enumerate(samples)))

    async def _collect_verdict(self, cell: Cell, result: Result, given: Sequence[Candidate]) -> Collected:
        """What was said of the solutions that a problem came with, which are the candidates; see :mod:`.verdicts`."""
        item = cell.item
        scores = [candidate.scores[-1] if candidate.scores else None for candidate in given]
        judged = [Judged(score.value, score.steps) if score is not None else Judged(None) for score in scores]
        said = verdict(judged, item.worth) if judged else Verdict(None, "no solution was judged")
        if said.answer is not None:
            kind = AnswerKind.NUMBER if len(item.worth) == 1 else AnswerKind.CHOICE
            answer = Answer(value=said.answer, kind=kind, raw=said.answer, rule=ExtractionRule.WHOLE)
            grade = await self._grading.grade(answer, item)
        else:
            grade = Grade(credit=said.credit, reason=said.reason)
        trial = replace(_trial(cell, result, grade, {}, _checks(scores)), answer=said.answer, confidence=None)
        if trial.status == Status.FAILED:
            return Collected(trial, ())
        samples = [_given(cell, index, *row) for index, row in enumerate(zip(given, judged, item.worth, strict=True))]
        return Collected(trial, tuple(samples))

    async def _same(self, a: Answer, b: Answer) -> bool:
        known = plain_same(a, b)
        return bool(await self._worker.same(a.value, b.value)) if known is None else known


def _trial(cell: Cell, result: Result, grade: Grade, by_selector: dict[str, float], tools: dict[str, int]) -> Trial:
    usage = result.total_usage
    policy = result.usage.get(POLICY, Usage())
    others = total({role: used for role, used in result.usage.items() if role != POLICY})
    returned = policy.calls - policy.lost_calls
    return Trial(
        problem=cell.item.id,
        arm=cell.arm.label,
        seed=cell.seed,
        run_id=result.run_id,
        status=Status.FAILED if broken_by(result) is not None else result.status,
        stop_reason=result.stop_reason,
        answer=result.answer,
        credit=grade.credit,
        reason=grade.reason,
        confidence=result.confidence,
        credits=by_selector,
        calls=usage.calls,
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        completion_tokens=usage.completion_tokens,
        lost_tokens=usage.lost_prompt_tokens + usage.lost_completion_tokens,
        question_tokens=round(policy.prompt_tokens / returned) if returned > 0 else 0,
        sample_tokens=policy.completion_tokens,
        check_tokens=others.cost_tokens,
        dollars=None if usage.unpriced_calls else usage.dollars,
        seconds=result.seconds,
        failures=dict(result.failures),
        tools=tools,
    )


def _tools(candidates: Sequence[Candidate]) -> dict[str, int]:
    counts = [candidate.tool_counts for candidate in candidates if candidate.tool_counts is not None]
    return {name: sum(getattr(each, name) for each in counts) for name in ToolCounts.model_fields} if counts else {}


def _checks(scores: Sequence[Score | None]) -> dict[str, int]:
    evidence = [each for score in scores if score is not None for each in score.evidence]
    return {"checks": len(evidence), "failed_checks": sum(each.error is not None for each in evidence)} if evidence else {}


def _given(cell: Cell, index: int, candidate: Candidate, judged: Judged, worth: float) -> Sample:
    return Sample(
        problem=cell.item.id,
        arm=cell.arm.label,
        seed=cell.seed,
        index=index,
        answer=None,
        unit=None,
        group=-1,
        credit=worth,
        rule=None,
        finish=candidate.finish_reason,
        completion_tokens=None,
        logprob=None,
        score=judged.score,
        steps=tuple(judged.steps),
    )


def _sample(cell: Cell, index: int, candidate: Candidate, grade: Grade, number: int) -> Sample:
    answer = candidate.answer
    return Sample(
        problem=cell.item.id,
        arm=cell.arm.label,
        seed=cell.seed,
        index=index,
        answer=None if answer is None else answer.value,
        unit=None if answer is None else answer.unit,
        group=number,
        credit=grade.credit,
        rule=None if answer is None else answer.rule,
        finish=candidate.finish_reason,
        completion_tokens=candidate.completion_tokens,
        logprob=candidate.logprob,
        score=candidate.scores[-1].value if candidate.scores else None,
        language=candidate.language,
    )


def problem_rows(items: Sequence[Item], groups: Sequence[str]) -> tuple[ProblemRow, ...]:
    """The problems without their texts; ``groups`` are the fields by which the task breaks results down."""
    return tuple(
        ProblemRow(
            id=item.id,
            gold=item.gold,
            groups={name: str(item.data[name]) for name in groups if item.data.get(name) is not None},
        )
        for item in items
    )
