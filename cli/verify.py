"""``symposia verify``."""

from __future__ import annotations

import sys
from typing import Any

import click

from ..agents.verifiers.step_scores import first_error
from ..core.candidate import Candidate, Score
from ..core.option_items import parse_options
from ..core.problem import AnswerKind
from ..core.result import Result, Status
from ..runtime.team import Team
from .executing import execute
from .options import json_option, open_session, read_approvals, run_async, store_option
from .output import clean, data, data_json, note, shorten
from .question import read_question
from .show import result_json, summary
from .signals import Interrupts
from .solutions import Given, posed, read_solutions

_STEP = 100
"""Characters of a step that are shown."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--question", metavar="TEXT|@FILE", help="What the solutions are of, where the files do not say.")
@click.option("--verifier", default="judge", show_default=True, help="Who judges; `symposia verifiers` lists them.")
@click.option("--set", "options", multiple=True, metavar="KEY=VALUE", help="An option of the verifier.")
@click.option(
    "--model", "models", multiple=True, metavar="[ROLE=]NAME", help="A catalogue name, PATH.gguf, or http://HOST:PORT/v1."
)
@click.option("--team", metavar="NAME", help="A team saved in the configuration.")
@click.option(
    "--approve", "approvals", multiple=True, metavar="TOOL=HOW", help="Whether a tool may be called: always, ask, never."
)
@click.option("--budget", metavar="CAPS", help="30 (calls), or calls=30,tokens=20k,dollars=0.05,seconds=90.")
@click.option("--seed", type=int, help="Seed of all randomness (0).")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Below it a step is wrong.")
@click.option("--answer-kind", type=click.Choice([kind.value for kind in AnswerKind]), help="What counts as an answer.")
@click.option("--language", metavar="CODE", help="Language of the question (en).")
@store_option
@json_option
def verify(
    files: tuple[str, ...],
    *,
    question: str | None,
    verifier: str,
    options: tuple[str, ...],
    models: tuple[str, ...],
    team: str | None,
    approvals: tuple[str, ...],
    budget: str | None,
    seed: int | None,
    threshold: float,
    answer_kind: str | None,
    language: str | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Score the solutions in FILEs, whole or step by step.

    A file holds the text of a solution, or is .json or .jsonl of {"question", "solution"} or {"question", "steps"}.
    """
    given = read_solutions(files)
    problem = posed(given, None if question is None else read_question(question), answer_kind, language)
    asked = {"verifier": verifier, "verifier_options": parse_options(options)}
    session = open_session(store, approve=read_approvals(approvals))
    roles = session.saved_team(team).roles | Team.parse(models).roles

    async def work() -> Result:
        with Interrupts().installed() as interrupts:
            async with session:
                record = await session.create(problem, strategy="verify", team=roles, budget=budget, seed=seed, options=asked)
                return await execute(session, record, interrupts)

    result = run_async(work())
    if as_json:
        data_json(_json(result, given, threshold))
        if result.error:
            note(f"symposia: {result.error}")
    else:
        _show(result, given, threshold)
    sys.exit(result.exit_code)


def _judged(result: Result, given: list[Given]) -> list[tuple[Given, Candidate, Score | None]]:
    return [
        (one, candidate, candidate.scores[-1] if candidate.scores else None)
        for one, candidate in zip(given, result.candidates, strict=True)
    ]


def _json(result: Result, given: list[Given], threshold: float) -> dict[str, Any]:
    """The result, and under ``verdicts`` what a program wants of each solution."""
    verdicts = [
        {
            "source": one.source,
            "score": score and score.value,
            "first_error": first_error(score.steps, threshold) if score else None,
            "steps": [
                {"text": text, "score": value} for text, value in zip(candidate.step_texts(score), score.steps, strict=True)
            ]
            if score
            else [],
            "rationale": score.rationale if score else "",
            "evidence": [each.model_dump(mode="json") for each in score.evidence] if score else [],
        }
        for one, candidate, score in _judged(result, given)
    ]
    return {"verdicts": verdicts, **result_json(result)}


def _show(result: Result, given: list[Given], threshold: float) -> None:
    for one, candidate, score in _judged(result, given):
        data(f"{clean(one.source)}: {_verdict(score, threshold)}")
        if score is not None:
            _show_reasons(candidate, score, threshold)
    if result.status is Status.NO_ANSWER:
        note("symposia: no verdict could be read")
    note(summary(result))


def _verdict(score: Score | None, threshold: float) -> str:
    if score is None:
        return "not judged"
    value = "no score" if score.value is None else f"score {score.value:.3f}"
    place = first_error(score.steps, threshold)
    if place is None:
        return value
    found = "no step is wrong" if place < 0 else f"step {place + 1} of {len(score.steps)} is the first that is wrong"
    return f"{value} · {found}"


def _show_reasons(candidate: Candidate, score: Score, threshold: float) -> None:
    place = first_error(score.steps, threshold)
    for number, (text, value) in enumerate(zip(candidate.step_texts(score), score.steps, strict=True)):
        mark = "✗" if number == place else " "
        data(f"{mark} {number + 1:>3}  {'    -' if value is None else f'{value:.3f}'}  {shorten(text, _STEP)}")
    if score.rationale:
        data(clean(score.rationale))
    for each in score.evidence:
        came = f"error: {each.error}" if each.error is not None else str(each.output)
        data(f"  {each.tool} {shorten(str(each.input), _STEP)} → {shorten(came, _STEP)}")
