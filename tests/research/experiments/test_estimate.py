"""What an experiment will take: bounds that hold, estimates that say where they come from, and how far it is."""

from __future__ import annotations

import pytest

from symposia.core.events import CallFinished
from symposia.core.model_spec import Price
from symposia.core.problem import Problem
from symposia.core.usage import Amounts
from symposia.research.experiments.bounds import call_bounds, most, samples
from symposia.research.experiments.experiment import Experiment, run_experiment
from symposia.research.experiments.lanes import Lanes
from symposia.research.experiments.standing import Standing
from symposia.testing import ScriptedModel

from .conftest import adder


async def spec_of(session, **request):
    return await session.prepare(Problem.of("What is 1 plus 2?", answer_kind="number"), team="fake", **request)


@pytest.mark.parametrize(
    ("strategy", "options", "number"),
    [
        ("greedy", {}, 1),
        ("self-consistency", {"n": 5, "batched": False}, 5),
        ("self-consistency", {"n": 5}, 5),
        ("self-consistency", {"n": 9, "stop": "beta"}, 9),
        ("best-of-n", {"n": 3}, 3),
        ("program-of-thought", {"n": 2, "repairs": 2}, 6),
        ("react", {"turns": 3}, 4),
    ],
)
async def test_no_run_takes_more_than_its_bound(opened, strategy, options, number) -> None:
    """A model that always writes all it may, and never agrees with itself."""
    model = ScriptedModel(lambda prompt, sample: "and so " * 2000 + f"\\boxed{{{sample}}}")
    async with opened(model, price=Price(input=1.0, output=2.0)) as session:
        spec = await spec_of(session, strategy=strategy, options={"max_tokens": 50, **options})
        result = await session.solve(spec.problem, strategy=strategy, options=spec.config, team="fake")
        bound = most(spec, 30)
        assert samples(spec) == number
        spent = Amounts.of(result.total_usage)
        assert all(took <= may + 1e-9 for took, may in zip(spent, bound, strict=True)), (spent, bound)


async def test_a_run_is_bound_by_its_own_budget_too(opened) -> None:
    async with opened(ScriptedModel(adder)) as session:
        options = {"n": 8, "batched": False}
        spec = await spec_of(session, strategy="self-consistency", options=options, budget="calls=3,tokens=200")
        assert (most(spec, 30).calls, most(spec, 30).tokens) == (3, 200)


async def test_estimates_come_from_runs_like_these_or_say_that_they_are_bounds(opened, asked) -> None:
    model = ScriptedModel(adder, latency=0.005)

    async def estimates(spec):
        async with await Experiment.prepare(session, spec) as experiment:
            return {arm.label: arm for arm in await experiment.estimate()}

    async with opened(model, price=Price(input=1.0, output=2.0)) as session:
        bounds = await estimates(asked())
        assert bounds["greedy"].basis == "at most: no earlier runs"
        assert bounds["greedy"].completion_tokens == 6 * 1024
        assert bounds["greedy"].seconds is None
        assert bounds["greedy"].dollars == pytest.approx((bounds["greedy"].prompt_tokens + 2 * 6 * 1024) / 1e6)
        assert model.calls == []
        assert await session.store.experiments() == []
        evidence = await run_experiment(session, asked(limit=2))
        like = await estimates(asked())
        spent = [trial for trial in evidence.trials if trial.arm == "self-consistency"]
        vote = like["self-consistency"]
        assert (vote.basis, vote.runs, vote.most_calls) == ("2 earlier runs of this kind", 4, 16)
        assert vote.completion_tokens == pytest.approx(2 * sum(trial.completion_tokens for trial in spent), abs=2)
        assert vote.dollars == pytest.approx(2 * sum(trial.dollars for trial in spent))
        assert vote.seconds > 0
        wide = [{"name": "self-consistency", "label": "wide", "options": {"n": 16, "batched": False}}]
        other = (await estimates(asked(strategies=wide, name="else")))["wide"]
        assert other.basis == "4 earlier runs of fake"
        assert other.completion_tokens == pytest.approx(16 * 6 * evidence.samples[0].completion_tokens, rel=0.3)
        await run_experiment(session, asked())
        assert await estimates(asked()) == {}


async def test_runs_in_flight_keep_the_endpoint_busy_and_not_more(opened, asked, data) -> None:
    file = data(30)
    for concurrency, in_flight, allowed in ((8, None, range(6, 9)), (64, 2, range(5, 9))):
        model = ScriptedModel(adder, latency=0.004)
        async with opened(model, store=":memory:", concurrency=concurrency) as session:
            await run_experiment(session, asked(file, in_flight=in_flight))
        assert model.max_in_flight in allowed


async def test_a_run_weighs_what_it_keeps_in_flight(opened) -> None:
    async with opened(ScriptedModel(adder), concurrency=8) as session:
        greedy = await spec_of(session, strategy="greedy")
        vote = await spec_of(session, strategy="self-consistency", options={"n": 6, "batched": False})
    assert (call_bounds(greedy).least, call_bounds(vote).least) == (1, 6)
    lanes = Lanes(None)
    assert lanes.open
    first, second = lanes.enter("vote", vote), lanes.enter("greedy", greedy)
    assert (first, second, lanes.open) == (6, 1, True)
    third = lanes.enter("vote", vote)
    assert not lanes.open
    for weight in (first, second, third):
        lanes.leave(weight)
    assert not lanes.busy


def test_a_reply_is_counted_once_it_is_back() -> None:
    standing = Standing()
    standing.expect("a")
    standing.expect("a")
    tokens = {"prompt_tokens": 5, "cached_tokens": 0, "completion_tokens": 7}
    standing.hear(CallFinished(role="policy", model="m", choices=1, dollars=None, seconds=1.0, **tokens))
    assert (standing.tokens, standing.total, standing.settled, standing.seconds_left) == (7, 2, 0, None)
    assert standing.arms["a"].accuracy is None
