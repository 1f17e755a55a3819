"""Live progress of an experiment on stderr: a small table on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..research.experiments.runner import Runner
from ..research.experiments.standing import ArmStanding, Standing
from .output import interactive, note

if TYPE_CHECKING:
    from rich.table import Table

_LINE_SECONDS = 30.0


@contextlib.contextmanager
def progress(name: str, runner: Runner) -> Iterator[None]:
    """Show how far ``runner`` is while the block runs."""
    with _table(name, runner.standing) if interactive() else _lines(name, runner.standing):
        yield


def line(standing: Standing) -> str:
    """All in one line: runs, accuracy by arm with its n, failures, tokens, time left."""
    arms = [f"{label} {_accuracy(arm)}" for label, arm in standing.arms.items()]
    failed = standing.failed.total()
    parts = [f"{standing.settled:,}/{standing.total:,} runs", *arms, *([f"{failed} failed"] if failed else []), _pace(standing)]
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in at most two units."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"


def _accuracy(arm: ArmStanding) -> str:
    return "-" if arm.accuracy is None else f"{arm.accuracy:.1%} of {arm.done:,}"


def _pace(standing: Standing) -> str:
    rate = standing.tokens / standing.seconds if standing.seconds else 0.0
    left = standing.seconds_left
    rest = "" if left is None or standing.settled == standing.total else f" · about {duration(left)} left"
    return f"{standing.tokens:,} tokens · {rate:,.0f} a second · {duration(standing.seconds)}{rest}"


@contextlib.contextmanager
def _lines(name: str, standing: Standing) -> Iterator[None]:
    async def say() -> None:
        while True:
            await asyncio.sleep(_LINE_SECONDS)
            note(f"{name}: {line(standing)}")

    task = asyncio.create_task(say())
    try:
        yield
    finally:
        task.cancel()
        note(f"{name}: {line(standing)}")


@contextlib.contextmanager
def _table(name: str, standing: Standing) -> Iterator[None]:
    from rich.console import Console  # noqa: PLC0415 - only where a person watches
    from rich.live import Live  # noqa: PLC0415

    class _View:
        def __rich__(self) -> Table:
            return _drawn(name, standing)

    with Live(_View(), console=Console(stderr=True), refresh_per_second=2, transient=True):
        yield
    note(f"{name}: {line(standing)}")


def _drawn(name: str, standing: Standing) -> Table:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(title=f"{name} · {standing.running} under way", caption=_pace(standing), title_justify="left", box=None)
    for head in ("ARM", "DONE", "OF", "RIGHT", "FAILED"):
        table.add_column(head, justify="left" if head == "ARM" else "right")
    for label, arm in standing.arms.items():
        right = "-" if arm.accuracy is None else f"{arm.accuracy:.1%}"
        table.add_row(label, f"{arm.done:,}", f"{arm.total:,}", right, str(arm.failed.total() or "-"))
    return table
