"""A candidate as numbered steps: how each was scored, what was said against it, what was written anew."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from rich.text import Text

from ...core.candidate import Candidate, Evidence, Score
from .cells import number, score_cell
from .inert import inert, one_line
from .lines import fit, right, words
from .skin import Skin
from .wrap import LINES, wrapped

_BELOW = 0.5
"""A judgement below this speaks against what it judges."""


class StepLine(NamedTuple):
    """A line, and the step that it belongs to, counted from 0; None for what is no step."""

    text: Text
    step: int | None = None


class _Layout(NamedTuple):
    width: int
    digits: int
    skin: Skin

    @property
    def indent(self) -> int:
        """Cells before a step's text: number, score, figure."""
        return self.digits + 1 + 1 + 1 + 3 + 1

    def body(self, text: str, style: str) -> list[Text]:
        """Text beside the numbers, in as many lines as it needs."""
        lines = wrapped(inert(text.strip("\n")), max(2, self.width - self.indent), self.skin)
        return [words((line.plain, style)) for line in lines]


class _Mended(NamedTuple):
    """What another candidate made of the steps."""

    gone: frozenset[int]
    """Places of old steps that it does not have."""
    new: dict[int, list[tuple[str, float | None]]]
    """Its own steps with their scores, by the place of the old step that they stand for, or come after."""


def step_lines(
    candidate: Candidate,
    width: int,
    skin: Skin,
    *,
    focused: int | None,
    thinking: bool,
    tools: bool,
    refined: Candidate | None = None,
) -> list[StepLine]:
    """Thinking, then the steps, each with what was said of it, then what was said of the whole, then the answer.

    ``focused`` is a step counted from 0: its score stands as a figure too. Steps that ``refined`` wrote anew stand under the
    old ones, which are folded to a line, with a prime at their number.
    """
    steps, scores = _scored(candidate)
    layout = _Layout(width, len(str(len(steps))) + 1, skin)
    lines = [*_thinking(candidate, layout, unfolded=thinking), *_refusal(candidate, layout)]
    mended = _Mended(frozenset(), {}) if refined is None else _mended(steps, refined)
    remarks = _remarks(candidate, scores)
    for place, (text, score) in enumerate(zip(steps, scores, strict=True)):
        if len(lines) > LINES:  # nobody scrolls further
            told = f"({len(steps):,} steps in all; an export has them)"
            lines.append(StepLine(words((told, skin.dim))))
            break
        here = place == focused
        lines += _step(f"{place + 1} ", text, score, place, layout, focused=here, folded=place in mended.gone)
        for said in remarks.get(place, ()):
            lines += [StepLine(line, place) for line in _remark(said, layout, tools=tools)]
        for again, anew in mended.new.get(place, ()):
            label = f"{place + 1}{skin.glyphs.prime}"
            lines += _step(label, again, anew, place, layout, focused=here, folded=False)
    for said in remarks.get(None, ()):
        lines += [StepLine(line) for line in _remark(said, layout, tools=tools)]
    lines += _calls(candidate, layout, unfolded=tools)
    lines += _answer(candidate if refined is None else refined, layout)
    return [StepLine(fit(line.text, width, skin), line.step) for line in lines]


def _scored(candidate: Candidate) -> tuple[tuple[str, ...], tuple[float | None, ...]]:
    """The steps as the last verifier of steps judged them, with its scores; without one the candidate's own, unscored."""
    for score in reversed(candidate.scores):
        if score.steps:
            texts = candidate.step_texts(score) if score.ends else candidate.steps
            return texts, score.steps
    texts = candidate.cut()
    return texts, (None,) * len(texts)


def _remarks(candidate: Candidate, scores: Sequence[float | None]) -> dict[int | None, list[Score]]:
    """What verifiers said, by the step that it is about: the worst of those that it judged; None is the whole."""
    said: dict[int | None, list[Score]] = {}
    for score in candidate.scores:
        if not score.rationale and not score.evidence:
            continue
        known = [(value, place) for place, value in enumerate(score.steps) if value is not None]
        worst = min(known, default=(1.0, 0))
        place = worst[1] if len(score.steps) == len(scores) and worst[0] < _BELOW else None
        said.setdefault(place, []).append(score)
    return said


def _mended(steps: Sequence[str], refined: Candidate) -> _Mended:
    texts, scores = _scored(refined)
    old, new = [step.strip() for step in steps], [text.strip() for text in texts]
    gone: set[int] = set()
    found: dict[int, list[tuple[str, float | None]]] = {}
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        gone |= set(range(start, end))
        anchor = max(start, end - 1) if end > start else max(0, start - 1)
        for at, pair in enumerate(zip(texts[first:last], scores[first:last], strict=True)):
            found.setdefault(min(start + at, anchor), []).append(pair)
    return _Mended(frozenset(gone), found)


def _step(
    label: str, text: str, score: float | None, place: int, layout: _Layout, *, focused: bool, folded: bool
) -> list[StepLine]:
    skin = layout.skin
    style = f"bold {skin.accent}".strip() if focused else skin.dim
    head = right(words((label, style)), layout.digits, skin).append(" ").append_text(score_cell(score, skin))
    figure = number(score) if focused else ""
    head.append(f" {figure:>3} ", skin.ramp(score) or None)
    if folded:
        shown = one_line(text, max(0, layout.width - layout.indent), skin)
        return [StepLine(head.append(shown, f"{skin.dim} strike".strip()), place)]
    first, *more = layout.body(text, skin.text) or [words()]
    blank = " " * layout.indent
    return [StepLine(head.append_text(first), place), *(StepLine(words(blank).append_text(line), place) for line in more)]


def _remark(score: Score, layout: _Layout, *, tools: bool) -> list[Text]:
    """Who said it, and what; what its tools gave where ``tools`` is set."""
    skin, glyphs = layout.skin, layout.skin.glyphs
    against = score.value is not None and score.value < _BELOW
    sign, style = (glyphs.rejected, skin.bad) if against else (glyphs.picked, skin.dim)
    said = f"{sign} {score.verifier}: {score.rationale.strip() or 'checked by tools'}"
    lines = layout.body(said, style)
    if tools:
        for each in score.evidence:
            lines += layout.body(_evidence(each, skin), skin.dim)
    elif score.evidence:
        lines += layout.body(_folded(len(score.evidence), "tool call", skin), skin.dim)
    return [words(" " * layout.indent).append_text(line) for line in lines]


def _evidence(evidence: Evidence, skin: Skin) -> str:
    came = f"error: {evidence.error}" if evidence.error is not None else evidence.output
    return f"{evidence.tool}({_short(evidence.input)}) {skin.glyphs.arrow} {_short(came)}"


def _short(value: object) -> str:
    return "" if value is None else str(value)[:2_000]


def _folded(count: int, thing: str, skin: Skin) -> str:
    return f"{skin.glyphs.closed} {count:,} {thing}{'s' * (count != 1)}"


def _thinking(candidate: Candidate, layout: _Layout, *, unfolded: bool) -> list[StepLine]:
    skin, thought = layout.skin, candidate.thinking
    if not thought:
        return []
    size = f"{len(thought):,} characters"
    if not unfolded:
        return [StepLine(words((f"{skin.glyphs.closed} thinking, {size}", skin.dim)))]
    head = StepLine(words((f"{skin.glyphs.opened} thinking, {size}", skin.dim)))
    body = wrapped(inert(thought.strip("\n")), max(2, layout.width - 2), skin)
    return [head, *(StepLine(words("  ", (line.plain, skin.dim))) for line in body)]


def _refusal(candidate: Candidate, layout: _Layout) -> list[StepLine]:
    if not candidate.refusal:
        return []
    lines = wrapped(inert(f"{layout.skin.glyphs.refused} refused: {candidate.refusal}"), max(2, layout.width), layout.skin)
    return [StepLine(words((line.plain, layout.skin.warn))) for line in lines]


def _calls(candidate: Candidate, layout: _Layout, *, unfolded: bool) -> list[StepLine]:
    """The tools that its last turn asked for."""
    skin, calls = layout.skin, candidate.tool_calls
    if not calls:
        return []
    if not unfolded:
        return [StepLine(words((_folded(len(calls), "tool call", skin), skin.dim)))]
    said = [f"{call.function.name}({call.function.arguments})" for call in calls]
    lines = [line for each in said for line in wrapped(inert(each), max(2, layout.width - 2), skin)]
    return [StepLine(words("  ", (line.plain, skin.dim))) for line in lines]


def _answer(candidate: Candidate, layout: _Layout) -> list[StepLine]:
    skin = layout.skin
    if candidate.answer is None:
        return [StepLine(words(("no answer could be read", skin.warn)))]
    shown = one_line(str(candidate.answer), max(0, layout.width - 7), skin)
    return [StepLine(words(("answer ", skin.dim), (shown, f"bold {skin.accent}".strip())))]
