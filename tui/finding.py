"""Looking for words in the texts of a whole run, in the background: they are in the store, not in the view."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import TYPE_CHECKING

from ..core.events import EVENT, CandidateAdded, CandidateScored, ToolCalled, ToolReturned
from .store.run import Note, Sample, ToolUse
from .store.timeline import Entry

if TYPE_CHECKING:
    from ..core.events import Event
    from ..memory.store import Store

_PAGE = 500
"""Events that are looked through at a time: keys are heard in between."""


def words_of(query: str) -> tuple[str, ...]:
    """What is looked for: every word must be there, whatever its case."""
    return tuple(query.casefold().split())


async def find(store: Store, run_id: str, words: Sequence[str]) -> AsyncIterator[set[int]]:
    """Numbers of the events whose texts have all words, page by page. Raises :class:`StoreError`."""
    seen = 0
    while page := await store.raw_events(run_id, after=seen, limit=_PAGE):
        seen = page[-1].seq
        # A body is JSON and says more than the text, so it is read where it has the words at all: few are.
        able = [each for each in page if has_words(each.body, [_escaped(word) for word in words])]
        yield {each.seq for each in able if has_words(text_of(EVENT.validate_json(each.body)), words)}


def matches(entry: Entry, words: Sequence[str], found: Collection[int]) -> bool:
    """Whether an entry of a trace has the words; ``found`` are the numbers of the events that have them."""
    match entry:
        case Sample():
            return entry.seq in found or any(each.seq in found for each in entry.verdicts)
        case ToolUse():
            return entry.seq in found or entry.returned in found
        case Note():
            return has_words(entry.text, words)


def has_words(text: str, words: Sequence[str]) -> bool:
    """Whether a text has all words."""
    folded = text.casefold()
    return all(word in folded for word in words)


def text_of(event: Event) -> str:
    """What of an event people read in a trace; empty for those that have no text."""
    match event:
        case CandidateAdded():
            return f"{event.candidate.text}\n{event.candidate.thinking}\n{event.candidate.answer or ''}"
        case CandidateScored():
            return event.score.rationale
        case ToolCalled():
            return f"{event.tool}\n{event.arguments}\n{event.justification}"
        case ToolReturned():
            return f"{event.output}\n{event.error or ''}"
        case _:
            return ""


def _escaped(word: str) -> str:
    """The part of a word that JSON writes as it is."""
    return word.replace("\\", '"').partition('"')[0]
