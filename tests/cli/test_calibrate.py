"""``symposia calibrate``: fit, list, show and remove, and what ``symposia solve`` says then."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from symposia.core.calibration import prompt_digests
from symposia.research.experiments.files import save
from symposia.testing import LoopbackServer

from ..command import Command
from ..research.experiments.test_calibrate import development
from ..research.invented import GREEDY, VOTE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(development(GREEDY, VOTE), tmp_path / "sums")
    return tmp_path / "sums"


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(lambda _prompt, sample: f"So \\boxed{{{[18, 18, 20][sample % 3]}}}").running() as running:
        yield running


def test_it_is_fitted_kept_listed_shown_and_removed(symposia: Command, folder: Path) -> None:
    fitted = symposia("calibrate", "sums", "--risk", "0.2")
    assert fitted.code == 0, fitted.err
    assert "models       policy=small\n" in fitted.out
    assert "take answers at a confidence of" in fitted.out
    assert "at most 20.0% of all questions end in a wrong one so" in fitted.out
    assert "--strategy adaptive-consistency --set criterion=majority --set threshold=" in fitted.out
    assert fitted.err == "kept as sums-self-consistency@1: runs like these say from now on how likely their answer is right\n"
    again = symposia("calibrate", "sums", "--method", "platt", "--json").json
    assert (again["name"], again["version"], again["calibration"]["map"]["kind"]) == ("sums-self-consistency", 2, "platt")
    assert (len(again["sha256"]), len(again["holds_for"])) == (64, 64)
    listed = symposia("calibrate", "list")
    assert [line.split()[:3] for line in listed.out.splitlines()[1:]] == [
        [f"sums-self-consistency@{version}", "self-consistency", "small"] for version in (1, 2)
    ]
    assert symposia("calibrate", "show", "sums-self-consistency@1").out == fitted.out
    assert symposia("calibrate", "show", "sums-self-consistency", "--json").json == again
    removed = symposia("calibrate", "remove", "sums-self-consistency", "--json")
    assert removed.json == ["sums-self-consistency@1", "sums-self-consistency@2"]
    assert removed.err == "removed sums-self-consistency@1, sums-self-consistency@2\n"
    assert symposia("calibrate", "list").err.startswith("no calibrations yet")


def test_where_nothing_can_be_promised_it_says_so(symposia: Command, folder: Path) -> None:
    ran = symposia("calibrate", "sums", "--risk", "0.01", "--name", "strict")
    assert ran.code == 0
    assert (
        "take answers: no threshold can promise a risk of 1.0% with these 40 problems; the least that can be promised" in ran.out
    )
    assert "kept as strict@1" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "unknown experiment 'nowhere'"),
        (("sums", "--arm", "greedy"), "no answer of arm greedy of sums has a confidence"),
        (("sums", "--name", "a b"), "a calibration cannot be called 'a b' (a name is at most 64 letters"),
        (("sums", "--risk", "1"), "Invalid value for '--risk'"),
        (("show", "nothing"), "unknown calibration 'nothing'"),
    ],
)
def test_what_cannot_be_is_one_sentence(symposia: Command, folder: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = symposia("calibrate", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_solve_says_whether_it_is_calibrated(symposia: Command, server: LoopbackServer, tmp_path: Path) -> None:
    question = ("solve", "6 + 12?", "--model", f"{server.url}#fake", "--set", "n=6")
    plain = symposia(*question)
    assert "  not calibrated: how likely the answer is right is not known\n" in plain.err
    ran = symposia(*question, "--json").json
    assert (ran["calibrated"], ran["calibration"]) == (None, None)
    stored = symposia("run", "show", ran["run_id"], "--json").json["spec"]
    found = development(VOTE)
    arm = {
        **found.plan["arms"][0],
        "config": stored["config"],
        "models": {"policy": stored["models"]["policy"]["name"]},
        "prompts": prompt_digests(stored["prompts"]),
    }
    save(dataclasses.replace(found, plan={**found.plan, "arms": [arm]}), tmp_path / "sums")
    assert symposia("calibrate", "sums", "--name", "sums").code == 0
    told = symposia(*question)
    assert "  calibrated: right with a probability of " in told.err
    assert "%, by sums@1\n" in told.err
    after = symposia(*question, "--calibration", "sums", "--json").json
    assert after["calibration"] == "sums@1"
    assert 0 <= after["calibrated"] <= 1
    refused = symposia(*question, "--set", "temperature=0.1", "--calibration", "sums")
    assert refused.code == 2
    assert "the calibration sums@1 does not hold for this run: it was fitted on other options: temperature was" in refused.err
