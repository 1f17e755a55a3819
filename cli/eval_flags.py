"""The flags of an experiment, and how they become the same that a file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.errors import ConfigError
from ..core.option_items import parse_options
from ..research.experiments.spec import ExperimentSpec, make_spec, read_spec, strategies_of, teams_of
from ..runtime.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_TASK = (
    click.option("--task", metavar="NAME", help="Problems; `symposia tasks` lists them."),
    click.option("--data", type=click.Path(path_type=Path), metavar="PATH", help="Read them from this file, folder or pattern."),
    click.option("--task-option", "task_options", multiple=True, metavar="KEY=VALUE", help="An option of the task."),
    click.option("--split", type=click.Choice(["dev", "test"]), help="Which half (dev)."),
    click.option("--open-test", metavar="REASON", help="Why the test split is opened; it is recorded."),
    click.option("--limit", type=int, metavar="N", help="The first so many problems."),
)
_RUN = (
    click.option("--name", help="What it is stored under; the same name goes on with it."),
    click.option("--seeds", metavar="0,1", help="Seeds; each is one more run of every arm on every problem (0)."),
    click.option("--cap", metavar="CAPS", help="Of the whole experiment: tokens=2M,dollars=1."),
    click.option("--in-flight", type=int, metavar="K", help="Runs at a time (what the models' endpoints take)."),
    click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where results go (experiments/NAME)."),
    click.option("--dry-run", is_flag=True, help="Show the plan and what it will take; spend nothing."),
)
_MODELS = (
    click.option("--model", "models", multiple=True, metavar="[ROLE=]NAME", help="Each is a team of its own; a role joins all."),
    click.option("--team", "teams", multiple=True, metavar="NAME", help="A team saved in the configuration."),
)
own_task = click.option("--define", multiple=True, metavar="KEY=VALUE", help="A task of your own: question, gold, answer_kind …")
run_budget = click.option("--budget", "budgets", multiple=True, metavar="CAPS", help="Of each run; each budget is one more arm.")
MATRIX = (
    own_task,
    click.option("--strategy", "strategies", multiple=True, metavar="[LABEL=]NAME", help="What to compare."),
    click.option(
        "--set",
        "options",
        multiple=True,
        metavar="[LABEL:]KEY=VALUE",
        help="An option of the strategies that have it.",
    ),
    run_budget,
    click.option("--no-baselines", is_flag=True, help="Add no greedy arm to teams that have none."),
)


def experiment_flags(*own: Callable[[Any], Any]) -> Callable[[F], F]:
    """The options of a command that runs experiments, with some of its ``own``, such as :data:`MATRIX`."""

    def add(command: F) -> F:
        for option in reversed((*_TASK, *own, *_MODELS, *_RUN)):
            command = option(command)
        return command

    return add


def spec_of(
    file: Path | None, flags: Mapping[str, Any], settings: Settings, strategies: Sequence[Mapping[str, Any]] = ()
) -> ExperimentSpec:
    """The experiment that a file and flags describe, with ``strategies`` of its own where the flags can name none.

    Flags take the place of what the file says.

    Raises :class:`UsageError` naming what cannot be used.
    """
    saved = {}
    for name in flags["teams"]:
        if name not in settings.teams:
            raise ConfigError(f"there is no saved team {name!r}", hint=f"known: {', '.join(settings.teams) or 'none'}")
        saved[name] = settings.teams[name]
    changes: dict[str, Any] = {key: flags[key] for key in ("name", "cap", "in_flight") if flags[key] is not None}
    if flags["seeds"] is not None:
        changes["seeds"] = _numbers(flags["seeds"])
    if flags["models"] or saved:
        changes |= {"models": [], "teams": {}} | teams_of(flags["models"], saved)
    if strategies:
        changes["strategies"] = strategies
    elif flags.get("strategies"):
        changes["strategies"] = strategies_of(flags["strategies"], flags["options"])
    elif flags.get("options"):
        raise ConfigError("--set changes a strategy, and none is named", hint="add --strategy NAME, or change the file")
    if flags.get("budgets"):
        changes["budgets"] = list(flags["budgets"])
    if flags.get("no_baselines"):
        changes["baselines"] = False
    task = _task(flags)
    if file is not None:
        return read_spec(file, {**changes, "task": task})
    return make_spec({**changes, **({"task": task} if task else {})})


def _task(flags: Mapping[str, Any]) -> dict[str, Any]:
    task = {key: flags[key] for key in ("data", "split", "open_test", "limit") if flags[key] is not None}
    if flags["task"] is not None:
        task["name"] = flags["task"]
    if flags["task_options"]:
        task["options"] = parse_options(flags["task_options"])
    if own := flags.get("define"):
        task = {"name": "custom", **task, "define": parse_options(own)}
    return task


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"seeds {text!r} are not whole numbers", hint="write for example --seeds 0,1,2") from None
