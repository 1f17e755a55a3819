"""Carrying out an experiment that flags or a file describe: what ``symposia eval`` and ``symposia bench`` have in common."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ..core.errors import SymposiaError
from ..core.result import Status
from ..research.experiments.experiment import Experiment
from ..research.experiments.files import save
from ..research.experiments.findings import Findings, study
from ..research.experiments.records import Evidence
from ..research.experiments.runner import Ending, Runner
from ..research.experiments.spec import ExperimentSpec
from ..research.reports import terminal_table, write_report
from ..runtime.session import Session
from .eval_progress import progress
from .eval_show import show_estimate, summary
from .options import run_async
from .output import data, data_json, note
from .signals import Interrupts


def carry_out(session: Session, spec: ExperimentSpec, out: Path | None, *, dry_run: bool, as_json: bool) -> None:
    """Run an experiment, or go on with it, report what came of it, and exit as it ended.

    Args:
        session: Not open yet.
        spec: What is asked for.
        out: The folder for its results; ``experiments/NAME`` where there is none.
        dry_run: Show what it will take instead, and spend nothing.
        as_json: Print data for programs instead of tables.

    Raises :class:`SymposiaError` for what is wrong with the request, and for what ended the experiment.
    """
    folder = out or Path("experiments") / spec.title

    async def work() -> int:
        with Interrupts(way_on="the same command goes on").installed() as interrupts:
            async with session:
                try:
                    async with await Experiment.prepare(session, spec) as experiment:
                        _say_what_was_left_out(experiment)
                        if dry_run:
                            show_estimate(experiment, await experiment.estimate(), as_json=as_json)
                            return 0
                        return await _run(experiment, interrupts, folder, as_json=as_json)
                except asyncio.CancelledError:
                    note("symposia: cancelled before the first run; the same command begins anew")
                    return 130

    sys.exit(run_async(work()))


def _say_what_was_left_out(experiment: Experiment) -> None:
    found = experiment.found
    if found.duplicates:
        note(f"{found.duplicates} questions of {found.source} stand there before: each is asked once")
    if found.left_out:
        note(f"{found.left_out} records of {found.source} are no problems of task {found.task.name}, and left out")


async def _run(experiment: Experiment, interrupts: Interrupts, folder: Path, *, as_json: bool) -> int:
    runner = await experiment.runner()
    interrupts.guard(runner)
    try:
        with progress(experiment.name, runner):
            await runner.run()
    except SymposiaError as error:
        note(f"symposia: experiment {experiment.name} was cut off; what was committed is safe, and the same command goes on")
        raise error from None
    evidence = experiment.evidence(runner)
    save(evidence, folder)
    findings = None
    if runner.ending is not Ending.STOPPED:  # whoever pressed Ctrl-C wants no table, and no plot drawn
        findings = _report(evidence, folder, as_json=as_json)
    if as_json:
        data_json(summary(experiment, runner, folder, findings))
    _say_ending(experiment, runner, folder)
    if runner.error is not None:
        raise runner.error
    return _exit_code(runner)


def _report(evidence: Evidence, folder: Path, *, as_json: bool) -> Findings:
    findings = study(evidence)
    if any(trial.status != Status.FAILED for trial in evidence.trials):
        written = write_report(findings, folder)
        if written.note is not None:
            note(written.note)
    if not as_json:
        data(terminal_table(findings))
    return findings


def _say_ending(experiment: Experiment, runner: Runner, folder: Path) -> None:
    standing = runner.standing
    left = standing.total - standing.settled
    if failed := standing.failed:
        told = ", ".join(f"{count} by {code}" for code, count in failed.most_common())
        note(f"{failed.total()} of {standing.total} runs failed ({told}); the same command tries them again")
    if left:
        note(f"{left} of {standing.total} runs were not made; the same command goes on with them")
    if runner.ending is Ending.CAP:
        note(f"the cap was reached: {runner.why}; a larger --cap goes on")
    note(f"results of {experiment.name} are in {folder}")


def _exit_code(runner: Runner) -> int:
    if runner.ending is Ending.STOPPED:
        return 130
    if runner.ending is Ending.CAP:
        return 4
    return 1 if runner.standing.failed or runner.standing.settled < runner.standing.total else 0
