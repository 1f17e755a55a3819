"""``symposia eval report|compare|subsample``: results read again, from the store or a folder. No model is asked."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.errors import EvidenceError, UsageError
from .options import json_option, open_session, run_async, store_option
from .output import data, data_json, note, plain

if TYPE_CHECKING:
    from ..research.experiments.across import Side
    from ..research.experiments.curves import Curve
    from ..research.experiments.pools import Pool
    from ..research.experiments.records import Evidence
    from ..research.reports.document import Document


def _sizes(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    try:
        return None if value is None else tuple(int(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of whole numbers such as 1,2,4") from None


@click.command()
@click.argument("where", metavar="NAME|FOLDER")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write evidence, report.md, results.csv and the plot to this folder."
)
@click.option("--baseline", metavar="ARM", help="Compare every arm with this one instead of the greedy arm of its model.")
@store_option
@json_option
def report(*, where: str, out: Path | None, baseline: str | None, store: str | None, as_json: bool) -> None:
    """Show what an experiment found, and write it down."""
    from ..research.experiments.files import save  # noqa: PLC0415 - numpy, for these commands only
    from ..research.experiments.findings import study  # noqa: PLC0415
    from ..research.reports import write_report  # noqa: PLC0415
    from ..research.reports.results import lines  # noqa: PLC0415
    from ..research.reports.sections import document  # noqa: PLC0415

    findings = study(read_evidence(where, store), baseline=baseline)
    if out is not None:
        save(findings.evidence, out)
        written = write_report(findings, out)
        note(f"written to {out}: {', '.join(path.name for path in written.files)}")
        if written.note:
            note(written.note)
    if as_json:
        data_json([line._asdict() for line in lines(findings)])
    else:
        _show(document(findings))


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--baseline", metavar="ARM", help="Compare every arm of A with this arm of B.")
@store_option
@json_option
def compare(*, a: str, b: str, baseline: str | None, store: str | None, as_json: bool) -> None:
    """Compare A with B on the problems that both have, and say what may be concluded.

    Each is an experiment's name or folder, or one arm of it as NAME:ARM.
    """
    from ..research.experiments.across import compare_sides  # noqa: PLC0415 - numpy, for these commands only
    from ..research.reports.document import Document  # noqa: PLC0415
    from ..research.reports.sections import comparison_section  # noqa: PLC0415

    first = _side(a, store)
    second = _side(b, store, known=first)
    found = compare_sides(first, second, baseline=baseline)
    if as_json:
        data_json([plain(dataclasses.asdict(each)) | {"verdict": each.verdict, "sentence": each.sentence} for each in found])
        return
    section = comparison_section(found)
    _show(Document(f"{a} against {b}", (), (section,) if section else (), ()))


@click.command()
@click.argument("where", metavar="NAME|FOLDER")
@click.option("--n", "sizes", callback=_sizes, metavar="1,2,4", help="Samples to draw; by default 1, 2, 4, … and all.")
@click.option("--stop", type=click.Choice(["fixed", "beta"]), help="Stop sampling once the vote is settled, or never.")
@click.option("--selector", type=click.Choice(["majority", "weighted", "best-of", "oracle"]), help="How to choose among them.")
@click.option(
    "--draws", type=click.IntRange(1, 10_000), help="Random subsets of each problem; 200 where there are not thousands."
)
@store_option
@json_option
def subsample(
    *,
    where: str,
    sizes: tuple[int, ...] | None,
    stop: str | None,
    selector: str | None,
    draws: int | None,
    store: str | None,
    as_json: bool,
) -> None:
    """Show what fewer samples of a recorded pool would have done: accuracy and cost at each size.

    One arm of several is named as NAME:ARM. Without --stop and --selector every rule is shown.
    """
    from ..research.experiments.curves import curve, doubling_sizes, rules_of  # noqa: PLC0415 - numpy, for these commands only
    from ..research.reports.sections import curve_document  # noqa: PLC0415

    if stop == "beta" and selector not in {None, "majority"}:
        raise UsageError(f"--stop beta settles votes: it does not go with --selector {selector}")
    rule = "beta" if stop == "beta" else selector or ("majority" if stop else None)
    shown: list[Curve] = []
    for pool in _pools(_side(where, store)):
        found = [
            curve(pool, each, sizes or doubling_sizes(pool.size), draws=draws) for each in ([rule] if rule else rules_of(pool))
        ]
        shown += found
        if not as_json:
            _show(curve_document(pool.arm.label, found))
    if as_json:
        data_json([plain(dataclasses.asdict(each)) for each in shown])


def _side(where: str, store: str | None, *, known: Side | None = None) -> Side:
    """An experiment, or one arm of it. Reads nothing twice: of ``known``, another arm may be meant."""
    from ..research.experiments.across import Side  # noqa: PLC0415 - numpy, for these commands only

    name, _, arm = (where, "", "") if Path(where).is_dir() else where.partition(":")
    evidence = known.evidence if known is not None and known.name == name else read_evidence(name, store)
    return Side(name, evidence, arm or None)


def read_evidence(where: str, store: str | None) -> Evidence:
    """The evidence of a folder, or of an experiment of the store."""
    from ..research.experiments.files import is_evidence, load  # noqa: PLC0415 - numpy, for these commands only

    folder = Path(where)
    if is_evidence(folder):
        return load(folder)
    if folder.is_dir() or folder.name != where:
        raise EvidenceError(f"{where} is no folder with an experiment.json", hint="`symposia eval` writes one with --out")

    from ..research.experiments.stored import collect_experiment  # noqa: PLC0415

    async def work() -> Evidence:
        async with open_session(store) as session:
            return await collect_experiment(session, where)

    return run_async(work())


def _pools(side: Side) -> list[Pool]:
    from ..core.errors import UnknownNameError  # noqa: PLC0415
    from ..research.experiments.pools import pool_of  # noqa: PLC0415 - numpy, for these commands only
    from ..research.experiments.scores import rows_by_arm  # noqa: PLC0415

    rows = rows_by_arm(side.evidence)
    if side.arm is not None and side.arm not in rows:
        raise UnknownNameError("arm", side.arm, rows, where=side.name)
    pools = [pool for label, each in rows.items() if side.arm in {None, label} and (pool := pool_of(each))]
    if not pools:
        raise EvidenceError(
            f"{side.name} has no samples to draw from: that takes self-consistency or best-of-n with two samples or more, "
            "and no early stop",
            hint="`symposia eval record` makes such a pool",
        )
    return pools


def _show(document: Document) -> None:
    from ..research.reports.render import WIDTH, terminal  # noqa: PLC0415 - rich, for what is shown only

    if sys.stdout.isatty():
        data(terminal(document, width=min(WIDTH, shutil.get_terminal_size().columns), colour=True))
    else:
        data(terminal(document))
