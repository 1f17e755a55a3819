"""Asking something of a run from the command line, and what is asked next once it has an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from symposia.testing import LoopbackServer

from ..command import Command


@pytest.fixture(scope="module")
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer([r"\boxed{18}"]).running() as running:
        yield running


@pytest.fixture
def queued(symposia: Command, server: LoopbackServer) -> str:
    """The id of a run that waits to be executed."""
    made = symposia("solve", "9 + 9?", "--model", f"{server.url}#fake", "--strategy", "greedy", "--json").json
    fork = symposia("run", "fork", made["run_id"], "--no-run", "--json")
    return str(fork.json["run_id"])


def pending(symposia: Command, run_id: str) -> list[tuple[int, str]]:
    return [(wish["seq"], wish["kind"]) for wish in symposia("run", "controls", run_id, "--json").json]


def test_wishes_are_listed_and_taken_back(symposia, queued) -> None:
    told = symposia("run", "steer", queued, "be brief")
    assert (told.code, f"asked whoever executes it next to steer run {queued}" in told.err) == (0, True)
    assert symposia("run", "queue", queued, "-", "--json", stdin="and twice that?").json["seq"] == 2
    assert symposia("run", "retune", queued, "calls=7").code == 0
    assert pending(symposia, queued) == [(1, "steer"), (2, "queue"), (3, "retune")]
    shown = symposia("run", "show", queued).out
    for line in ("pending   steer by ", "be brief", "and twice that?", "calls=7"):
        assert line in shown
    assert [wish["kind"] for wish in symposia("run", "show", queued, "--json").json["pending"]] == ["steer", "queue", "retune"]
    assert "under number 3" in symposia("run", "take-back", queued).err
    assert symposia("run", "take-back", queued, "1", "--json").json == {"run_id": queued, "seq": 1}
    assert pending(symposia, queued) == [(2, "queue")]
    assert "and twice that?" in symposia("run", "controls", queued).out
    symposia("run", "take-back", queued)
    nothing = symposia("run", "take-back", queued)
    assert (nothing.code, "nothing is pending" in nothing.err) == (2, True)
    assert "pending" in symposia("run", "controls", queued).err


def test_what_cannot_be_asked_is_refused_in_a_sentence(symposia, queued) -> None:
    for arguments, message in (
        (("pause", queued, "--now"), "is queued; only a running one can pause"),
        (("stop", queued), "is queued; only a running one can stop"),
        (("steer", queued, " "), "there is nothing to steer: the text is empty"),
        (("retune", queued, "dollars=1"), "a budget in dollars cannot be kept"),
        (("retune", queued, "cals=1"), "did you mean 'calls'?"),
    ):
        ran = symposia("run", *arguments)
        assert (ran.code, message in ran.err) == (2, True), ran.err
    symposia("run", "exec", queued)
    ended = symposia("run", "steer", queued, "be brief")
    assert ended.code == 2
    assert f"run {queued} has ended, so it cannot steer (go on from it with `symposia run fork {queued}`" in ended.err


def test_what_is_queued_is_asked_next_in_runs_of_their_own(symposia, queued, server) -> None:
    symposia("run", "queue", queued, "and twice that?")
    symposia("run", "queue", queued, "and half of it?")
    before = len(server.requests)
    ran = symposia("run", "exec", queued, "--json")
    assert ran.code == 0
    decoder, text, results = json.JSONDecoder(), ran.out.strip(), []
    while text:
        result, end = decoder.raw_decode(text)
        results.append(result)
        text = text[end:].strip()
    assert [result["answer"] for result in results] == ["18", "18", "18"]
    first, second, third = (symposia("run", "show", result["run_id"], "--json").json for result in results)
    assert (first["spec"]["follows"], second["spec"]["follows"], third["spec"]["follows"]) == (None, queued, second["id"])
    said = [(message["role"], message["content"]) for message in third["spec"]["problem"]["messages"]]
    assert said == [
        ("user", "9 + 9?"),
        ("assistant", r"\boxed{18}"),
        ("user", "and twice that?"),
        ("assistant", r"\boxed{18}"),
        ("user", "and half of it?"),
    ]
    assert f"follows   run {queued}" in symposia("run", "show", second["id"]).out
    assert [(wish["kind"], wish["text"]) for wish in first["taken_up"]] == [("queue", "and twice that?")]
    assert len(server.requests) - before == 2, "the fork's own call was its parent's"
    assert "asks what was queued: and twice that?" in ran.err


def test_what_was_taken_up_is_shown(symposia, queued) -> None:
    symposia("run", "retune", queued, "calls=7")
    symposia("run", "exec", queued)
    shown = symposia("run", "show", queued).out
    assert "budget    calls=7 (made with no cap)" in shown
    assert ": calls=7" in shown[shown.index("taken up  retune by ") :]
