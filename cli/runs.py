"""``symposia run …``: what was run, and what can still be done with it."""

from __future__ import annotations

import getpass
import sys

import click

from ..core.errors import ConfigError
from ..core.records import ControlKind, RunRecord
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
from .show import show_result, show_run


@click.group()
def run() -> None:
    """List, show, follow, answer, resume, replay, fork, copy and remove runs. RUN may be any unambiguous beginning of an id."""


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

    async def work() -> RunRecord:
        async with open_session(store) as session:
            return await session.store.run(run_id)

    show_run(run_async(work()), as_json=as_json)


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


def _control(kind: ControlKind, run_id: str, store: str | None, *, as_json: bool) -> None:
    async def work() -> RunRecord:
        async with open_session(store) as session:
            record = await session.store.run(run_id)
            if record.state not in {RunState.RUNNING, RunState.PAUSED, RunState.WAITING}:
                raise ConfigError(f"run {record.id} is {record.state}; only a running one can {kind}")
            await session.store.add_control(record.id, kind, getpass.getuser())
            return record

    record = run_async(work())
    note(f"asked {record.owner or 'the executing process'} to {kind} run {record.id}")
    if as_json:
        data_json({"run_id": record.id, "asked": kind, "owner": record.owner})


@run.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def pause(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Ask a running run to make no new call until it is resumed."""
    _control(ControlKind.PAUSE, run_id, store, as_json=as_json)


@run.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def stop(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Ask a running run to stop with the best answer so far; it can be resumed."""
    _control(ControlKind.STOP, run_id, store, as_json=as_json)


for command in (resume, exec_run, attach, fork, respond, export_run, import_run, remove, prune):
    run.add_command(command)
