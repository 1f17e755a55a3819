"""``symposia calibrate …``: the group. ``symposia calibrate EXPERIMENT`` is ``symposia calibrate fit EXPERIMENT``."""

from __future__ import annotations

import click

from .lazy import LazyGroup, Place

_COMMANDS = {
    "fit": Place("calibrate_fit:fit", "Fit a calibration on an experiment and keep it (the default)."),
    "list": Place("calibrate_show:list_calibrations", "List the calibrations of the store."),
    "show": Place("calibrate_show:show", "Show a calibration: what it holds for, the map, and what it is worth."),
    "remove": Place("calibrate_show:remove", "Remove a calibration, or one version of it."),
}


@click.command(cls=LazyGroup, places=_COMMANDS, default="fit")
def calibrate() -> None:
    """Learn from an experiment how likely answers are right, by confidence; list, show and remove what was learnt.

    `symposia calibrate EXPERIMENT` fits and keeps a calibration; `symposia calibrate fit --help` lists the options.
    """
