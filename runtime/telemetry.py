"""Live text of calls in flight: telemetry for whoever watches, in this process or through the store.

No fact is made of it: it is overwritten as it grows, gone when the call has landed, and a run nobody watches has none.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..core.protocols import OnText

Put = Callable[[str, str], None]
"""Overwrites the live text of one candidate: id, text so far."""
Watch = Callable[[str, str], None]
"""Hears of new text: id of the candidate to be, the new piece."""

_EVERY = 0.25
"""Seconds between two writes of one text; a person reads no faster."""


class Telemetry:
    """Collects streamed text by candidate."""

    def __init__(self, put: Put, watch: Watch) -> None:
        self._put = put
        self._watch = watch
        self._texts: dict[str, str] = {}
        self._written: dict[str, float] = {}

    def ear(self, key: str) -> OnText:
        """What to give the call under this journal key."""

        def hear(choice: int, piece: str) -> None:
            candidate = f"{key}#{choice}"
            self._texts[candidate] = self._texts.get(candidate, "") + piece
            self._watch(candidate, piece)
            now = time.monotonic()
            if now - self._written.get(candidate, 0.0) >= _EVERY:
                self._written[candidate] = now
                self._put(candidate, self._texts[candidate])

        return hear

    def forget(self, key: str) -> None:
        """The call under this journal key has landed, or begins anew: what it had written so far is shown no more."""
        for known in [known for known in self._texts if known.startswith(f"{key}#")]:
            del self._texts[known]
            if self._written.pop(known, None) is not None:
                self._put(known, "")
