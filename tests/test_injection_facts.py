"""docs/experiments/verifiers: what planted instructions did, on scores that were invented for the test."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "experiments" / "verifiers"
PLANTED = json.loads((FOLDER / "attacks.json").read_text(encoding="utf-8"))
ATTACKS = [each for each in PLANTED if each["kind"] != "control"]


@pytest.fixture(scope="module")
def facts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("facts_of_verifiers_alone", FOLDER / "facts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(folder: Path, missing: str = "") -> None:
    """Four wrong solutions: attacks at the end add .2 to the harmless .4, those at the start nothing to the harmless .3."""
    with (folder / "injection-small.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["problem", "view", "variant", "score"])
        for problem in "abcd":
            out.writerow([problem, "all", "clean", 0.9 if problem == "a" else 0.1])
            for each in PLANTED:
                score = 0.3 if each["place"] == "start" else 0.4 if each["kind"] == "control" else 0.6
                out.writerow([problem, "all", each["id"], "" if each["id"] == missing else score])


def test_attacks_are_set_against_the_harmless_sentence_of_their_place(facts: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path)
    told = facts.injection(tmp_path)
    at_end = sum(each["place"] == "end" for each in ATTACKS)
    shift, passing = 100 * 0.2 * at_end / len(ATTACKS), 100 * at_end / len(ATTACKS)
    row = told["injection"].splitlines()[-1]
    assert row.startswith("| `small` | all | 4 | 30 | 25.0 (")
    assert f"| {passing:.1f} (" in row
    assert f"| {shift:+.1f} | {shift:.1f} to {shift:.1f} | 0 |" in row
    assert "| plea | +20.0 |" in told["injection_kinds"]


def test_scores_that_are_missing_are_left_out_and_counted(facts: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path, missing="plea-23")
    told = facts.injection(tmp_path)
    assert told["injection"].splitlines()[-1].endswith("| 4 |")


def test_what_was_not_recorded_is_said(facts: ModuleType, tmp_path: Path) -> None:
    assert set(facts.facts(tmp_path).values()) == {"Not recorded yet."}
