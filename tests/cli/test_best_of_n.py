"""``best-of-n`` at the command line: what a person reads, and how far it is while it runs."""

from __future__ import annotations

import pytest

from symposia.cli.progress import Tally
from symposia.core.candidate import Score
from symposia.core.events import CandidateScored, WaveStarted
from symposia.testing import LoopbackServer


def reply(prompt: str, sample: int) -> str:
    if "strict examiner" not in prompt:
        return rf"So \boxed{{{[20, 20, 18][sample % 3]}}}"
    return "Score: 90" if r"\boxed{18}" in prompt else "Score: 25"


@pytest.fixture
def server():
    with LoopbackServer(reply).running() as running:
        yield running


def arguments(server: LoopbackServer, *more: str) -> list[str]:
    return ["solve", "6 + 12?", "--model", f"{server.url}#fake", "--strategy", "best-of-n", "--set", "n=3", *more]


def test_the_summary_says_who_judged_and_what_each_selector_takes(symposia, server) -> None:
    ran = symposia(*arguments(server))
    assert (ran.code, ran.out) == (0, "18\n"), ran.err
    assert "score 0.90 by " in ran.err
    assert "majority 20 · weighted 18 · best-of 18" in ran.err
    assert "#fake gives no log-probabilities, so that it writes its verdicts" in ran.err


def test_weighted_says_its_share_of_the_scores(symposia, server) -> None:
    ran = symposia(*arguments(server, "--set", "select=weighted"))
    assert ran.out == "18\n", ran.err
    assert "64% of the scores by " in ran.err


def test_json_and_the_stored_run_carry_the_scores(symposia, server) -> None:
    result = symposia(*arguments(server, "--json")).json
    assert [candidate["scores"][0]["value"] for candidate in result["candidates"]] == pytest.approx([0.25, 0.25, 0.9])
    assert result["decided_by"] == "best-of"
    assert set(result["models"]) == set(result["usage"]) == {"policy", "verifier"}
    again = symposia("run", "replay", result["run_id"], "--json").json
    assert again["candidates"] == result["candidates"]


def test_the_card_names_the_verifiers(symposia) -> None:
    ran = symposia("strategies", "best-of-n")
    assert "verifiers: " in ran.out
    assert "judge" in ran.out.split("verifiers: ")[1]
    assert symposia("strategies", "best-of-n", "--json").json["abilities"] == {"policy": ["chat"], "verifier": ["chat"]}
    assert "verifier" not in symposia("strategies", "greedy").out


def test_a_misspelt_verifier_option_is_a_usage_error(symposia, server) -> None:
    ran = symposia(*arguments(server, "--set", "verifier_options.modus=verdict"))
    assert ran.code == 2
    assert ran.err == "symposia: unknown option 'modus' in verifier judge (did you mean 'mode'?)\n"


def test_progress_counts_scores() -> None:
    tally = Tally()
    tally.hear(WaveStarted(node="score", role="verifier", model="m", size=2, window=2))
    for index, value in enumerate([0.4, None, 0.7]):
        score = Score(verifier="judge", value=value)
        tally.hear(CandidateScored(node="score", index=index, candidate=f"c{index}", score=score))
    assert "2 scored, best 0.70" in tally.line()
