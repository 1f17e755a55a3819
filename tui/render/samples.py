"""A sample in a line: what it is and what it says, in columns that stand over each other from row to row."""

from __future__ import annotations

from rich.text import Text

from ..store.run import Sample
from .cells import number, score_cell, tokens
from .inert import last_words, one_line
from .lines import GAP, fit, joined, left, right, words
from .skin import Skin

_NUMBER = 4
_LANGUAGE = 5
_TOKENS = 5
_MODEL = 16


def sample_line(sample: Sample, width: int, skin: Skin, *, picked: bool = False) -> Text:
    """Number, language, score, tokens, model, answer. A mark stands before the one that was picked."""
    glyphs = skin.glyphs
    head = words((glyphs.picked if picked else " ", skin.accent), (f"{sample.number:>{_NUMBER - 1}}", skin.dim))
    score = sample.score
    refused = bool(sample.verdicts) and score is None
    scored = score_cell(score, skin, refused=refused).append(f" {number(score):>3}", skin.ramp(score) or None)
    parts = [
        head,
        left(words((one_line(sample.language, _LANGUAGE, skin), skin.dim)), _LANGUAGE, skin),
        scored,
        right(words(("" if sample.tokens is None else tokens(sample.tokens), skin.dim)), _TOKENS, skin),
        left(words((one_line(sample.model, _MODEL, skin), skin.dim)), _MODEL, skin) if width >= 64 else words(),
        _answer(sample, width, skin, picked=picked),
    ]
    return fit(joined(parts), width, skin)


def live_line(candidate_id: str, text: str, width: int, skin: Skin) -> Text:
    """One that is being written: where it comes from, and the last words of it."""
    head = words((skin.glyphs.busy, skin.accent), " ", (one_line(_place(candidate_id), 18, skin), skin.dim), GAP)
    shown = last_words(text, max(0, width - head.cell_len - 1))
    line = head.append(shown, skin.text or None).append(skin.glyphs.cursor, skin.accent or None)
    return fit(line, width, skin)


def _answer(sample: Sample, width: int, skin: Skin, *, picked: bool) -> Text:
    said = one_line(sample.answer, max(8, width), skin) if sample.answer is not None else ""
    style = f"bold {skin.accent}".strip() if picked else skin.text if sample.counted else skin.dim
    notes = [("no answer", skin.warn)] * (sample.answer is None) + [("cut", skin.warn)] * sample.cut
    notes += [("late", skin.dim)] * (not sample.counted)
    return joined([words((said, style)), *(words(note) for note in notes)])


def _place(candidate_id: str) -> str:
    """Node and number of a candidate's id, ``SCOPE/NODE.VISIT.INDEX#CHOICE``."""
    return candidate_id.rpartition("/")[2]
