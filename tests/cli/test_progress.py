from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

from symposia.cli.output import age, clean, columns, shorten
from symposia.cli.progress import Tally
from symposia.core.calls import CallFailure
from symposia.core.events import CallFailed, CallFinished, Warned, WaveStarted
from symposia.testing import LoopbackServer

AT = {"scope": "s", "node": "propose"}


def finished(index: int) -> CallFinished:
    numbers = {"choices": 1, "prompt_tokens": 5, "cached_tokens": 0, "completion_tokens": 10, "dollars": None, "seconds": 0.1}
    return CallFinished(**AT, index=index, role="policy", model="m", **numbers)


def test_the_line_counts_what_came_back_and_what_is_being_written() -> None:
    tally = Tally()
    assert "preparing" in tally.line()
    tally.hear(WaveStarted(**AT, role="policy", model="m", size=4, window=4))
    tally.hear_text("s/propose.0.0#0", "some")
    tally.hear_text("s/propose.0.1#0", "text")
    assert "0/4 back · 0 tokens + about 2 being written by 2" in tally.line()
    tally.hear(finished(0))
    tally.hear(finished(0))
    assert "1/4 back · 10 tokens + about 1 being written by 1" in tally.line()
    tally.hear(CallFailed(**AT, index=1, role="policy", model="m", failure=CallFailure(code="server", message="x")))
    assert "1 failed · 10 tokens ·" in tally.line()
    tally.hear(Warned(**AT, code="c", message="careful"))
    assert tally.warnings == ["careful"]


def test_text_of_models_cannot_steer_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\x9bc\nd\te") == "a[31mbc\nd\te"
    assert shorten("one\ntwo   three", 9) == "one two …"
    assert columns([["a", "b"]], ["LONG", "X"]) == "LONG  X\na     b"
    assert age(0).endswith(" d")


def test_on_a_terminal_there_is_a_live_line_and_it_goes_away(tmp_path: Path, environment: dict[str, str]) -> None:
    """A real pseudo-terminal: progress while it runs, the answer alone on stdout, streamed from a real server."""
    with LoopbackServer([r"a few words and \boxed{18}"], latency=0.4, pace=0.05).running() as server:
        master, slave = pty.openpty()
        command = [sys.executable, "-m", "symposia.cli", "solve", "?", "--model", f"{server.url}#fake", "--set", "batched=false"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment | {"TERM": "xterm", "COLUMNS": "150"}, stdout=subprocess.PIPE, stderr=slave
        )
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # Linux: the other side is closed
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        assert process.stdout is not None
        with process.stdout as stdout:
            assert stdout.read() == b"18\n"
        assert process.wait(30) == 0
        assert all(request.body.get("stream") for request in server.requests)
    shown = seen.decode()
    assert "0/8 back" in shown
    assert "being written by" in shown
    assert "8 of 8 votes" in shown
