"""What an experiment will take, before it is begun: told by earlier runs of the store, else what it may take at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ...agents.policy import ROLE as POLICY
from ...core.base import Frozen
from ...core.records import RunRecord, RunSpec
from ...core.result import Result, Status
from ...core.usage import Amounts, Usage
from ...memory.store import Store
from ...models.gateway import concurrency_of
from .bounds import call_bounds, most, samples
from .failures import broken_by

_LOOKED_AT = 100
"""Newest runs that are looked at, of those outside experiments and of each of the newest experiments."""
_EXPERIMENTS = 5


class ArmEstimate(Frozen):
    """What the runs of one arm that are still to be made will take."""

    label: str
    runs: int
    least_calls: int
    most_calls: int
    prompt_tokens: int
    completion_tokens: int
    dollars: float | None
    """None where a price is not known."""
    seconds: float | None
    """None where nothing is known of the model's speed."""
    basis: str
    """What the estimate rests on."""


class Pace(NamedTuple):
    """What runs of one kind took, in sums."""

    runs: int
    usage: Usage
    policy: Usage
    samples: int
    seconds: float

    @classmethod
    def of(cls, results: Sequence[Result]) -> Pace:
        """The sums over results."""
        usage = sum((result.total_usage for result in results), Usage())
        policy = sum((result.usage.get(POLICY, Usage()) for result in results), Usage())
        written = sum(len(result.candidates) for result in results)
        return cls(len(results), usage, policy, written, sum(result.seconds for result in results))


class History:
    """Earlier runs of a store, by what they have in common with those to come."""

    def __init__(self, records: Iterable[RunRecord]) -> None:
        same: dict[str, list[Result]] = defaultdict(list)
        model: dict[str, list[Result]] = defaultdict(list)
        for record in records:
            result = record.result
            if result is not None and result.status is not Status.CANCELLED and broken_by(result) is None and result.candidates:
                same[_kind(record.spec)].append(result)
                if result.usage.keys() == {POLICY}:
                    model[result.models[POLICY]].append(result)
        self._same = {kind: Pace.of(results) for kind, results in same.items()}
        self._model = {name: Pace.of(results) for name, results in model.items()}

    @classmethod
    async def of(cls, store: Store) -> History:
        """What the newest runs of a store tell."""
        records = await store.runs(limit=_LOOKED_AT)
        for experiment in (await store.experiments())[-_EXPERIMENTS:]:
            records += await store.runs(limit=_LOOKED_AT, experiment=experiment.name)
        return cls(records)

    def of_arm(self, spec: RunSpec) -> Pace | None:
        """Runs of the same strategy, configuration and models."""
        return self._same.get(_kind(spec))

    def of_model(self, spec: RunSpec) -> Pace | None:
        """Runs in which the same model was the policy and nothing else was asked, where that holds for this run too."""
        return self._model.get(spec.models[POLICY].name) if set(spec.models) == {POLICY} else None


def estimate(
    label: str, specs: Sequence[RunSpec], history: History, *, call_timeout: float, in_flight: int | None
) -> ArmEstimate:
    """What the runs ``specs`` of an arm will take; at least one."""
    first, runs = specs[0], len(specs)
    calls = call_bounds(first)
    model = first.models[POLICY]
    at_once = in_flight or max(1, concurrency_of(model) // max(1, calls.least))
    seconds = dollars = None
    if (pace := history.of_arm(first)) is not None:
        mean = Amounts().plus(Amounts.of(pace.usage), 1 / pace.runs)
        prompt, completion = mean.prompt_tokens * runs, mean.completion_tokens * runs
        dollars = None if pace.usage.unpriced_calls else mean.dollars * runs
        seconds = pace.seconds / pace.runs * runs / min(at_once, runs)
        basis = f"{pace.runs} earlier runs of this kind"
    elif (pace := history.of_model(first)) is not None and pace.policy.completion_tokens:
        prompt = pace.policy.prompt_tokens / max(1, pace.policy.calls) * calls.most * runs
        completion = pace.policy.completion_tokens / pace.samples * samples(first) * runs
        seconds = completion * pace.seconds / pace.policy.completion_tokens / min(at_once, runs)
        dollars = model.price.dollars(prompt=round(prompt), cached=0, completion=round(completion), seconds=seconds)
        basis = f"{pace.runs} earlier runs of {model.name}"
    else:
        bounds = [most(spec, call_timeout) for spec in specs]
        prompt, completion = sum(one.prompt_tokens for one in bounds), sum(one.completion_tokens for one in bounds)
        prices = [each.price.dollars(prompt=0, cached=0, completion=0, seconds=0) for each in first.models.values()]
        dollars = sum(one.dollars for one in bounds) if None not in prices else None
        basis = "at most: no earlier runs"
    return ArmEstimate(
        label=label,
        runs=runs,
        least_calls=calls.least * runs,
        most_calls=calls.most * runs,
        prompt_tokens=round(prompt),
        completion_tokens=round(completion),
        dollars=dollars,
        seconds=seconds,
        basis=basis,
    )


def _kind(spec: RunSpec) -> str:
    models = sorted((role, model.name) for role, model in spec.models.items())
    return f"{spec.strategy} {sorted(spec.config.items())} {models} {spec.budget}"
