"""``symposia eval list|show|rm|openings``: what the store has of experiments."""

from __future__ import annotations

import time
from typing import Any

import click

from ..core.records import ExperimentRecord, OpeningRecord
from ..core.result import RunState
from ..research.experiments.plan import Plan
from .eval_show import show_plan
from .options import json_option, open_session, run_async, store_option
from .output import age, columns, data, data_json, note, shorten


@click.command("list")
@store_option
@json_option
def list_experiments(*, store: str | None, as_json: bool) -> None:
    """List the experiments of the store, newest first."""

    async def work() -> list[ExperimentRecord]:
        async with open_session(store) as session:
            return (await session.store.experiments())[::-1]

    records = run_async(work())
    if as_json:
        data_json([_as_data(record) for record in records])
    elif records:
        data(columns([_row(record) for record in records], ["EXPERIMENT", "TASK", "ARMS", "PROBLEMS", "RUNS ENDED", "AGE"]))
    else:
        note("no experiments yet; `symposia eval --task builtin --strategy self-consistency --model NAME` makes one")


def _as_data(record: ExperimentRecord) -> dict[str, Any]:
    """Without the list of problems, which is long and has no use of its own."""
    plan = {key: value for key, value in record.plan.items() if key != "problems"}
    return record.model_dump(mode="json") | {"plan": plan}


def _row(record: ExperimentRecord) -> list[str]:
    plan = Plan.read(record.plan, record.name)
    total = len(plan.arms) * len(plan.seeds) * len(plan.problems)
    ended = f"{record.runs.get(RunState.FINISHED, 0):,} of {total:,}"
    task = plan.task if plan.split == "dev" else f"{plan.task} ({plan.split})"
    return [record.name, task, str(len(plan.arms)), f"{len(plan.problems):,}", ended, age(record.created_at)]


@click.command()
@click.argument("name")
@store_option
@json_option
def show(name: str, *, store: str | None, as_json: bool) -> None:
    """Show the plan of an experiment and how far it is."""

    async def work() -> ExperimentRecord:
        async with open_session(store) as session:
            return await session.store.experiment(name)

    record = run_async(work())
    if as_json:
        data_json(_as_data(record))
    else:
        show_plan(record, Plan.read(record.plan, name))


@click.command("rm")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@json_option
def remove(name: str, *, yes: bool, store: str | None, as_json: bool) -> None:
    """Remove an experiment with all its runs. Result folders and the record of opened test splits stay."""

    async def work() -> int:
        async with open_session(store) as session:
            record = await session.store.experiment(name)
            runs = sum(record.runs.values())
            if not yes:
                click.confirm(f"remove experiment {name} with its {runs:,} runs?", abort=True, err=True)
            await session.store.remove_experiment(name)
            return runs

    runs = run_async(work())
    note(f"removed experiment {name} with {runs:,} runs")
    if as_json:
        data_json({"removed": name, "runs": runs})


@click.command()
@click.option("--task", metavar="NAME", help="Of this task only.")
@store_option
@json_option
def openings(*, task: str | None, store: str | None, as_json: bool) -> None:
    """Who opened which test split, when and why, oldest first. This record is never removed."""

    async def work() -> list[OpeningRecord]:
        async with open_session(store) as session:
            return await session.store.openings(task)

    records = run_async(work())
    if as_json:
        data_json([record.model_dump(mode="json") for record in records])
    elif records:
        rows = [
            [
                time.strftime("%Y-%m-%d %H:%M", time.localtime(one.at)),
                one.who,
                one.task,
                one.experiment or "-",
                shorten(one.reason, 60),
            ]
            for one in records
        ]
        data(columns(rows, ["WHEN", "WHO", "TASK", "EXPERIMENT", "REASON"]))
    else:
        note("no test split was opened yet")
