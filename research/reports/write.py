"""A report as files, and as a text for the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...core.files import whole_file
from ..experiments.files import make_folder
from ..experiments.findings import Findings
from .plot import Plot, plot
from .render import WIDTH, markdown, terminal
from .results import write_results
from .sections import document


class Written(NamedTuple):
    """What a report left in its folder."""

    files: tuple[Path, ...]
    note: str | None
    """Why a file is missing, as a sentence."""


def write_report(findings: Findings, folder: Path) -> Written:
    """Write ``report.md``, ``results.csv``, and but for verifiers ``accuracy.png`` and ``accuracy.svg``.

    Without matplotlib, which comes with the extra ``reports``, the pictures are left out and the note says so.

    Args:
        findings: What :func:`~symposia.research.experiments.findings.study` computes of an experiment.
        folder: Made where it is missing.

    Raises:
        ConfigError: where a file cannot be written.
        StoreFullError: where the disk is full. What was there stays.
    """
    make_folder(folder)
    files = [folder / "report.md", folder / "results.csv"]
    drawn, note = (None, None) if findings.verifiers else _drawn(findings)
    with whole_file(files[0]) as file:
        file.write(markdown(document(findings), picture="accuracy.svg" if drawn else None))
    with whole_file(files[1]) as file:
        write_results(findings, file)
    if drawn:
        for path, data in ((folder / "accuracy.png", drawn.png), (folder / "accuracy.svg", drawn.svg)):
            with whole_file(path) as file:
                file.buffer.write(data)
            files.append(path)
    return Written(tuple(files), note)


def _drawn(findings: Findings) -> tuple[Plot | None, str | None]:
    try:
        drawn = plot(findings)
    except ImportError:
        return None, 'the plot was left out: matplotlib is not installed (pip install "symposia[reports]")'
    return drawn, None if drawn else "the plot was left out: no arm has a result yet"


def terminal_table(findings: Findings, *, width: int = WIDTH, colour: bool = False) -> str:
    """The report without its details, as text for a terminal."""
    return terminal(document(findings), width=width, colour=colour)
