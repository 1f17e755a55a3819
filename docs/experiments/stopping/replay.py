"""Runs the real strategy on the recorded samples, in virtual time, and writes replay.csv beside this file.

    python docs/experiments/stopping/replay.py

``self-consistency`` under Beta stopping solves every problem twice for each window. The model answers with the recorded samples
in their order, each as many words long as the sample had tokens. First all calls take equally long, so that they end in turn and
as many as can be have been asked for when the rule agrees; then each takes as long as its tokens, one a step.
"""

from __future__ import annotations

import asyncio
import csv
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from symposia.core.calls import ChatRequest, Reply
from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Problem
from symposia.core.result import Result
from symposia.models.gateway import ModelGateway
from symposia.research.experiments.files import load
from symposia.research.experiments.records import Sample
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec
from symposia.testing.completions import sample_number

FOLDER = Path(__file__).resolve().parent
RECORDS = {"small": FOLDER.parent / "first" / "small", "large": FOLDER.parent / "first" / "large"}
ARM = "self-consistency"
WINDOWS = (1, 4, 16)


class Row(NamedTuple):
    """What the strategy did with one problem under one window."""

    record: str
    problem: str
    window: int
    answer: str
    counted: int
    """Samples that were voted on."""
    asked: int
    """Calls that the model got, where they end in turn."""
    paid: int
    """Tokens of all these in full."""
    written: int
    """Tokens written by the moment when the rule agreed, where each call has one a step."""


class Flights:
    """Calls in virtual time: one ends when all have come that can be under way, the earliest first, ties by index."""

    def __init__(self, durations: Sequence[int], window: int) -> None:
        self.begun: dict[int, int] = {}
        self._durations = durations
        self._window = window
        self._now = 0
        self._ended: set[int] = set()
        self._landed: dict[int, asyncio.Event] = defaultdict(asyncio.Event)

    async def fly(self, index: int) -> None:
        """Begin, and return once the call has ended."""
        self.begun[index] = self._now
        while len(self.begun) == self._most() and (flying := self.begun.keys() - self._ended):
            self._now, first = min((self.end(each), each) for each in flying)
            self._ended.add(first)
            self._landed[first].set()
        await self._landed[index].wait()

    def end(self, index: int) -> int:
        """When a call that has begun ends."""
        return self.begun[index] + self._durations[index]

    def written(self, counted: int) -> int:
        """Steps of all calls together until the first ``counted`` have ended."""
        over = max(self.end(index) for index in range(counted))
        return sum(min(self._durations[index], over - begun) for index, begun in self.begun.items())

    def _most(self) -> int:
        """Calls that have begun by now if the rule has not agreed: a window beyond the first that has not ended."""
        first = next(index for index in count() if index not in self._ended)
        return min(len(self._durations), first + self._window)


class RecordedModel(ScriptedModel):
    """Answers with the samples that were recorded."""

    def __init__(self) -> None:
        super().__init__(lambda _prompt, sample: said(self.samples[sample]))
        self.samples: Sequence[Sample] = ()
        self.flights = Flights((), 1)

    async def complete(self, spec: ModelSpec, request: ChatRequest, **how: Any) -> Reply:
        """The reply, at its time."""
        reply = await super().complete(spec, request, **how)
        await self.flights.fly(sample_number(request.seed))
        return reply


def said(sample: Sample) -> dict[str, str]:
    """A message with the answer of a sample, as many words long as that had tokens."""
    last = [] if sample.answer is None else [f"\\boxed{{{sample.answer}}}"]
    words = ["word"] * (tokens_of(sample) - len(" ".join(last).split()))
    return {"content": " ".join([*words, *last]), "finish_reason": sample.finish}


def tokens_of(sample: Sample) -> int:
    """Its completion tokens, which are known of every recorded sample."""
    assert sample.completion_tokens is not None
    return sample.completion_tokens


def recorded(record: str) -> dict[str, list[Sample]]:
    """The samples of every problem, in their order."""
    found: dict[str, list[Sample]] = defaultdict(list)
    for sample in load(RECORDS[record]).samples:
        if sample.arm == ARM:
            found[sample.problem].append(sample)
    return {problem: sorted(samples, key=lambda each: each.index) for problem, samples in found.items()}


@asynccontextmanager
async def opened(model: RecordedModel) -> AsyncIterator[Session]:
    """A session on that model alone, which keeps nothing."""
    with TemporaryDirectory() as folder:
        settings = load_settings(environ={}, cwd=Path(folder), user_file=Path(folder) / "none.toml")
        models = {"fake": fake_spec(abilities=(Ability.CHAT, Ability.SEED))}
        gateway = ModelGateway(transports={"direct": model})
        async with Session(settings=settings, store=":memory:", gateway=gateway, models=models) as session:
            yield session


async def replay(session: Session, model: RecordedModel, record: str, samples: Sequence[Sample], window: int) -> Row:
    """Solve one problem in both ways. Raises AssertionError where the times of the calls change the answer."""
    model.samples, tokens = samples, [tokens_of(sample) for sample in samples]
    in_turn = await _solve(session, model, [1] * len(samples), window)
    asked = model.flights.begun
    by_tokens = await _solve(session, model, tokens, window)
    counted = len(in_turn.candidates)
    assert (in_turn.answer, counted) == (by_tokens.answer, len(by_tokens.candidates))
    return Row(
        record=record,
        problem=samples[0].problem,
        window=window,
        answer=in_turn.answer or "",
        counted=counted,
        asked=len(asked),
        paid=sum(tokens[index] for index in asked),
        written=model.flights.written(counted),
    )


async def _solve(session: Session, model: RecordedModel, durations: Sequence[int], window: int) -> Result:
    model.flights = Flights(durations, window)
    options = {"n": len(model.samples), "stop": "beta", "window": window, "max_tokens": max(map(tokens_of, model.samples))}
    problem = Problem.of("?", answer_kind="number")
    async with asyncio.timeout(600):  # a machine may be busy; a call that never ends is a mistake
        return await session.solve(problem, strategy=ARM, team="fake", options=options)


async def main() -> None:
    """Replay everything and write."""
    model = RecordedModel()
    async with opened(model) as session:
        with (FOLDER / "replay.csv").open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(Row._fields)
            for record in RECORDS:
                for samples in recorded(record).values():
                    out.writerows([await replay(session, model, record, samples, window) for window in WINDOWS])


if __name__ == "__main__":
    asyncio.run(main())
