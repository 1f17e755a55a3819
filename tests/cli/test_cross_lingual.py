"""``cross-lingual`` at the command line, and in an experiment on MGSM beside ``self-consistency`` with as many paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from symposia.research.experiments.files import load
from symposia.research.tasks.item import Split, split_of
from symposia.testing import LoopbackServer


def reply(prompt: str, sample: int) -> str:
    """Adds; in French it is off by one, and its first sample without a language is, too."""
    one, other = map(int, re.findall(r"[0-9]+", prompt)[-2:])
    wrong = "Think and write in French" in prompt or ("Think and write" not in prompt and sample == 0)
    return rf"So \boxed{{{one + other + wrong}}}"


@pytest.fixture
def server():
    with LoopbackServer(reply).running() as running:
        yield running


def arguments(server: LoopbackServer, *more: str) -> list[str]:
    languages = ["--set", "languages=en,de,fr", "--set", "n=4"]
    return ["solve", "6 + 12?", "--model", f"{server.url}#fake", "--strategy", "cross-lingual", *languages, *more]


def test_the_summary_says_what_each_language_gave(symposia, server) -> None:
    ran = symposia(*arguments(server))
    assert (ran.code, ran.out) == (0, "18\n"), ran.err
    assert "3 of 4 votes (75%)" in ran.err
    assert "by language: en 2 of 2 · de 1 of 1 · fr 0 of 1\n" in ran.err


def test_a_weighted_vote_says_its_share_of_the_weight(symposia, server) -> None:
    ran = symposia(*arguments(server, "--set", "weights.fr=4"))
    assert ran.out == "19\n", ran.err
    assert "57% of the weight · 3 calls" in ran.err
    assert "majority 18 · weighted 19" in ran.err


def test_languages_without_a_path_say_so(symposia, server) -> None:
    ran = symposia(*arguments(server, "--budget", "1"))
    assert "by language: en 2 of 2 · de no path · fr no path\n" in ran.err


def test_json_and_the_page_of_a_run_have_the_languages(symposia, server) -> None:
    result = symposia(*arguments(server, "--json")).json
    assert result["languages"][0] == {
        "language": "en",
        "planned": 2,
        "paths": 2,
        "votes": [{"answer": "18", "count": 2}],
        "agreement": 1.0,
    }
    assert [candidate["language"] for candidate in result["candidates"]] == ["en", "de", "fr", "en"]
    page = symposia("run", "export", result["run_id"], "--format", "md").out
    assert "| fr | 1 | 1 | 19 (1) | 0% |" in page


def test_an_unknown_language_is_a_usage_error(symposia, server) -> None:
    ran = symposia(*arguments(server, "--set", "weights.dee=2"))
    assert (ran.code, ran.err) == (2, "symposia: unknown language 'dee' in weights (did you mean 'de'?)\n")
    assert not server.requests


def test_an_experiment_on_mgsm_beside_as_many_paths_in_one_language(symposia, server, tmp_path: Path, monkeypatch) -> None:
    def missing(_findings: object) -> None:
        raise ImportError

    monkeypatch.setattr("symposia.research.reports.write.plot", missing)
    rows = [row for row in range(20) if split_of(f"mgsm {row}") is Split.DEV][:3]
    for code, words in {"de": "Was ist {} plus {}?", "fr": "Combien font {} plus {} ?"}.items():
        lines = [f"{words.format(row, row + 1)}\t{2 * row + 1}\n" for row in range(20)]
        (tmp_path / f"mgsm_{code}.tsv").write_text("".join(lines))
    ran = symposia(
        *("eval", "--task", "mgsm", "--data", str(tmp_path), "--limit", "3"),
        *("--task-option", "language=de", "--task-option", "parallel=true"),
        *("--strategy", "one=self-consistency", "--strategy", "many=cross-lingual", "--strategy", "told=cross-lingual"),
        *("--set", "n=4", "--set", "many:languages=de,en,fr", "--set", "told:languages=de,fr", "--set", "told:mode=parallel"),
        *("--model", f"{server.url}#fake", "--name", "tongues", "--no-baselines"),
    )
    assert ran.code == 0, ran.err
    evidence = load(tmp_path / "experiments" / "tongues")
    assert {trial.arm: trial.credit for trial in evidence.trials} == {"one": 1.0, "many": 1.0, "told": 1.0}
    assert {trial.arm: trial.stop_reason for trial in evidence.trials}.keys() == {"one", "many", "told"}
    assert len(evidence.trials) == 3 * len(rows) == 9
    assert len(evidence.samples) == 9 * 4
    spoken = {arm: [each.language for each in evidence.samples if each.arm == arm][:4] for arm in ("one", "many", "told")}
    assert spoken == {"one": ["de"] * 4, "many": ["de", "en", "fr", "de"], "told": ["de", "fr", "de", "fr"]}
    french = [request for request in server.requests if "Combien font" in str(request)]
    assert french, "mode=parallel asks the question in French"
