"""``symposia run …``: what was run, and what can still be done with it."""

from __future__ import annotations

import sys

import click

from ..core.events import Controlled
from ..core.records import ControlRecord, RunRecord
from ..core.result import Result, RunState
from ..runtime.follow import follow as watch
from .attach import attach
from .options import json_option, open_session, run_async, store_option
from .output import age, columns, data, data_json, note, shorten
from .progress import progress
from .run_copies import export_run, import_run
from .run_execute import exec_run, fork, resume
from .run_remove import prune, remove
from .run_respond import respond
from .run_wishes import controls, pause, queue, retune, steer, stop, take_back
from .show import show_result, show_run


@click.group()
def run() -> None:
    """List, show, follow, steer, resume, replay, fork, copy and remove runs. RUN may be any unambiguous beginning of an id."""


@run.command("list")
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@click.option("--state", type=click.Choice([state.value for state in RunState]), help="Only runs in this state.")
@click.option("--experiment", metavar="NAME", help="The runs of this experiment, which are left out otherwise.")
@store_option
@json_option
def list_runs(*, limit: int, state: str | None, experiment: str | None, store: str | None, as_json: bool) -> None:
    """List runs, newest first."""

    async def work() -> list[RunRecord]:
        async with open_session(store) as session:
            if experiment is not None:
                await session.store.experiment(experiment)  # says so where there is none
            return await session.store.runs(limit=limit, state=RunState(state) if state else None, experiment=experiment)

    records = run_async(work())
    if as_json:
        data_json([record.model_dump(mode="json") for record in records])
    elif records:
        data(columns([_row(record) for record in records], ["RUN", "STATE", "ANSWER", "STRATEGY", "MODEL", "AGE", "QUESTION"]))
    else:
        note("no runs yet; `symposia solve` makes one" if experiment is None else f"no runs of experiment {experiment} here")


def _row(record: RunRecord) -> list[str]:
    result, spec = record.result, record.spec
    state = result.status if result is not None and record.state is RunState.FINISHED else record.state
    answer = shorten(result.answer, 16) if result is not None and result.answer else "-"
    question = shorten(spec.problem.question, 48)
    return [record.id, state, answer, spec.strategy, shorten(spec.models["policy"].name, 24), age(record.created_at), question]


@run.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def show(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Show a run: what was asked, and what came of it."""

    async def work() -> tuple[RunRecord, list[Controlled], list[ControlRecord]]:
        async with open_session(store) as session:
            record = await session.store.run(run_id)
            return record, await session.store.taken_up(record.id), await session.store.pending_controls(record.id)

    show_run(*run_async(work()), as_json=as_json)


@run.command()
@click.argument("run_id", metavar="RUN")
@click.option("--after", default=0, help="Only events after this number.")
@click.option("--follow", is_flag=True, help="Go on until the run ends.")
@store_option
@click.option("--json", "_as_json", is_flag=True, help="Events are JSON in any case.")
def events(run_id: str, *, after: int, follow: bool, store: str | None, _as_json: bool) -> None:
    """Print a run's events, one JSON object a line."""

    async def work() -> None:
        async with open_session(store) as session:
            async for look in watch(session.store, (await session.store.run(run_id)).id, after=after):
                for stored in look.events:
                    data(stored.model_dump_json())
                if not follow:
                    return

    run_async(work())


@run.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def replay(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Reproduce a finished run from its journal, with no model."""

    async def work() -> Result:
        async with open_session(store) as session:
            with progress() as tally:
                return await session.replay(run_id, listener=tally.hear)

    result = run_async(work())
    show_result(result, as_json=as_json)
    sys.exit(result.exit_code)


for command in (resume, exec_run, attach, fork, respond, export_run, import_run, remove, prune):
    run.add_command(command)
for command in (pause, stop, steer, queue, retune, take_back, controls):
    run.add_command(command)
