r"""Steps of a solution: where one thought ends and the next begins. Pure; steps concatenate to the text they were cut from.

A plain solution is cut at blank lines, at lines that open a numbered step (``Step 2:``, ``2.``) and, where there is neither, at
line ends: as step searches cut it (``\n\n``) and as ProcessBench's solutions were. A heading belongs to what it heads, a formula
on display to what it follows, and what is fenced stays whole. A thinking trace is one paragraph after the other of which most
go on with the thought before: there a step begins where a paragraph turns to something else ("Wait", "Alternatively", "So the
answer"), as in ReasonFlux-PRM's reading of traces. White space belongs to the step before it.

Every rule takes time linear in the text, whoever wrote it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

MAX_STEPS = 64
"""Steps that a text is cut into at most, as every one may cost calls: in a longer text neighbours are joined, evenly."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_LINE = re.compile(r"\n\s*")
_NUMBERED = re.compile(
    r"^[^\S\n]*(?=(?:[#*_>]+[ \t]*)?"
    r"(?:step[ \t]+\d+\b|\d{1,2}[.)][ \t]|\d{1,2}、|(?:步骤|ステップ|手順)[ \t]*\d|第[\d一二三四五六七八九十]+步))",
    re.IGNORECASE | re.MULTILINE,
)
_FENCE = re.compile(r"^[^\S\n]*(```|~~~)[\s\S]*?(?:^[^\S\n]*\1[^\S\n]*$|\Z)", re.MULTILINE)
_DISPLAY = re.compile(r"(?<!\\)\\[\[\]]|\$\$|\\(begin|end)\{(\w{1,20}\*?)\}")
_CLOSING = {r"\[": r"\]", "$$": "$$"}
_THINKING = re.compile(r"<(think|thinking)>[\s\S]*?(?:</\1>\s*|\Z)")
_THOUGHT = re.compile(r"</(?:think|thinking)>\s*")
_TURN = re.compile(
    r"(?:but\s+)?(?:wait|hmm+|alternatively|actually|hold on|let me|let's|now|next|so,?\s+the|therefore|thus|first|second|third"
    r"|finally|okay|ok|to\s+(?:verify|check|double-check)|another\s+(?:way|approach))\b"
    r"|(?:但是|不过|等等|等一下|让我|所以|因此|现在|接下来|首先|其次|最后|另一种|しかし|待って|つまり|したがって|次に|まず|では)",
    re.IGNORECASE,
)
_WORDLESS = re.compile(r"(?:</?think(?:ing)?>|[\W_])*+")
_TITLE = re.compile(r"#{1,6}[ \t][^\n=]*|\*\*[^\n=]*\*\*:?|(?:step|步骤|ステップ|手順)[ \t]*\d+[.:：]?", re.IGNORECASE)  # noqa: RUF001
_LONGEST_TITLE = 120


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


def split_steps(text: str) -> tuple[str, ...]:
    """``text`` cut into at most :data:`MAX_STEPS` steps that concatenate to it; none for a blank text.

    A thinking block is cut as a trace, whether its beginning is in the text or was in the prompt.
    """
    cuts: set[int] = set()
    done = 0
    for block in _traces(text):
        cuts |= _plain_cuts(text, done, block.start) | {block.start} | _trace_cuts(text, block) | {block.end}
        done = block.end
    cuts |= _plain_cuts(text, done, len(text))
    ends = [*_kept(text, sorted(cuts - {0, len(text)})), len(text)] if text.strip() else []
    count = min(MAX_STEPS, len(ends))
    return cut_at(text, [ends[len(ends) * place // count - 1] for place in range(1, count + 1)])


def ends_of(steps: Iterable[str]) -> tuple[int, ...]:
    """Where each step ends, as offsets into the text that they make up."""
    return tuple(accumulate(map(len, steps)))


def cut_at(text: str, ends: Sequence[int]) -> tuple[str, ...]:
    """The steps of ``text`` that end at these offsets."""
    return tuple(text[start:end] for start, end in pairwise((0, *ends)))


def blocks(text: str, start: int, end: int) -> list[Span]:
    """What stays whole in ``text[start:end]``, in order: fenced blocks and displayed formulas, those that overlap as one."""
    fenced = [Span(*match.span()) for match in _FENCE.finditer(text, start, end)]
    return _merged(sorted([*fenced, *_displayed(text, start, end)]))


def _displayed(text: str, start: int, end: int) -> Iterator[Span]:
    r"""The displayed formulas of ``text[start:end]``, outermost only: ``\[…\]``, ``$$…$$`` and ``\begin{…}…\end{…}``."""
    marks = list(_DISPLAY.finditer(text, start, end))
    closing: dict[str, list[int]] = defaultdict(list)
    for mark in marks:
        closing[mark[0]].append(mark.start())
    done = start
    for mark in marks:
        closed = rf"\end{{{mark[2]}}}" if mark[1] == "begin" else _CLOSING.get(mark[0], "")
        places = closing[closed] if mark.start() >= done else []
        place = bisect_left(places, mark.end())
        if place < len(places):
            done = places[place] + len(closed)
            yield Span(mark.start(), done)


def _traces(text: str) -> Iterator[Span]:
    """The thinking blocks. One that is never opened begins with the text, one that is never closed ends with it."""
    opened = _THINKING.search(text)
    closed = _THOUGHT.search(text)
    done = 0
    if closed is not None and (opened is None or closed.start() < opened.start()):
        done = closed.end()
        yield Span(0, done)
    yield from (Span(*block.span()) for block in _THINKING.finditer(text, done))


def _plain_cuts(text: str, start: int, end: int) -> set[int]:
    """Where steps begin in the plain part ``text[start:end]``; never inside a fenced block or a displayed formula."""
    whole = blocks(text, start, end)
    for forms in ((_PARAGRAPH, _NUMBERED), (_LINE,)):
        found = {match.end() for form in forms for match in form.finditer(text, start, end)}
        cuts = {cut for cut in found if start < cut < end and not _inside(cut, whole)}
        if cuts:
            return cuts
    return set()


def _trace_cuts(text: str, block: Span) -> set[int]:
    """Where thoughts begin in a trace: at paragraphs that turn; at every one where none does."""
    paragraphs = {match.end() for match in _PARAGRAPH.finditer(text, *block) if match.end() < block.end}
    turns = {cut for cut in paragraphs if _TURN.match(text, cut)}
    return turns or paragraphs


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap as one."""
    merged: list[Span] = []
    for span in spans:
        if merged and span.start < merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def _inside(place: int, spans: Sequence[Span]) -> bool:
    """Whether one of the spans, in order and apart from each other, goes on at ``place``."""
    before = bisect_right(spans, place, key=lambda span: span.start) - 1
    return before >= 0 and spans[before].start < place < spans[before].end


def _kept(text: str, cuts: Sequence[int]) -> list[int]:
    """The cuts without those that would make a step of what is none.

    A heading belongs to what comes after it; what has no word or number (a rule, a bracket) and a formula on display to what
    comes before.
    """
    kept: list[int] = []
    leading = True  # what stands since the last cut only leads to what comes
    for start, end in pairwise((0, *cuts, len(text))):
        kind = _kind(text[start:end])
        if start and not (kind in {"formula", "wordless"} or leading):
            kept.append(start)
            leading = True
        leading = leading and kind in {"title", "wordless"}
    return kept[:-1] if leading else kept


def _kind(piece: str) -> Literal["title", "formula", "wordless", "words"]:
    shown = piece.strip()
    if 0 < len(shown) <= _LONGEST_TITLE and _TITLE.fullmatch(shown):
        return "title"
    if shown.startswith(("\\", "$$")) and next(_displayed(shown, 0, len(shown)), None) == (0, len(shown)):
        return "formula"
    return "wordless" if _WORDLESS.fullmatch(piece) else "words"
