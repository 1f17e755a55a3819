"""``symposia calibrate EXPERIMENT``: fit a calibration on development trials, and keep it. No model is asked."""

from __future__ import annotations

import re

import click

from ..core.calibration import Method, StoredCalibration
from .calibrate_show import calibration_json, describe
from .eval_read import read_evidence
from .options import json_option, open_session, run_async, store_option
from .output import data, data_json, note

_LONGEST_NAME = 64


@click.command()
@click.argument("where", metavar="EXPERIMENT|FOLDER")
@click.option("--arm", metavar="ARM", help="The arm to calibrate, where several have a confidence.")
@click.option(
    "--risk", default=0.05, show_default=True, type=click.FloatRange(0, 1, True, True), help="Of taking a wrong answer, at most."
)
@click.option(
    "--method",
    default="isotonic",
    show_default=True,
    type=click.Choice(["isotonic", "platt"]),
    help="How to map: rising steps, or a logistic curve, which is steadier on few problems.",
)
@click.option("--name", metavar="NAME", help="What to call it; by default after experiment and arm.")
@store_option
@json_option
def fit(*, where: str, arm: str | None, risk: float, method: Method, name: str | None, store: str | None, as_json: bool) -> None:
    """Fit how likely the answers of an arm are right, by their confidence, and keep it in the store.

    Runs of the same strategy, options, models and prompts then say how likely their answer is right.
    """
    from ..research.experiments.calibrate import calibrate  # noqa: PLC0415 - numpy, for this command only

    fitted = calibrate(read_evidence(where, store), arm, risk=risk, method=method)
    title = name or _named(f"{fitted.data.experiment}-{fitted.data.arm}")

    async def work() -> StoredCalibration:
        async with open_session(store) as session:
            return await session.store.calibrations().add(title, fitted)

    stored = run_async(work())
    if as_json:
        data_json(calibration_json(stored))
    else:
        data(describe(stored))
        note(f"kept as {stored.title}: runs like these say from now on how likely their answer is right")


def _named(text: str) -> str:
    """A name like ``text``, whose arm may be called after options and models."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text)[:_LONGEST_NAME].strip("-")
