"""From what a strategy decided to what the user gets."""

from __future__ import annotations

from collections import Counter

from ..core.calls import FinishReason
from ..core.candidate import ExtractionRule
from ..core.events import Warned
from ..core.records import RunSpec
from ..core.result import Outcome, Result, Status, StopReason
from .services import Services

_RETRYABLE_EXIT = {"unreachable", "rate_limit", "server", "timeout", "broken_reply"}
_EXIT = {Status.ANSWERED: 0, Status.FAILED: 1, Status.NO_ANSWER: 3, Status.CANCELLED: 130}


def build_result(run_id: str, spec: RunSpec, outcome: Outcome, services: Services) -> Result:
    """The result of a run."""
    candidates = tuple(services.candidates[key] for key in outcome.candidates)
    pick = services.candidates[outcome.pick] if outcome.pick else None
    status = _status(outcome, services)
    calibrated = _calibrated(spec, outcome)
    return Result(
        answer=pick.answer.text if pick is not None and pick.answer is not None else None,
        candidate=pick,
        candidates=candidates,
        selections=outcome.selections,
        confidence=outcome.confidence,
        calibrated=calibrated,
        calibration=spec.calibration.title if spec.calibration is not None and calibrated is not None else None,
        votes=outcome.votes,
        languages=outcome.languages,
        decided_by=outcome.decided_by,
        status=status,
        stop_reason=StopReason.ERROR if status is Status.FAILED else outcome.stop_reason,
        usage=services.usage,
        run_id=run_id,
        strategy=spec.strategy,
        models={role: model.name for role, model in services.models.items()},
        seed=spec.seed,
        seconds=round(services.clock.elapsed(), 3),
        reproducible="seed" if all(model.deterministic for model in services.models.values()) else "journal",
        failures=services.failures,
        error=services.error if status is Status.FAILED else None,
        exit_code=_exit_code(status, outcome.stop_reason, services),
    )


def _calibrated(spec: RunSpec, outcome: Outcome) -> float | None:
    """How likely the answer is right. A run that was cut short is no sample of those that the calibration was fitted on."""
    whole = outcome.stop_reason in {StopReason.FINISHED, StopReason.AGREED} and outcome.pick is not None
    if spec.calibration is None or outcome.confidence is None or not whole:
        return None
    return spec.calibration.map.probability(outcome.confidence)


def _status(outcome: Outcome, services: Services) -> Status:
    if outcome.stop_reason is StopReason.STEERED:
        return Status.CANCELLED
    if outcome.pick is not None:
        return Status.ANSWERED
    nothing = not outcome.candidates or services.replies == 0  # solutions that were given are candidates, too
    return Status.FAILED if services.failures and nothing else Status.NO_ANSWER


def _exit_code(status: Status, reason: StopReason, services: Services) -> int:
    if status is Status.NO_ANSWER and reason in {StopReason.BUDGET, StopReason.DEADLINE}:
        return 4
    if status is Status.FAILED:
        codes = set(services.failures)
        if codes == {"budget"}:
            return 4
        if codes <= _RETRYABLE_EXIT:
            return 5
    return _EXIT[status]


def warnings_about(scope: str, index: int, outcome: Outcome, services: Services) -> list[Warned]:
    """What a reader of the answer should know, as events: texts that were cut, answers read by the declared fallback."""
    candidates = [services.candidates[key] for key in outcome.candidates]
    found = []
    cut = sum(candidate.finish_reason is FinishReason.LENGTH for candidate in candidates)
    if cut:
        message = f"{cut} of {len(candidates)} texts were cut at max_tokens"
        found.append(Warned(scope=scope, node="truncated", index=index, code="truncated", message=message))
    rules = Counter(candidate.answer.rule for candidate in candidates if candidate.answer is not None)
    fallback = rules[ExtractionRule.LAST_NUMBER]
    if fallback:
        message = f"{fallback} of {rules.total()} answers were read as the last number of the text, since none was marked"
        found.append(Warned(scope=scope, node="answers", index=index, code="last_number", message=message))
    return found
