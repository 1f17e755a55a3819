"""Live progress on stderr, folded from events. Quiet where stderr is no terminal.

Honest: it counts what came back and shows what is in flight; it never guesses a percentage of work it cannot see.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping

from ..core.events import CallFailed, CallFinished, CandidateAdded, CandidateScored, Event, ToolReturned, Warned, WaveStarted
from .output import interactive, note, shorten


class Tally:
    """What the events so far say."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._wave: WaveStarted | None = None
        self._ids: set[str] = set()
        self._back = 0
        self._failed = 0
        self._tokens = 0
        self._live: dict[str, int] = {}
        """Pieces of text so far by candidate in flight; a piece is about a token."""
        self._votes: Counter[str] = Counter()
        self._scores: list[float] = []
        self._tools = 0
        self.warnings: list[str] = []

    def hear(self, event: Event) -> None:
        """Fold one event; a repeated one changes nothing."""
        if event.id in self._ids:
            return
        self._ids.add(event.id)
        if isinstance(event, WaveStarted):
            self._wave, self._back, self._failed = event, 0, 0
        elif isinstance(event, CallFinished):
            self._back += 1
            self._tokens += event.completion_tokens
            self._landed(event)
        elif isinstance(event, CallFailed):
            self._failed += 1
            self._landed(event)
        elif isinstance(event, CandidateAdded) and event.candidate.counted and event.candidate.answer is not None:
            self._votes[event.candidate.answer.text] += 1
        elif isinstance(event, CandidateScored) and event.score.value is not None:
            self._scores.append(event.score.value)
        elif isinstance(event, ToolReturned):
            self._tools += 1
        elif isinstance(event, Warned):
            self.warnings.append(event.message)

    def _landed(self, event: CallFinished | CallFailed) -> None:
        key = f"{event.scope}/{event.node}.{event.visit}.{event.index}#"
        self._live = {candidate: count for candidate, count in self._live.items() if not candidate.startswith(key)}

    def began(self, at: float) -> None:
        """Count seconds from this Unix time: the run was begun before anybody looked."""
        self._started = time.monotonic() - max(0.0, time.time() - at)

    def see_texts(self, texts: Mapping[str, str]) -> None:
        """Count what is being written from the texts so far, by candidate; a token is about four characters."""
        self._live = {candidate: max(1, len(text) // 4) for candidate, text in texts.items()}

    def hear_text(self, candidate: str, piece: str) -> None:  # noqa: ARG002 - the shape of a Watch
        """Count a streamed piece."""
        self._live[candidate] = self._live.get(candidate, 0) + 1

    def line(self) -> str:
        """One line: who, how many of how many, failures, tokens, tools, the vote and the scores so far, seconds."""
        seconds = time.monotonic() - self._started
        if self._wave is None:
            return f"preparing · {seconds:.0f} s"
        parts = [f"{self._wave.role} {self._wave.model}", f"{self._back}/{self._wave.size} back"]
        if self._failed:
            parts.append(f"{self._failed} failed")
        writing = sum(self._live.values())
        parts.append(f"{self._tokens:,} tokens" + (f" + about {writing:,} being written by {len(self._live)}" if writing else ""))
        if self._tools:
            parts.append(f"{self._tools} tool calls")
        if self._votes:
            parts.append("votes " + ", ".join(f"{shorten(answer, 16)} ({count})" for answer, count in self._votes.most_common(4)))
        if self._scores:
            parts.append(f"{len(self._scores)} scored, best {max(self._scores):.2f}")
        return " · ".join([*parts, f"{seconds:.0f} s"])


@contextlib.contextmanager
def progress() -> Iterator[Tally]:
    """Show a live line while the block runs, on a terminal; warnings are said at the end in any case."""
    tally = Tally()
    if not interactive():
        yield tally
    else:
        from rich.console import Console  # noqa: PLC0415 - only where a person watches
        from rich.live import Live  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        class _Line:
            def __rich__(self) -> Text:
                return Text(tally.line(), style="dim", overflow="ellipsis", no_wrap=True)

        with Live(_Line(), console=Console(stderr=True), refresh_per_second=4, transient=True):
            yield tally
    for warning in dict.fromkeys(tally.warnings):
        note(f"note: {warning}")
