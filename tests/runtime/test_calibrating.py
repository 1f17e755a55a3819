"""Runs say how likely their answer is right where a calibration holds for them, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.core.calibration import Calibration, CalibrationData, IsotonicMap, Knot, Threshold, prompt_digests
from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.problem import Problem
from symposia.core.records import RunSpec
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel

from .conftest import Opener

N4: dict[str, Any] = {"strategy": "self-consistency", "team": "fake", "options": {"n": 4}}


def script() -> ScriptedModel:
    return ScriptedModel(lambda _prompt, sample: f"So \\boxed{{{[18, 18, 20, 18][sample % 4]}}}.")


def fitted(spec: RunSpec, at_three_quarters: float = 0.9, **changes: Any) -> Calibration:
    """As if it had been fitted on runs like this one."""
    strategy = STRATEGIES.get(spec.strategy)
    data: dict[str, Any] = dict.fromkeys(["experiment", "arm", "task", "split", "fingerprint", "sha256"], "x")
    promise = Threshold(risk=0.05, confidence=None, least=None, problems=40, taken=0, wrong=0)
    given: dict[str, Any] = {
        "strategy": spec.strategy,
        "config": spec.config,
        "models": {role: spec.models[role].name for role in strategy.needs(strategy.configure(spec.config))},
        "prompts": {**prompt_digests(spec.prompts), "policy.other": "00"},
        "data": CalibrationData(**data, problems=40, n=40, right=30, unsure=0, cut=0),
        "map": IsotonicMap(knots=(Knot(confidence=0.75, probability=at_three_quarters),)),
        "fits": (),
        "accept": promise,
        "stop": None,
    }
    return Calibration(**{**given, **changes})


async def like(session: Session, **changes: Any) -> RunSpec:
    return await session.prepare(Problem.of("6 + 12?"), **{**N4, **changes})


async def test_a_run_says_how_likely_it_is_right_and_by_which_calibration(opened: Opener) -> None:
    async with opened(script()) as session:
        before = await session.solve("6 + 12?", **N4)
        assert (before.confidence, before.calibrated, before.calibration) == (0.75, None, None)
        await session.store.calibrations().add("one", fitted(await like(session), 0.8))
        newer = await session.store.calibrations().add("two", fitted(await like(session), 0.9))
        after = await session.solve("6 + 12?", **N4)
        assert (after.confidence, after.calibrated, after.calibration) == (0.75, 0.9, newer.title)
        named = await session.solve("6 + 12?", calibration="one@1", **N4)
        assert (named.calibrated, named.calibration) == (0.8, "one@1")
        await session.store.calibrations().remove("two")
        again = await session.replay(after.run_id)
        assert (again.calibrated, again.calibration) == (0.9, "two@1"), "what a run was told, it keeps"
        assert (await session.replay(before.run_id)).calibrated is None


async def test_another_model_option_or_strategy_is_not_calibrated(opened: Opener) -> None:
    async with opened(script()) as session:
        await session.store.calibrations().add("one", fitted(await like(session)))
        for changes in ({"options": {"n": 3}}, {"strategy": "adaptive-consistency"}):
            result = await session.solve("6 + 12?", **{**N4, **changes})
            assert (result.calibrated, result.calibration) == (None, None)


async def test_a_run_that_was_cut_short_is_not_calibrated(opened: Opener) -> None:
    async with opened(script()) as session:
        one_by_one = {**N4, "options": {"n": 4, "batched": False}}
        await session.store.calibrations().add("one", fitted(await like(session, **one_by_one)))
        result = await session.solve("6 + 12?", budget="calls=3", **one_by_one)
        assert (result.stop_reason, result.answer, result.calibrated, result.calibration) == ("budget", "18", None, None)
        assert result.confidence is not None


async def test_a_fork_under_other_options_is_calibrated_anew(opened: Opener) -> None:
    async with opened(script()) as session:
        first = await session.solve("6 + 12?", **N4)
        marked = {"n": 4, "last_number": False}  # it changes what is read, and nothing that is asked
        await session.store.calibrations().add("any", fitted(await like(session)))
        await session.store.calibrations().add("marked", fitted(await like(session, options=marked)))
        same = await session.fork(first.run_id)
        other = await session.fork(first.run_id, options=marked)
        told = [fork.spec.calibration and fork.spec.calibration.title for fork in (same, other)]
        assert told == ["any@1", "marked@1"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"strategy": "best-of-n"}, "it was fitted on the strategy best-of-n, not on self-consistency"),
        ({"models": {"policy": "large"}}, "it was fitted on other models: policy was large and is fake"),
        ({"prompts": {}}, "it was fitted on other prompts: policy."),
    ],
)
async def test_one_that_is_named_and_does_not_hold_says_why(opened: Opener, changes: dict[str, Any], why: str) -> None:
    model = script()
    async with opened(model) as session:
        await session.store.calibrations().add("one", fitted(await like(session), **changes))
        with pytest.raises(ConfigError, match=f"the calibration one@1 does not hold for this run: {why}"):
            await session.solve("6 + 12?", calibration="one", **N4)
        assert model.calls == [], "nothing was asked where it was refused"
        assert (await session.solve("6 + 12?", **N4)).calibrated is None


async def test_other_options_are_named_and_so_is_a_name_that_is_not_there(opened: Opener) -> None:
    async with opened(script()) as session:
        await session.store.calibrations().add("one", fitted(await like(session)))
        with pytest.raises(ConfigError, match="it was fitted on other options: n was 4 and is 3"):
            await like(session, options={"n": 3}, calibration="one")
        with pytest.raises(UnknownNameError, match=r"unknown calibration 'ones' .did you mean 'one'"):
            await like(session, calibration="ones")
