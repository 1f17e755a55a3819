"""``symposia bench verifier``: verifiers side by side, as an experiment whose arms judge the solutions that a task gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..core.errors import ConfigError
from ..research.experiments.spec import verifiers_of
from ..research.tasks.task import TASKS, SolutionOptions
from .carry_out import carry_out
from .eval_flags import experiment_flags, run_budget, spec_of
from .options import json_option, open_session, store_option

_JUDGED = "solutions=true"
"""The option under which such tasks give their solutions."""


@click.command()
@experiment_flags(
    click.option(
        "--verifier",
        "verifiers",
        multiple=True,
        metavar="[LABEL=]NAME",
        default=["judge"],
        show_default=True,
        help="Who judges; `symposia verifiers` lists them. The others are compared with the first.",
    ),
    click.option("--set", "options", multiple=True, metavar="[LABEL:]KEY=VALUE", help="An option of the verifiers that have it."),
    run_budget,
)
@store_option
@json_option
def verifier(
    *,
    task: str | None,
    task_options: tuple[str, ...],
    verifiers: tuple[str, ...],
    options: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    store: str | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Measure verifiers on the solutions of a task: processbench (first errors), tara (pairs).

    It is an experiment: the same command goes on with it, and `symposia eval report NAME` shows it again.
    """
    _require_solutions(task)
    asked = {"task": task, "task_options": (_JUDGED, *task_options), "no_baselines": True, **flags}
    session = open_session(store)
    spec = spec_of(None, asked, session.settings, verifiers_of(verifiers, options))
    carry_out(session, spec, out, dry_run=dry_run, as_json=as_json)


def _require_solutions(name: str | None) -> None:
    """Raise :class:`UsageError` for a task that has no solutions to judge."""
    able = [each.name for each in TASKS.all().values() if issubclass(each.options, SolutionOptions)]
    known = f"these have: {', '.join(able)}"
    if name is None:
        raise ConfigError("the task is missing: solutions whose worth is known", hint=f"name one, --task NAME; {known}")
    if TASKS.get(name).name not in able:
        raise ConfigError(f"task {name} has no solutions to judge", hint=known)
