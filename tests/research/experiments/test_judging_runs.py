"""Experiments on verifiers: from a task's solutions to verdicts, whatever ended a run in between."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, RejectedError, ServerError
from symposia.core.model_spec import Price
from symposia.core.usage import Amounts
from symposia.research.experiments.bounds import most
from symposia.research.experiments.experiment import run_experiment
from symposia.research.experiments.files import load, save
from symposia.research.experiments.findings import study
from symposia.research.experiments.spec import ExperimentSpec, make_spec, verifiers_of
from symposia.research.experiments.stored import collect_experiment
from symposia.research.tasks.item import Split, split_of
from symposia.research.tasks.load import load_task
from symposia.testing import ScriptedModel


def solutions(folder: Path, count: int = 6) -> Path:
    """Solutions of three steps in the form of ProcessBench; of every other one the second step is off."""
    rows, number = [], 0
    while len(rows) < count:
        problem = f"What is {number} plus 1?"
        if split_of(problem) is Split.DEV:
            wrong = len(rows) % 2
            steps = [f"Begin with {number}.", "Add two, which is off." if wrong else "Add one.", "That is the answer."]
            rows.append({"problem": problem, "steps": steps, "label": 1 if wrong else -1})
        number += 1
    path = folder / "gsm8k.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def pairs(folder: Path, count: int = 4) -> Path:
    rows = [
        {
            "question": f"Which day is it in {number} days?",
            "pos_answer": {"answer": f"It is fine {number}.", "actions": ""},
            "neg_answer": {"answer": f"It is off {number}.", "actions": ""},
        }
        for number in range(60)
        if split_of(f"Which day is it in {number} days?") is Split.DEV
    ]
    path = folder / "agent_calendar_test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows[:count]))
    return path


def examiner(prompt: str, sample: int) -> str:
    """Finds what is off: of a whole solution, or of the step that it is to examine."""
    del sample
    if "Examine step" not in prompt:
        return "Score: 10" if "off" in prompt else "Score: 90"
    step = int(re.findall(r"Examine step (\d+)", prompt)[0])
    shown = re.findall(rf'<step number="{step}">(.*?)</step>', prompt, re.DOTALL)[0]
    return "It is.\nVerdict: No" if "off" in shown else "Fine.\nVerdict: Yes"


STEPWISE = ("generative", ["code=false", "mode=verdict"])
WHOLE = ("judge", ["mode=verdict"])


def bench(
    task: str,
    data: Path,
    *names: str,
    options: list[str] | None = None,
    given: Any = None,
    limit: int | None = None,
    **changes: Any,
) -> ExperimentSpec:
    choice = {"name": task, "data": data, "options": {"solutions": True, **(given or {})}, "limit": limit}
    arms = verifiers_of(names or ("generative",), options if options is not None else ["generative:code=false", "mode=verdict"])
    return make_spec({"name": "bench", "task": choice, "models": ["fake"], "strategies": arms, "baselines": False, **changes})


async def test_verdicts_on_first_errors(opened, tmp_path: Path) -> None:
    model = ScriptedModel(examiner)
    async with opened(model) as session:
        evidence = await run_experiment(session, bench("processbench", solutions(tmp_path), "generative", "judge"))
        assert await collect_experiment(session, "bench") == evidence, "read from the store it is the same"
    stepwise = [trial for trial in evidence.trials if trial.arm == "generative"]
    assert [(trial.answer, trial.credit) for trial in stepwise] == [("-1", 1.0), ("1", 1.0)] * 3
    assert {(trial.status, trial.confidence, tuple(trial.credits)) for trial in evidence.trials} == {("answered", None, ())}
    whole = [trial for trial in evidence.trials if trial.arm == "judge"]
    assert [(trial.answer, trial.credit) for trial in whole] == [("-1", 1.0), (None, 0.0)] * 3
    assert whole[1].reason == "the solution is called wrong, but no step of it is named"
    samples = {(sample.arm, sample.credit): (sample.score, sample.steps) for sample in evidence.samples}
    assert samples == {
        ("generative", 1.0): (1.0, (1.0, 1.0, 1.0)),
        ("generative", 0.0): (0.0, (1.0, 0.0, 1.0)),
        ("judge", 1.0): (0.9, ()),
        ("judge", 0.0): (0.1, ()),
    }
    assert all((sample.answer, sample.rule, sample.completion_tokens) == (None, None, None) for sample in evidence.samples)
    found = {each.arm: each for each in study(evidence).verifiers}
    assert found["generative"].f1 is not None
    assert found["generative"].f1.estimate == 1
    taken = found["generative"].a_verdict
    assert taken is not None
    assert taken.calls == len([call for call in model.calls if "Examine step" in call.prompt]) / 6
    save(evidence, tmp_path / "out")
    assert load(tmp_path / "out") == evidence
    kept = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert "plus 1" not in kept
    assert "Begin with" not in kept, "no text of the data goes into the evidence"


async def test_verdicts_on_pairs(opened, tmp_path: Path) -> None:
    path = pairs(tmp_path)
    golds = [item.gold for item in load_task("tara", path).items]
    async with opened(ScriptedModel(examiner)) as session:
        evidence = await run_experiment(session, bench("tara", path, "judge", options=["mode=verdict"]))
    assert [(trial.answer, trial.credit) for trial in evidence.trials] == [(gold, 1.0) for gold in golds]
    assert len(evidence.samples) == 2 * len(golds)
    (found,) = study(evidence).verifiers
    assert [(part.tool, part.n, part.accuracy.estimate) for part in found.pairs] == [("calendar", len(golds), 1.0)]
    assert "It is fine" not in repr(evidence)


async def test_a_tie_is_worth_half_and_a_missing_score_nothing(opened, tmp_path: Path) -> None:
    path = pairs(tmp_path, 2)
    order = [item.problem.question for item in load_task("tara", path, options={"solutions": True}).items]

    def reply(prompt: str, sample: int) -> str:
        del sample
        return "Score: 50" if order[0] in prompt or "off" in prompt else "perhaps"

    async with opened(ScriptedModel(reply)) as session:
        evidence = await run_experiment(session, bench("tara", path, "judge", options=["mode=verdict"]))
    assert [(trial.answer, trial.credit, trial.reason) for trial in evidence.trials] == [
        (None, 0.5, "no verdict: the best scores are equal"),
        (None, 0.0, "no verdict: a score is missing"),
    ]
    (found,) = study(evidence).verifiers
    assert (found.n_unscored, found.pairs[0].n_ties, found.pairs[0].n_unscored) == (1, 1, 1)


async def test_a_step_that_is_refused_is_a_missing_score(opened, tmp_path: Path) -> None:
    refused = ScriptedModel(examiner, fail=lambda call: RejectedError("too long") if "Examine step 3" in call.prompt else None)
    async with opened(refused) as session:
        evidence = await run_experiment(session, bench("processbench", solutions(tmp_path, 2)))
    assert [trial.answer for trial in evidence.trials] == [None, "1"], "an error before it was found all the same"
    assert [(sample.score, sample.steps) for sample in evidence.samples] == [(None, (1.0, 1.0, None)), (None, (1.0, 0.0, None))]
    assert evidence.trials[0].reason == "no verdict: a score is missing"


async def test_a_verifier_that_nobody_answered_is_no_evidence_and_is_asked_again(opened, tmp_path: Path) -> None:
    spec = bench("processbench", solutions(tmp_path, 2), "judge", options=["mode=verdict"])
    away = ScriptedModel(examiner, fail=lambda call: ServerError("500") if "off" in call.prompt else None)
    async with opened(away) as session:
        evidence = await run_experiment(session, spec)
    assert [trial.status for trial in evidence.trials] == ["answered", "failed"]
    assert len(evidence.samples) == 1
    model = ScriptedModel(examiner)
    async with opened(model) as session:
        evidence = await run_experiment(session, spec)
    assert [trial.status for trial in evidence.trials] == ["answered"] * 2
    assert len(model.calls) == 1


@pytest.mark.parametrize("after", [2, 7, 11])
async def test_a_killed_bench_goes_on_and_pays_nothing_twice(opened, tmp_path: Path, after: int) -> None:
    path, begun = solutions(tmp_path), asyncio.Event()

    def reply(prompt: str, sample: int) -> str:
        if len(broken.calls) > after:
            begun.set()
        return examiner(prompt, sample)

    broken = ScriptedModel(reply, latency=0.002)
    spec = bench("processbench", path, in_flight=2)
    async with opened(broken) as session:
        task = asyncio.create_task(run_experiment(session, spec))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        journal = [entry for run in await session.store.runs(experiment="bench") for entry in await session.store.journal(run.id)]
    done = sum(entry.status == "done" for entry in journal)
    model = ScriptedModel(examiner)
    async with opened(model) as session:
        evidence = await run_experiment(session, spec)
    assert done > 0
    assert len(model.calls) == 18 - done
    async with opened(ScriptedModel(examiner), store=":memory:") as session:
        unbroken = await run_experiment(session, spec)
    assert evidence.samples == unbroken.samples
    assert [(trial.answer, trial.credit) for trial in evidence.trials] == [("-1", 1.0), ("1", 1.0)] * 3


async def test_more_problems_are_added_in_the_order_that_is_balanced(opened, tmp_path: Path) -> None:
    path, model = solutions(tmp_path), ScriptedModel(examiner)

    def spec(limit: int) -> ExperimentSpec:
        return bench("processbench", path, "judge", options=["mode=verdict"], given={"balanced": True}, limit=limit)

    async with opened(model) as session:
        await run_experiment(session, spec(2))
        evidence = await run_experiment(session, spec(4))
    assert len(model.calls) == 4
    assert [row.groups["solution"] for row in evidence.problems] == ["correct", "erroneous"] * 2


@pytest.mark.parametrize(("strategies", "baselines"), [([{"name": "greedy"}], False), (verifiers_of(["judge"], []), True)])
async def test_who_writes_answers_is_not_measured_on_verdicts(opened, tmp_path: Path, strategies: Any, baselines: bool) -> None:
    model = ScriptedModel(examiner)
    async with opened(model) as session:
        with pytest.raises(ConfigError, match="greedy writes answers, and with solutions=true the task wants verdicts"):
            await run_experiment(session, bench("processbench", solutions(tmp_path), strategies=strategies, baselines=baselines))
    assert model.calls == []


@pytest.mark.parametrize("verifier", [WHOLE, STEPWISE])
async def test_a_verdict_takes_no_more_than_its_bound(opened, tmp_path: Path, verifier: tuple[str, list[str]]) -> None:
    """A model that always writes all it may, and nothing that can be read."""
    (item, *_) = load_task("processbench", solutions(tmp_path, 1), options={"solutions": True}).items
    name, options = verifier
    (arm,) = verifiers_of([name], options)
    async with opened(ScriptedModel(lambda prompt, sample: "and so " * 3000), price=Price(input=1.0, output=2.0)) as session:
        spec = await session.prepare(item.problem, strategy="verify", options=arm["options"], team="fake")
        result = await session.solve(item.problem, strategy="verify", options=arm["options"], team="fake")
        bound = most(spec, 30)
    spent = Amounts.of(result.total_usage)
    assert all(took <= may + 1e-9 for took, may in zip(spent, bound, strict=True)), (spent, bound)
