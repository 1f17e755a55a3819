"""A run's journal in memory: what is known already, and the only way to write more.

Rules. A key has at most one finished attempt (done or failed). The hash of the request as asked is checked against every
entry of its key: a mismatch raises :class:`ReplayDiverged` and never makes a new call. An entry that a dead process left as
``sent`` is lost: it stays charged, and the key is attempted anew. In a replay nothing may be written or made anew.

Where failures are forgotten, so that a run that failed is tried again, a call that succeeds now may change all that is asked
after it: another request under a key is then of the first try. It stays charged, and the key is attempted anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from ..core.errors import ReplayDiverged
from ..core.records import EntryKind, EntryStatus, JournalEntry
from ..core.usage import Usage
from .failpoints import pass_point

Write = Callable[[Sequence[JournalEntry]], Awaitable[Sequence[JournalEntry]]]
"""Commits entries and returns them as a replay will read them (secrets taken out)."""


class JournalEnded(ReplayDiverged):
    """A replay came to something that its journal does not hold."""


_FINISHED = {EntryStatus.DONE, EntryStatus.FAILED}


class Journal:
    """See the module's docstring. ``write`` is None in a replay."""

    def __init__(self, entries: Iterable[JournalEntry], write: Write | None, *, forget_retryable: bool = False) -> None:
        self._write = write
        self._finished: dict[str, JournalEntry] = {}
        self._last: dict[str, JournalEntry] = {}
        self._past = sorted(entries, key=lambda entry: entry.attempt)
        self._tried_again = False
        for entry in self._past:
            before = self._last.get(entry.key)
            self._last[entry.key] = entry
            if forget_retryable and _retryable(entry):
                self._tried_again = True
            elif entry.status in _FINISHED:
                self._finished[entry.key] = entry
            if before is not None and _retryable(before):  # which only a later try may have gone beyond
                self._tried_again = True

    @property
    def replaying(self) -> bool:
        """Whether this journal must already hold everything."""
        return self._write is None

    @property
    def past(self) -> Sequence[JournalEntry]:
        """What was there when this journal was opened; of each attempt in the order in which it was recorded."""
        return self._past

    @property
    def elapsed(self) -> float:
        """Seconds the run had been executed by the last entry."""
        return max((entry.elapsed for entry in self._last.values()), default=0.0)

    def charges(self) -> Iterable[tuple[str, Usage]]:
        """Role and charge of all that cost something before this journal was opened; what broke off is charged as lost."""
        for entry in self._past:
            if entry.role:
                yield entry.role, entry.charge if entry.status in _FINISHED else entry.charge.as_lost()

    def holds(self, key: str) -> bool:
        """Whether anything was begun under ``key``."""
        return key in self._last

    def find(self, key: str, request_hash: str) -> JournalEntry | None:
        """The finished entry under ``key``, or None. Raises :class:`ReplayDiverged` if another request stands there."""
        known = self._last.get(key)
        if known is not None and known.request_hash != request_hash:
            if self._tried_again:
                return None
            raise ReplayDiverged(
                f"the journal holds another request under {key} (hash {known.request_hash[:8]}, asked {request_hash[:8]})",
                hint="prompts, options or code changed since the run was made; start a new run",
            )
        return self._finished.get(key)

    def next_attempt(self, key: str) -> int:
        """The number for a new attempt. Raises :class:`JournalEnded` in a replay."""
        if self.replaying:
            raise JournalEnded(f"the journal holds nothing under {key}, where the replay needs it")
        known = self._last.get(key)
        return 0 if known is None else known.attempt + 1

    async def record(self, *entries: JournalEntry) -> Sequence[JournalEntry]:
        """Commit entries. What they say may be used only after this returns, and only as returned: as a replay reads it."""
        if self._write is None:
            raise ReplayDiverged(f"a replay may not write to the journal ({entries[0].key})")
        stored = await self._write(entries)
        for entry in stored:
            self.learn(entry)
        if entries[0].status in _FINISHED:
            pass_point("journal-committed")
        return stored

    def learn(self, entry: JournalEntry) -> None:
        """Take note of an entry that is committed: what it says may be used from here on."""
        self._last[entry.key] = entry
        if entry.status in _FINISHED:
            self._finished[entry.key] = entry

    async def effect(
        self, key: str, request: Mapping[str, Any], perform: Callable[[], Awaitable[Any]], *, elapsed: Callable[[], float]
    ) -> Any:
        """The journaled value under ``key``; performed and committed where there is none yet."""
        request_hash = hash_json(request)
        known = self.find(key, request_hash)
        if known is not None:
            return known.response
        attempt = self.next_attempt(key)
        value = await perform()
        entry = JournalEntry(
            key=key,
            attempt=attempt,
            kind=EntryKind.EFFECT,
            status=EntryStatus.DONE,
            request_hash=request_hash,
            request=dict(request),
            response=value,
            elapsed=elapsed(),
        )
        (stored,) = await self.record(entry)
        return stored.response


def hash_json(value: Mapping[str, Any]) -> str:
    """128 bits of the sha256 of canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def _retryable(entry: JournalEntry) -> bool:
    return entry.status is EntryStatus.FAILED and isinstance(entry.response, dict) and bool(entry.response.get("retryable"))
