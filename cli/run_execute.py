"""``symposia run resume``, ``exec`` and ``fork``: commands that execute a stored run."""

from __future__ import annotations

import getpass
import os
import sys
import time

import click

from ..core.option_items import parse_options
from ..core.records import ControlKind, RunRecord
from ..core.result import Result, RunState
from ..runtime.report import origin_line
from ..runtime.session import Session
from ..runtime.team import Team
from .executing import execute, go_on, hand_over
from .options import json_option, open_session, run_async, store_option
from .output import data, data_json, note
from .redacted import redact_output
from .show import show_result
from .signals import Interrupts


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--detach", is_flag=True, help="Execute it in a process of its own; print its id.")
@store_option
@json_option
def resume(run_id: str, *, detach: bool, store: str | None, as_json: bool) -> None:
    """Go on with an interrupted run, open a paused one, or try a failed one again."""

    async def work() -> Result | None:
        with Interrupts().installed() as interrupts:
            async with open_session(store) as session:
                record = await session.store.run(run_id)
                if record.state is RunState.PAUSED and record.owner is not None:
                    await session.store.add_control(record.id, ControlKind.RESUME, getpass.getuser())
                    note("resumed in the process that executes it")
                    if as_json:
                        data_json({"run_id": record.id, "asked": ControlKind.RESUME})
                    return None
                if not session.resumable(record):
                    note(f"run {record.id} has ended; this is its result")
                    return await _behind(session, record, interrupts, as_json=as_json)
                if detach:
                    await hand_over(session, record, as_json=as_json)
                    return None
                return await execute(session, record, interrupts, as_json=as_json)

    _end(run_async(work()), as_json=as_json)


@click.command("exec")
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def exec_run(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Execute a queued or interrupted run in this process, for others to attach to: what --detach starts."""
    redact_output()

    async def work() -> Result | None:
        with Interrupts().installed() as interrupts:
            async with open_session(store) as session:
                record = await session.store.run(run_id)
                if not session.resumable(record):
                    note(f"run {record.id} has ended; this is its result")
                    return await _behind(session, record, interrupts, as_json=as_json)
                note(f"{time.strftime('%Y-%m-%d %H:%M:%S')} run {record.id} in process {os.getpid()}")
                return await execute(session, record, interrupts, watched=True, as_json=as_json)

    _end(run_async(work()), as_json=as_json)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--at", metavar="KEY|EVENT|last", default="last", show_default=True, help="Copy up to this call or event number.")
@click.option("--model", "models", multiple=True, metavar="[ROLE=]NAME", help="Another model for what comes.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="Another value for an option of the strategy.")
@click.option("--budget", metavar="CAPS", help="Another budget; what is copied counts against it.")
@click.option("--no-run", is_flag=True, help="Only make the run; print its id.")
@store_option
@json_option
def fork(
    run_id: str,
    *,
    at: str,
    models: tuple[str, ...],
    options: tuple[str, ...],
    budget: str | None,
    no_run: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Begin a new run with another's journal, and go on from there under other options."""
    point = None if at == "last" else int(at) if at.isdecimal() else at
    changes, team = parse_options(options), Team.parse(models)

    async def work() -> Result | None:
        with Interrupts().installed() as interrupts:
            async with open_session(store) as session:
                record = await session.fork(run_id, at=point, team=team, budget=budget, options=changes)
                _say_origin(record)
                if not no_run:
                    return await execute(session, record, interrupts, as_json=as_json)
                if as_json:
                    data_json({"run_id": record.id})
                else:
                    data(record.id)
                return None

    _end(run_async(work()), as_json=as_json)


async def _behind(session: Session, record: RunRecord, interrupts: Interrupts, *, as_json: bool) -> Result | None:
    """The result of a run that has ended, or of what was queued behind it and is executed now."""
    return record.result and await go_on(session, record.result, interrupts, as_json=as_json)


def _say_origin(record: RunRecord) -> None:
    if record.spec.forked_from is not None:
        note(f"run {record.id} is a fork of {origin_line(record.spec.forked_from)}")


def _end(result: Result | None, *, as_json: bool) -> None:
    """Show a result and end with its exit code; without one, everything has been said."""
    if result is not None:
        show_result(result, as_json=as_json)
        sys.exit(result.exit_code)
