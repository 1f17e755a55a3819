"""What `symposia eval` prints of plans: the estimate of a dry run, and the summary for programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..core.records import ExperimentRecord
from ..research.experiments.estimate import ArmEstimate
from ..research.experiments.experiment import Experiment
from ..research.experiments.findings import Findings
from ..research.experiments.plan import Plan
from ..research.experiments.runner import Runner
from .eval_progress import duration
from .output import columns, data, data_json, plain


def show_estimate(experiment: Experiment, arms: list[ArmEstimate], *, as_json: bool) -> None:
    """What is planned, and what the runs still to be made will take."""
    if as_json:
        data_json({**_head(experiment), "arms": [arm.model_dump(mode="json") for arm in arms]})
        return
    plan = experiment.plan
    data(f"experiment {experiment.name}: task {plan.task}, {plan.split} split, {len(experiment.cells):,} runs asked for")
    if not arms:
        data("every one of them has ended: nothing is left to run")
        return
    rows = [
        [
            arm.label,
            f"{arm.runs:,}",
            _span(arm.least_calls, arm.most_calls),
            f"{arm.prompt_tokens:,} + {arm.completion_tokens:,}",
            "unknown" if arm.dollars is None else f"{arm.dollars:,.2f}",
            "unknown" if arm.seconds is None else duration(arm.seconds),
            arm.basis,
        ]
        for arm in arms
    ]
    data(columns(rows, ["ARM", "RUNS", "CALLS", "TOKENS IN + OUT", "DOLLARS", "TIME", "FROM"]))
    data(_sum(arms, plan))


def show_plan(record: ExperimentRecord, plan: Plan) -> None:
    """A stored experiment."""
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(record.runs.items())) or "none yet"
    total = len(plan.arms) * len(plan.seeds) * len(plan.problems)
    lines = [
        f"experiment  {record.name}",
        f"task        {plan.task}, {plan.split} split, {len(plan.problems):,} problems",
        f"grader      {plan.grader}",
        f"seeds       {', '.join(map(str, plan.seeds))}",
        f"cap         {plan.cap or 'none'}",
        f"runs        {told}, of {total:,}",
    ]
    data("\n".join(lines))
    rows = [
        [one.arm.label, one.arm.strategy, " ".join(f"{role}={name}" for role, name in one.models.items()), one.budget]
        for one in plan.arms
    ]
    data(columns(rows, ["ARM", "STRATEGY", "MODELS", "BUDGET"]))


def summary(experiment: Experiment, runner: Runner, folder: Path, findings: Findings | None) -> dict[str, Any]:
    """How it ended, as data; with what verifiers are worth, where these were measured."""
    standing = runner.standing
    return {
        **_head(experiment),
        "ending": runner.ending,
        "folder": str(folder),
        "runs": {
            "asked": standing.total,
            "ended": standing.settled - standing.failed.total(),
            "failed": dict(standing.failed),
            "not_made": standing.total - standing.settled,
        },
        "arms": {label: {"n": arm.done, "accuracy": arm.accuracy} for label, arm in standing.arms.items()},
        **({"verifiers": [plain(asdict(each)) for each in findings.verifiers]} if findings and findings.verifiers else {}),
    }


def _head(experiment: Experiment) -> dict[str, Any]:
    plan = experiment.plan
    return {"experiment": experiment.name, "task": plan.task, "split": plan.split, "problems": len(plan.problems)}


def _sum(arms: list[ArmEstimate], plan: Plan) -> str:
    tokens = sum(arm.prompt_tokens + arm.completion_tokens for arm in arms)
    known = [arm.dollars for arm in arms if arm.dollars is not None]
    dollars = f"{sum(known):,.2f} dollars" if len(known) == len(arms) else "dollars unknown"
    times = [arm.seconds for arm in arms if arm.seconds is not None]
    time = f"about {duration(sum(times))}" if len(times) == len(arms) else "time unknown"
    cap = f"; the cap is {plan.cap}" if plan.cap else ""
    return f"{sum(arm.runs for arm in arms):,} runs to make, {tokens:,} tokens, {dollars}, {time}{cap}"


def _span(least: int, most: int) -> str:
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"
