"""``symposia calibrate list|show|remove``: what the store has of calibrations, and how one is written for people."""

from __future__ import annotations

import time
from typing import Any

import click

from ..core.calibration import Calibration, Fit, StoredCalibration, Threshold
from .options import json_option, open_session, run_async, store_option
from .output import age, columns, data, data_json, note

_POINTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Confidences at which a map is shown."""


@click.command("list")
@store_option
@json_option
def list_calibrations(*, store: str | None, as_json: bool) -> None:
    """List the calibrations of the store."""

    async def work() -> list[StoredCalibration]:
        async with open_session(store) as session:
            return await session.store.calibrations().every()

    found = run_async(work())
    if as_json:
        data_json([calibration_json(one) for one in found])
    elif found:
        data(columns([_row(one) for one in found], ["CALIBRATION", "STRATEGY", "MODELS", "TASK", "PROBLEMS", "AGE"]))
    else:
        note("no calibrations yet; `symposia calibrate EXPERIMENT` makes one")


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@store_option
@json_option
def show(name: str, *, store: str | None, as_json: bool) -> None:
    """Show a calibration: what it holds for, what it was fitted on, the map, and what it is worth."""

    async def work() -> StoredCalibration:
        async with open_session(store) as session:
            return await session.store.calibrations().find(name)

    found = run_async(work())
    if as_json:
        data_json(calibration_json(found))
    else:
        data(describe(found))


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@store_option
@json_option
def remove(name: str, *, store: str | None, as_json: bool) -> None:
    """Remove a calibration, or one version of it. Runs that were told of it keep what they say."""

    async def work() -> list[int]:
        async with open_session(store) as session:
            return await session.store.calibrations().remove(name)

    removed = [f"{name.partition('@')[0]}@{version}" for version in run_async(work())]
    note(f"removed {', '.join(removed)}")
    if as_json:
        data_json(removed)


def calibration_json(stored: StoredCalibration) -> dict[str, Any]:
    """A calibration as data, with its hashes."""
    calibration = stored.calibration
    return {**stored.model_dump(mode="json"), "sha256": calibration.digest, "holds_for": calibration.key}


def describe(stored: StoredCalibration) -> str:
    """A calibration as a page of plain text."""
    calibration, data_ = stored.calibration, stored.calibration.data
    left = [f"{count:,} {what}" for count, what in ((data_.unsure, "without a confidence"), (data_.cut, "cut short")) if count]
    made = time.strftime("%Y-%m-%d", time.localtime(stored.made_at))
    head = [
        f"calibration  {stored.title}, made {made}",
        f"strategy     {calibration.strategy} ({', '.join(f'{key}={value}' for key, value in calibration.config.items())})",
        f"models       {', '.join(f'{role}={name}' for role, name in calibration.models.items())}",
        f"data         {data_.task} ({data_.split}), arm {data_.arm} of {data_.experiment}, sha256 {data_.sha256[:16]}…",
        f"answers      {data_.n:,} on {data_.problems:,} problems, {data_.right:,} right"
        + (f"; left out: {', '.join(left)}" if left else ""),
    ]
    points = [[f"{sure:.0%}", f"{calibration.map.probability(sure):.0%}"] for sure in _POINTS]
    mapped = columns(
        [[f"{calibration.map.kind} map", *(mapped for _, mapped in points)]], ["confidence", *(c for c, _ in points)]
    )
    fits = columns([_fit(fit) for fit in calibration.fits], ["cross-validated", "Brier", "ECE", "Brier better by (95 %)"])
    return "\n".join([*head, "", mapped, "", fits, "", *_thresholds(calibration)])


def _row(stored: StoredCalibration) -> list[str]:
    calibration = stored.calibration
    models = ", ".join(dict.fromkeys(calibration.models.values()))
    problems = f"{calibration.data.problems:,}"
    return [stored.title, calibration.strategy, models, calibration.data.task, problems, age(stored.made_at)]


def _fit(fit: Fit) -> list[str]:
    gain = "" if fit.gain is None else "{:+.3f} [{:+.3f}, {:+.3f}]".format(*fit.gain)
    return ["as it is" if fit.method == "none" else fit.method, f"{fit.brier:.3f}", f"{fit.ece:.3f}", gain]


def _thresholds(calibration: Calibration) -> list[str]:
    accept, stop = calibration.accept, calibration.stop
    lines = _threshold(accept, "take answers", "at a confidence of {} or more", "answers are taken")
    if stop is not None:
        lines += _threshold(stop, "stop sampling", "once the leader has a share of {} or more", "stop")
        if stop.confidence is not None:
            options = f"--set criterion=majority --set threshold={stop.confidence:g} --set n={calibration.config['n']}"
            lines.append(f"  with the same sampling: --strategy adaptive-consistency {options}")
    return lines


def _threshold(found: Threshold, what: str, when: str, did: str) -> list[str]:
    """The promise of a threshold, or why there is none."""
    if found.confidence is not None:
        return [
            f"{what} {when.format(f'{found.confidence:g}')}: at most {found.risk:.1%} of all questions end in a wrong one so",
            f"  of the {found.problems:,} problems here {found.taken:,} {did}, {found.wrong:,} of them wrong",
        ]
    way = "" if found.least is None else f"; the least that can be promised is a risk of {found.least:.1%}"
    return [f"{what}: no threshold can promise a risk of {found.risk:.1%} with these {found.problems:,} problems{way}"]
