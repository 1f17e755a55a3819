"""``symposia solve``."""

from __future__ import annotations

import asyncio
import sys

import click

from ..core.problem import AnswerKind, Problem
from ..core.records import RunRecord
from ..core.result import Result
from ..graphs.strategy import parse_options
from ..runtime.session import Session
from ..runtime.team import Team
from .options import json_option, open_session, run_async, store_option
from .output import interactive, note
from .progress import progress
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
@click.option("--budget", metavar="CAPS", help="30 (calls), or calls=30,tokens=20k,dollars=0.05,seconds=90.")
@click.option("--seed", type=int, help="Seed of all randomness (0).")
@click.option(
    "--answer-kind", type=click.Choice([kind.value for kind in AnswerKind]), help="What counts as an answer (expression)."
)
@click.option("--language", metavar="CODE", help="Language of the question (en).")
@store_option
@json_option
def solve(
    question: str,
    *,
    strategy: str | None,
    models: tuple[str, ...],
    team: str | None,
    options: tuple[str, ...],
    budget: str | None,
    seed: int | None,
    answer_kind: str | None,
    language: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Answer QUESTION: a text, - for standard input, or @FILE."""
    problem = Problem.of(read_question(question), answer_kind=answer_kind, language=language)
    given = parse_options(options)
    session = open_session(store)
    roles = session.saved_team(team).roles | Team.parse(models).roles

    async def work() -> Result:
        with Interrupts().installed() as interrupts:
            async with session:
                record = await session.create(problem, strategy=strategy, team=roles, budget=budget, seed=seed, options=given)
                return await execute(session, record, interrupts)

    result = run_async(work())
    show_result(result, as_json=as_json)
    sys.exit(result.exit_code)


async def execute(session: Session, record: RunRecord, interrupts: Interrupts) -> Result:
    """Execute a stored run with live progress and soft stop."""
    try:
        with progress() as tally:
            watch = tally.hear_text if interactive() else None
            execution = await session.execution(record, listener=tally.hear, watch=watch)
            interrupts.guard(execution.control)
            return await execution.execute()
    except asyncio.CancelledError:
        note(f"symposia: cancelled before the first call; go on with `symposia run resume {record.id}`")
        raise click.exceptions.Abort from None
