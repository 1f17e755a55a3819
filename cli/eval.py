"""``symposia eval …``: the group. ``symposia eval FILE`` and ``symposia eval --task …`` are ``symposia eval run …``."""

from __future__ import annotations

import click

from .lazy import LazyGroup, Place

_COMMANDS = {
    "run": Place("eval_run:run", "Run the experiment of a file or of flags, or go on with it (the default)."),
    "record": Place("eval_run:record", "Record a pool of samples: greedy and self-consistency, with log-probabilities."),
    "list": Place("eval_list:list_experiments", "List the experiments of the store."),
    "show": Place("eval_list:show", "Show the plan of an experiment and how far it is."),
    "report": Place("eval_read:report", "Tables, files and the plot of an experiment."),
    "compare": Place("eval_read:compare", "Compare two experiments or two arms, with a verdict."),
    "subsample": Place("eval_read:subsample", "The curve over N out of recorded samples, without a model."),
    "rm": Place("eval_list:remove", "Remove an experiment with its runs."),
    "openings": Place("eval_list:openings", "Who opened which test split, when and why."),
}


@click.command(cls=LazyGroup, places=_COMMANDS, default="run")
def evaluate() -> None:
    """Run an experiment, go on with it, and read its results.

    `symposia eval FILE` and `symposia eval --task NAME --strategy NAME …` run one; `symposia eval run --help` lists the options.
    """
