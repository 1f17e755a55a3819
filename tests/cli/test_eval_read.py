"""``symposia eval report|compare|subsample`` on folders of results; reading from a store is tested where experiments run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from symposia.research.experiments.files import load, save

from ..command import Command
from ..research.invented import BEST, GREEDY, VOTE, evidence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An experiment of 20 problems, in the folder that commands run in."""
    save(evidence(GREEDY, VOTE, BEST, problems=20), tmp_path / "sums")
    return tmp_path / "sums"


def test_report_shows_the_tables_and_writes_nothing_unasked(symposia: Command, folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    ran = symposia("eval", "report", "sums")
    assert (ran.code, ran.err) == (0, "")
    assert "Accuracy, in per cent" in ran.out
    assert "5. Between best-of-n and a majority of" in ran.out
    assert "\x1b" not in ran.out
    assert sorted(path.name for path in folder.iterdir()) == before


def test_report_writes_evidence_and_report_to_a_folder(symposia: Command, folder: Path, tmp_path: Path) -> None:
    ran = symposia("eval", "report", "sums", "--out", "copy", "--baseline", "best-of-n", "--json")
    assert ran.code == 0
    assert ran.err == "written to copy: report.md, results.csv, accuracy.png, accuracy.svg\n"
    assert [row["arm"] for row in ran.json if row["what"] == "comparison" and row["name"] == "best-of-n"] == [
        "greedy",
        "self-consistency",
    ]
    assert load(tmp_path / "copy") == load(folder)


def test_compare_says_what_may_be_concluded(symposia: Command, folder: Path, tmp_path: Path) -> None:
    ran = symposia("eval", "compare", "sums:best-of-n", "sums:greedy")
    assert ran.code == 0
    assert "1. Between best-of-n and greedy no difference was shown" in " ".join(ran.out.split())
    found = symposia("eval", "compare", "sums:best-of-n", "sums:greedy", "--json").json
    assert [(each["a"], each["b"], each["n_problems"], each["family"]) for each in found] == [("best-of-n", "greedy", 20, 1)]
    assert set(found[0]["difference"]) == {"estimate", "low", "high", "level"}
    assert found[0]["sentence"].startswith("Between best-of-n and greedy")


def test_compare_takes_two_folders_of_one_name(symposia: Command, folder: Path, tmp_path: Path) -> None:
    save(evidence(GREEDY, VOTE, problems=12, draw=5), tmp_path / "again")
    found = symposia("eval", "compare", "sums", "again", "--json").json
    assert [(each["a"], each["b"], each["left_out"]) for each in found] == [
        ("sums:greedy", "again:greedy", 8),
        ("sums:self-consistency", "again:self-consistency", 8),
    ]
    assert len(symposia("eval", "compare", "sums", "again", "--baseline", "greedy", "--json").json) == 3


def test_compare_refuses_what_is_not_the_same(symposia: Command, folder: Path, tmp_path: Path) -> None:
    other = evidence(GREEDY, problems=3)
    save(dataclasses.replace(other, plan={**other.plan, "fingerprint": "beef"}), tmp_path / "other")
    ran = symposia("eval", "compare", "sums", "other")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "symposia: sums and other had different data under the same task: f00d and beef (only results on the same problems are "
        "paired)\n"
    )


def test_subsample_draws_the_curve_of_every_pool(symposia: Command, folder: Path) -> None:
    ran = symposia("eval", "subsample", "sums")
    assert ran.code == 0
    assert "Fewer samples of self-consistency (20 problems)" in ran.out
    assert "Fewer samples of best-of-n (20 problems)" in ran.out
    assert "plus the prompt once" in ran.out


def test_subsample_takes_arm_sizes_and_rule(symposia: Command, folder: Path) -> None:
    ran = symposia("eval", "subsample", "sums:self-consistency", "--n", "1,3,8", "--stop", "beta", "--draws", "20", "--json")
    assert ran.code == 0
    assert [(each["label"], each["rule"], [point["size"] for point in each["points"]]) for each in ran.json] == [
        ("self-consistency", "beta", [1, 3, 8])
    ]
    fixed = symposia("eval", "subsample", "sums:self-consistency", "--n", "8", "--stop", "fixed", "--json").json
    assert [each["rule"] for each in fixed] == ["majority"]
    best = symposia("eval", "subsample", "sums:best-of-n", "--selector", "best-of", "--json").json
    assert [each["rule"] for each in best] == ["best-of"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["subsample", "sums", "--n", "1,x"], "'1,x' is no list of whole numbers such as 1,2,4"),
        (["subsample", "sums:self-consistency", "--n", "9"], "has 1 to 8 samples a problem to draw from, not 9"),
        (["subsample", "sums", "--stop", "beta", "--selector", "best-of"], "it does not go with --selector best-of"),
        (["subsample", "sums:greedy"], "`symposia eval record` makes such a pool"),
        (["subsample", "sums:gready"], "unknown arm 'gready' in sums (did you mean 'greedy'?)"),
        (["subsample", "sums:self-consistency", "--selector", "weighted"], "have no scores to choose by"),
        (["report", "sums", "--baseline", "gready"], "unknown arm 'gready' in sums"),
        (["report", "home"], "home is no folder with an experiment.json"),
        (["report", "./nowhere"], "./nowhere is no folder with an experiment.json"),
        (["report", "nothing"], "nothing"),
        (["compare", "sums", "sums"], "no two arms that belong together"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(symposia: Command, folder: Path, arguments: list[str], said: str) -> None:
    ran = symposia("eval", *arguments)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""
