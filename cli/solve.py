"""``symposia solve``."""

from __future__ import annotations

import sys

import click

from ..core.errors import ConfigError
from ..core.option_items import parse_options
from ..core.problem import AnswerKind, Problem
from ..core.result import Result
from ..runtime.team import Team
from .executing import execute, hand_over
from .options import json_option, open_session, read_approvals, run_async, store_option
from .question import read_question
from .show import show_result
from .signals import Interrupts


@click.command()
@click.argument("question")
@click.option("--strategy", metavar="NAME", help="How to solve it; `symposia strategies` lists them.")
@click.option(
    "--model", "models", multiple=True, metavar="[ROLE=]NAME", help="A catalogue name, PATH.gguf, or http://HOST:PORT/v1."
)
@click.option("--team", metavar="NAME", help="A team saved in the configuration.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="An option of the strategy.")
@click.option(
    "--approve", "approvals", multiple=True, metavar="TOOL=HOW", help="Whether a tool may be called: always, ask, never."
)
@click.option("--budget", metavar="CAPS", help="30 (calls), or calls=30,tokens=20k,dollars=0.05,seconds=90.")
@click.option("--seed", type=int, help="Seed of all randomness (0).")
@click.option(
    "--answer-kind", type=click.Choice([kind.value for kind in AnswerKind]), help="What counts as an answer (expression)."
)
@click.option("--language", metavar="CODE", help="Language of the question (en).")
@click.option("--calibration", metavar="NAME", help="The calibration that must hold; `symposia calibrate list` lists them.")
@click.option("--detach", is_flag=True, help="Let a process of its own execute the run; print the run's id.")
@click.option("--ephemeral", is_flag=True, help="Keep nothing: no run is stored.")
@store_option
@json_option
def solve(
    question: str,
    *,
    strategy: str | None,
    models: tuple[str, ...],
    team: str | None,
    options: tuple[str, ...],
    approvals: tuple[str, ...],
    budget: str | None,
    seed: int | None,
    answer_kind: str | None,
    language: str | None,
    calibration: str | None,
    detach: bool,
    ephemeral: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Answer QUESTION: a text, - for standard input, or @FILE."""
    problem = Problem.of(read_question(question), answer_kind=answer_kind, language=language)
    given = parse_options(options)
    if ephemeral and (detach or store):
        other = "--detach" if detach else "--store"
        raise ConfigError(f"--ephemeral keeps nothing, so it does not go with {other}", hint="leave one of them out")
    session = open_session(":memory:" if ephemeral else store, approve=read_approvals(approvals))
    roles = session.saved_team(team).roles | Team.parse(models).roles

    async def work() -> Result | None:
        with Interrupts(stored=not ephemeral).installed() as interrupts:
            async with session:
                record = await session.create(
                    problem, strategy=strategy, team=roles, budget=budget, seed=seed, options=given, calibration=calibration
                )
                if detach:
                    await hand_over(session, record, as_json=as_json)
                    return None
                return await execute(session, record, interrupts, as_json=as_json)

    result = run_async(work())
    if result is not None:
        show_result(result, as_json=as_json, stored=not ephemeral)
        sys.exit(result.exit_code)
