"""How often the 95 % intervals hold the truth, by the designs of ``benchmarks/coverage.py``."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symposia.research.statistics.intervals import Interval
from symposia.research.statistics.paired import paired_difference

ROOT = Path(__file__).resolve().parents[3]
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "benchmarks/coverage.py"))


@pytest.mark.parametrize("n", [30, 100, 400])
def test_accuracies_of_single_credits(n: int) -> None:
    """In the mean over a tenth of all accuracies: at a single one, whole counts make the coverage jump by up to 4 points."""
    for centre in (0.1, 0.3, 0.5, 0.9):
        near = SCRIPT["share_coverage"](n, np.linspace(centre - 0.05, centre + 0.05, 41))
        assert 0.93 <= np.mean(near) <= 0.97
        assert 0.915 <= min(near) <= max(near) <= 0.985


@pytest.mark.parametrize("label", SCRIPT["ONE_ARM"])
def test_accuracies_of_several_credits(label: str) -> None:
    assert 0.93 <= SCRIPT["accuracy_coverage"](label, 30) <= 0.97


def difference(values: np.ndarray[Any, np.dtype[np.float64]]) -> Interval:
    return paired_difference(values, np.zeros(len(values)), draws=4_000)


def test_paired_differences_of_single_credits() -> None:
    cells = [(share, share * part) for share in (0.1, 0.25) for part in (0, 0.25, 0.5, 0.75)]
    found = SCRIPT["pair_coverage"](difference, 40, cells)
    assert 0.945 <= min(found) <= max(found) <= 0.985
    assert max(found[4:]) <= 0.97
    assert np.mean(found[:4]) <= 0.975


def test_paired_differences_are_safe_where_next_to_nothing_differs() -> None:
    cells = [(share, share * part) for share in (0.02, 0.05) for part in (0, 0.25, 0.5, 0.75)]
    assert min(SCRIPT["pair_coverage"](difference, 20, cells)) > 0.95
    assert min(SCRIPT["pair_coverage"](SCRIPT["plain"], 20, cells)) < 0.4


@pytest.mark.parametrize("label", list(SCRIPT["TWO_ARMS"])[1:3])
def test_paired_differences_of_several_credits(label: str) -> None:
    assert 0.93 <= SCRIPT["difference_coverage"](label, 40) <= 0.97


@pytest.mark.integration
def test_the_tables_of_the_docs_are_what_the_script_finds() -> None:
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    for table in SCRIPT["tables"]():
        for label, values in table.rows:
            written = re.search(rf"^\| {re.escape(label)} \|([0-9. |]+)\|$", page, re.MULTILINE)
            assert written, label
            assert [float(cell) for cell in written[1].split("|")] == pytest.approx([100 * value for value in values], abs=0.31)
