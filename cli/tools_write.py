"""``symposia tools write``: a run in which a model writes a tool, and keeping what it wrote."""

from __future__ import annotations

import getpass
import sys

import click

from ..core.option_items import parse_options
from ..core.problem import AnswerKind, Problem
from ..core.result import Result
from ..core.written import WRITER, WrittenTool
from ..runtime.team import Team
from .executing import execute
from .options import json_option, open_session, run_async, store_option
from .output import note
from .question import read_question
from .show import show_result
from .signals import Interrupts
from .tools_written import tell


@click.command()
@click.argument("what")
@click.option("--name", metavar="NAME", help="What the tool is called; by default as the model calls it.")
@click.option("--model", metavar="NAME", help="A catalogue name, PATH.gguf, or http://HOST:PORT/v1.")
@click.option(
    "--set", "options", multiple=True, metavar="KEY=VALUE", help=f"An option of the strategy {WRITER}, such as repairs=4."
)
@click.option("--budget", metavar="CAPS", help="30 (calls), or calls=30,tokens=20k,dollars=0.05,seconds=90.")
@store_option
@json_option
def write(
    what: str,
    *,
    name: str | None,
    model: str | None,
    options: tuple[str, ...],
    budget: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Have a model write a tool that does WHAT (a text, - for standard input, or @FILE), and keep it where its tests pass.

    It is a run like any other: stored, within its budget, resumed with `symposia run resume`. What a resumed run wrote is kept
    with `symposia tools add --run RUN`.
    """
    problem = Problem.of(read_question(what), answer_kind=AnswerKind.JSON)
    given = parse_options(options) | ({} if name is None else {"name": name})
    roles = Team.parse((model,) if model else ()).roles

    async def work() -> tuple[Result, WrittenTool | None]:
        with Interrupts().installed() as interrupts:
            async with open_session(store) as session:
                record = await session.create(problem, strategy=WRITER, team=roles, budget=budget, options=given)
                result = await execute(session, record, interrupts)
                if result.answer is None:
                    return result, None
                return result, await session.tools.add_from_run(record.id, admitted_by=getpass.getuser())

    result, written = run_async(work())
    if written is None:
        show_result(result, as_json=as_json)
        sys.exit(result.exit_code)
    tell(written, as_json=as_json)
    note(f"written by {written.provenance.model} in run {result.run_id}; read it: `symposia tools show {written.draft.name}`")
