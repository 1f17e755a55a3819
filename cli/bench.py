"""``symposia bench …``: the group of what measures parts of strategies."""

from __future__ import annotations

import click

from .lazy import LazyGroup, Place

_COMMANDS = {
    "verifier": Place("bench_verifier:verifier", "Measure verifiers on solutions whose worth is known."),
}


@click.command(cls=LazyGroup, places=_COMMANDS)
def bench() -> None:
    """Measure parts of strategies by themselves. What a benchmark leaves is an experiment: `symposia eval` lists and reads it."""
