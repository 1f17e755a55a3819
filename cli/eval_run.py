"""``symposia eval run`` and ``symposia eval record``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .carry_out import carry_out
from .eval_flags import MATRIX, experiment_flags, own_task, spec_of
from .options import json_option, open_session, store_option


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@experiment_flags(*MATRIX)
@store_option
@json_option
def run(file: Path | None, *, out: Path | None, dry_run: bool, store: str | None, as_json: bool, **flags: Any) -> None:
    """Run the experiment of FILE, of the flags, or of both, or go on with it.

    What ended is not run again, and what failed is tried anew. More problems, seeds, models and strategies can be added to an
    experiment at any time.
    """
    session = open_session(store)
    carry_out(session, spec_of(file, flags, session.settings), out, dry_run=dry_run, as_json=as_json)


@click.command()
@click.option("-n", "--samples", default=16, show_default=True, type=click.IntRange(1), help="Samples a problem.")
@click.option("--max-tokens", default=1024, show_default=True, type=click.IntRange(1), help="Longest sample.")
@experiment_flags(own_task)
@store_option
@json_option
def record(
    *, samples: int, max_tokens: int, out: Path | None, dry_run: bool, store: str | None, as_json: bool, **flags: Any
) -> None:
    """Record a pool of samples, from which `eval subsample` and later experiments draw.

    One greedy answer and so many samples a problem, each asked for by itself, so that its tokens are known, with its
    log-probability.
    """
    session = open_session(store)
    asked = {"max_tokens": max_tokens, "logprobs": True}
    strategies: list[dict[str, Any]] = [
        {"name": "greedy", "options": asked},
        {"name": "self-consistency", "options": {"n": samples, "batched": False, **asked}},
    ]
    spec = spec_of(None, flags, session.settings, strategies)
    carry_out(session, spec, out, dry_run=dry_run, as_json=as_json)
