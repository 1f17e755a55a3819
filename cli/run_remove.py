"""``symposia run rm`` and ``symposia run prune``: what is removed is gone for good."""

from __future__ import annotations

import re
import time

import click

from ..core.errors import ConfigError, LeaseHeldError, RunNotFoundError, StoreError
from ..core.result import RunState
from ..memory.prune import OldRun
from ..memory.store import Store
from ..runtime.detach import log_path
from .confirming import confirm, yes_option
from .options import json_option, open_session, run_async, store_option
from .output import age, columns, data, data_json, note

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SHOWN = 20
_STATES = ["finished", "interrupted", "queued"]


@click.command("rm")
@click.argument("run_ids", metavar="RUN…", nargs=-1, required=True)
@yes_option
@store_option
@json_option
def remove(run_ids: tuple[str, ...], *, yes: bool, store: str | None, as_json: bool) -> None:
    """Remove runs with all that belongs to them. A run that is being executed must be stopped first."""

    async def work() -> list[str]:
        async with open_session(store) as session:
            found = list(dict.fromkeys([(await session.store.run(run_id)).id for run_id in run_ids]))
            confirm(f"Remove {', '.join(found)} for good?", yes=yes)
            await session.store.remove_runs(found)
            return found

    removed = run_async(work())
    _forget_logs(removed)
    _say(removed, as_json=as_json)


@click.command()
@click.option("--older-than", metavar="AGE", help="Not executed for so long: 30d, 12h, 2w.")
@click.option("--keep", type=click.IntRange(min=0), help="Never the newest so many.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(["finished", "interrupted", "queued"]),
    help="Runs in this state (finished).",
)
@click.option("--experiment", metavar="NAME", help="Among the runs of this experiment, which are left alone otherwise.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
@yes_option
@store_option
@json_option
def prune(
    *,
    older_than: str | None,
    keep: int | None,
    states: tuple[str, ...],
    experiment: str | None,
    dry_run: bool,
    yes: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Remove old runs for good, and give their space back to the disk."""
    if older_than is None and keep is None:
        raise ConfigError("nothing says which runs are old", hint="give --older-than 30d, or --keep 100")
    wanted = {RunState(state) for state in states} or {RunState.FINISHED}
    before = None if older_than is None else time.time() - _seconds(older_than)

    async def work() -> list[str]:
        async with open_session(store) as session:
            if experiment is not None:
                await session.store.experiment(experiment)  # says so where there is none
            found = await session.store.old_runs(wanted, before=before, keep=keep or 0, experiment=experiment)
            if dry_run:
                _show(found, as_json=as_json)
            if dry_run or not found:
                return []
            confirm(f"Remove {_count(found)} for good, the newest of them {age(found[0].updated_at)} old?", yes=yes)
            removed = [run.id for run in found if await _removed(session.store, run.id)]
            await _compact(session.store)
            return removed

    removed = run_async(work())
    _forget_logs(removed)
    if not dry_run:
        _say(removed, as_json=as_json)


async def _removed(store: Store, run_id: str) -> bool:
    """One run a transaction, so that nobody who writes has to wait long. False for one that was taken up meanwhile."""
    try:
        await store.remove_runs([run_id])
    except (LeaseHeldError, RunNotFoundError):
        return False
    return True


async def _compact(store: Store) -> None:
    try:
        note(f"{await store.compact() / 1e6:,.1f} MB given back to the disk")
    except StoreError as error:
        note(f"note: the space is used again but not given back to the disk yet: {error.message}")


def _seconds(text: str) -> float:
    """An age as ``30d``. Raises :class:`ConfigError`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip())
    if match is None or match[2] not in _SECONDS:
        raise ConfigError(f"{text!r} is no age", hint=f"write a number and one of {', '.join(_SECONDS)}, as 30d")
    return float(match[1]) * _SECONDS[match[2]]


def _forget_logs(run_ids: list[str]) -> None:
    for run_id in run_ids:
        log_path(run_id).unlink(missing_ok=True)


def _count(runs: list[OldRun] | list[str]) -> str:
    return f"{len(runs):,} run{'' if len(runs) == 1 else 's'}"


def _show(runs: list[OldRun], *, as_json: bool) -> None:
    """What a dry run found."""
    if as_json:
        data_json({"runs": [run.id for run in runs]})
        return
    if runs:
        data(columns([[run.id, run.state, age(run.updated_at)] for run in runs[:_SHOWN]], ["RUN", "STATE", "AGE"]))
    if len(runs) > _SHOWN:
        note(f"… and {len(runs) - _SHOWN:,} more")
    note(f"{_count(runs)} would be removed")


def _say(removed: list[str], *, as_json: bool) -> None:
    if as_json:
        data_json({"runs": removed})
    else:
        note(f"{_count(removed)} removed")
