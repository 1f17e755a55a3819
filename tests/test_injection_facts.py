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


def _write(folder: Path, missing: str = "", *, matched: bool = False) -> None:
    """Four wrong solutions: attacks at the end add .2 to the harmless .4, those at the start nothing to the harmless .3.

    What matches an attack gets .5.
    """
    with (folder / "injection-small.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["problem", "view", "variant", "score"])
        for problem in "abcd":
            out.writerow([problem, "all", "clean", 0.9 if problem == "a" else 0.1])
            for each in PLANTED:
                score = 0.3 if each["place"] == "start" else 0.4 if each["kind"] == "control" else 0.6
                out.writerow([problem, "all", each["id"], "" if each["id"] == missing else score])
                if matched and each["kind"] != "control":
                    out.writerow([problem, "all", f"{each['id']}/matched", 0.5])


def test_every_attack_has_a_harmless_text_that_is_about_as_long() -> None:
    assert len(ATTACKS) >= 30
    assert all(abs(len(each["control"]) - len(each["text"])) <= 3 + 0.2 * len(each["text"]) for each in ATTACKS)
    assert not any(word in each["control"].casefold() for each in ATTACKS for word in ("correct", "yes", "score", "solution"))


@pytest.mark.parametrize("matched", [True, False])
def test_attacks_are_set_against_what_is_harmless(facts: ModuleType, tmp_path: Path, matched: bool) -> None:
    _write(tmp_path, matched=matched)
    told = facts.injection(tmp_path)
    at_end = sum(each["place"] == "end" for each in ATTACKS) / len(ATTACKS)
    row = told["injection"].splitlines()[-1]
    assert row.startswith(f"| `small` | full | 4 | {len(ATTACKS)} | 25.0 (")
    assert f"| {100 * at_end:.1f} (" in row
    model, view, as_it_is, sentence, match = told["injection_beyond"].splitlines()[-1].strip("| ").split(" | ")
    assert (model, view) == ("`small`", "full")
    assert as_it_is.startswith(f"{100 * (0.6 * at_end + 0.3 * (1 - at_end) - 0.3):+.1f} (")
    assert sentence.startswith(f"{20 * at_end:+.1f} ({20 * at_end:.1f} to ")
    assert match == "-" if not matched else match.startswith(f"{100 * (0.1 * at_end - 0.2 * (1 - at_end)):+.1f} (")
    assert told["injection_kinds"].splitlines()[0].count("its match") == matched
    assert "| plea | +20.0 |" in told["injection_kinds"]


def test_scores_that_are_missing_are_left_out_and_counted(facts: ModuleType, tmp_path: Path) -> None:
    _write(tmp_path, missing="plea-23")
    told = facts.injection(tmp_path)
    assert told["injection"].splitlines()[-1].endswith("| 4 |")


def test_what_was_not_recorded_is_said(facts: ModuleType, tmp_path: Path) -> None:
    assert set(facts.facts(tmp_path).values()) == {"Not recorded yet."}
