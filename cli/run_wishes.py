"""What can be asked of a run, whichever process executes it: ``pause``, ``stop``, ``steer``, ``queue``, ``retune``."""

from __future__ import annotations

import getpass
from typing import Any

import click

from ..core.budget import Budget
from ..core.errors import ConfigError
from ..core.events import Controlled
from ..core.records import ControlKind, ControlRecord, RunRecord
from ..core.result import RunState
from ..runtime.casting import require_prices
from .options import json_option, open_session, run_async, store_option
from .output import age, columns, data, data_json, note, shorten
from .question import read_question

_HELD = {RunState.RUNNING, RunState.PAUSED, RunState.WAITING}


def _ask(run_id: str, kind: ControlKind, store: str | None, *, as_json: bool, **said: Any) -> None:
    """Store a wish and say who will see to it."""

    async def work() -> tuple[RunRecord, ControlRecord]:
        async with open_session(store) as session:
            record = await session.store.run(run_id)
            verb, _, when = kind.value.partition("_")
            if record.state not in _HELD and kind in {ControlKind.PAUSE, ControlKind.PAUSE_NOW, ControlKind.STOP}:
                raise ConfigError(f"run {record.id} is {record.state}; only a running one can {verb}")
            if (budget := said.get("budget")) is not None:
                require_prices(budget, record.spec.models, record.spec.tools)
            wish = await session.store.add_control(record.id, kind, getpass.getuser(), **said)
            note(f"asked {record.owner or 'whoever executes it next'} to {verb} run {record.id}{when and f' {when}'}")
            return record, wish

    record, wish = run_async(work())
    if as_json:
        data_json({"run_id": record.id, "asked": kind, "owner": record.owner, "seq": wish.seq})


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--now", is_flag=True, help="Break off the model calls in flight, too: they are made again after it, and paid twice."
)
@store_option
@json_option
def pause(run_id: str, *, now: bool, store: str | None, as_json: bool) -> None:
    """Ask a running run to make no new call until it is resumed."""
    _ask(run_id, ControlKind.PAUSE_NOW if now else ControlKind.PAUSE, store, as_json=as_json)


@click.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def stop(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Ask a running run to stop with the best answer so far; it can be resumed."""
    _ask(run_id, ControlKind.STOP, store, as_json=as_json)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("text")
@store_option
@json_option
def steer(run_id: str, text: str, *, store: str | None, as_json: bool) -> None:
    """Tell the models of a run TEXT (or - or @FILE) from their next wave of calls on. Who judges is not told."""
    _ask(run_id, ControlKind.STEER, store, as_json=as_json, text=read_question(text))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("text")
@store_option
@json_option
def queue(run_id: str, text: str, *, store: str | None, as_json: bool) -> None:
    """Ask TEXT (or - or @FILE) next, in a run of its own, once the run has an answer."""
    _ask(run_id, ControlKind.QUEUE, store, as_json=as_json, text=read_question(text))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("caps")
@store_option
@json_option
def retune(run_id: str, caps: str, *, store: str | None, as_json: bool) -> None:
    """Change caps of a run's budget, such as calls=50,seconds=90; the others stay."""
    _ask(run_id, ControlKind.RETUNE, store, as_json=as_json, budget=Budget.parse(caps))


@click.command("take-back")
@click.argument("run_id", metavar="RUN")
@click.argument("seq", type=int, required=False)
@store_option
@json_option
def take_back(run_id: str, seq: int | None, *, store: str | None, as_json: bool) -> None:
    """Take back what was asked last of a run, or what was asked under the number SEQ, unless it was taken up already."""

    async def work() -> tuple[str, int]:
        async with open_session(store) as session:
            found = await session.store.run(run_id)
            pending = await session.store.pending_controls(found.id)
            if seq is None and not pending:
                raise ConfigError(f"nothing that was asked of run {found.id} can be taken back: nothing is pending")
            number = pending[-1].seq if seq is None else seq
            if not await session.store.withdraw_control(found.id, number):
                raise ConfigError(f"what was asked of run {found.id} under number {number} was taken up already")
            return found.id, number

    found, number = run_async(work())
    note(f"took back what was asked of run {found} under number {number}")
    if as_json:
        data_json({"run_id": found, "seq": number})


@click.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def controls(run_id: str, *, store: str | None, as_json: bool) -> None:
    """List what was asked of a run and not taken up yet, oldest first."""

    async def work() -> tuple[str, list[ControlRecord]]:
        async with open_session(store) as session:
            found = await session.store.run(run_id)
            return found.id, await session.store.pending_controls(found.id)

    found, pending = run_async(work())
    if as_json:
        data_json([wish.model_dump(mode="json") for wish in pending])
    elif pending:
        rows = [[str(wish.seq), wish.kind.value, wish.author, age(wish.at), _said(wish)] for wish in pending]
        data(columns(rows, ["SEQ", "KIND", "AUTHOR", "AGE", "WHAT"]))
    else:
        note(f"nothing asked of run {found} is pending")


def wish_line(wish: ControlRecord | Controlled) -> str:
    """A wish, who made it and what it says, on one line."""
    said = _said(wish)
    return f"{wish.kind} by {wish.author}" + (f": {said}" if said else "")


def _said(wish: ControlRecord | Controlled) -> str:
    if isinstance(wish, ControlRecord) and wish.response is not None:
        return f"{'approve' if wish.response.approve else 'deny'} {wish.response.about}"
    return shorten(wish.text, 60) if wish.budget is None else str(wish.budget)
