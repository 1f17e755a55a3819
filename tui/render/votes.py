"""How the vote stands: answers by language, or answers alone where there is one language."""

from __future__ import annotations

from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from ...core.result import Outcome, StopReason
from ..store.run import RunView
from ..store.tally import Tally
from .cells import bar
from .inert import one_line
from .lines import GAP, fit, flowed, left, packed, right, words
from .skin import Skin

_COLUMN = 9
"""Cells of a column at least, with the gap before it."""
_WIDEST = 20
_MORE = 4
"""Cells that say how many answers have no column."""
_HIGH = 7
"""Lines from which on the verdict may take more than one."""
_AGREE = 7
"""Cells of the column at the right edge: ``100% ≠``."""


@dataclass(slots=True)
class _Ballot:
    answer: str
    count: int
    by_language: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Count:
    """What is drawn: the strategy's own count where it has decided, else that of what came in so far."""

    ballots: list[_Ballot]
    """Most votes first."""
    languages: list[str]
    winner: str | None
    proven: bool

    @property
    def total(self) -> int:
        return sum(ballot.count for ballot in self.ballots)

    def in_language(self, language: str) -> int:
        return sum(ballot.by_language.get(language, 0) for ballot in self.ballots)

    def best_in(self, language: str) -> int:
        return max((ballot.by_language.get(language, 0) for ballot in self.ballots), default=0)

    def of_winner(self, language: str) -> int:
        return next((ballot.by_language.get(language, 0) for ballot in self.ballots if ballot.answer == self.winner), 0)


def vote_lines(view: RunView, width: int, height: int, skin: Skin) -> list[Text]:
    """At most ``height`` lines, the last of which says who leads, by how much, and whether that can change."""
    count = _count(view)
    if not count.ballots:
        unread = sum(view.tally.unread.values())
        said = f"{unread} without an answer, no votes yet" if unread else "no votes yet"
        return [fit(words((said, skin.dim)), width, skin)][: max(0, height)]
    verdict = _verdict(view, count, skin)
    last = flowed(verdict, width, skin) if height >= _HIGH else [packed(verdict, width)]
    room = max(0, height - len(last))
    rows = _by_language(count, width, room, skin) if len(count.languages) > 1 else _by_answer(count, width, room, skin)
    return [fit(row, width, skin) for row in (rows + last)[: max(0, height)]]


def forms_lines(view: RunView, answer: str, width: int, skin: Skin) -> list[Text]:
    """The ways in which an answer was written, and how often each, most often first."""
    ballot = next((each for each in view.tally.ballots.values() if each.answer == answer), None)
    if ballot is None:
        return [fit(words(("nobody wrote it in another way", skin.dim)), width, skin)]
    forms = sorted(ballot.forms.items(), key=lambda form: -form[1])
    room = max(1, width - 6)
    lines = [words((f"{count:>4}", skin.dim), GAP, (one_line(form, room, skin), skin.text)) for form, count in forms]
    return [fit(line, width, skin) for line in lines]


def _count(view: RunView) -> _Count:
    outcome = view.outcome
    if outcome is None or not outcome.votes:
        return _so_far(view.tally)
    ballots = {vote.answer: _Ballot(vote.answer, vote.count) for vote in outcome.votes}
    for voted in outcome.languages:
        for vote in voted.votes:
            ballot = ballots.setdefault(vote.answer, _Ballot(vote.answer, 0))
            ballot.by_language[voted.language] = vote.count
    ranked = sorted(ballots.values(), key=lambda ballot: -ballot.count)
    languages = [voted.language for voted in outcome.languages]
    return _Count(ranked, languages, _picked(outcome, ranked), outcome.stop_reason is StopReason.AGREED)


def _so_far(tally: Tally) -> _Count:
    ranked = [_Ballot(ballot.answer, ballot.count, ballot.by_language) for ballot in tally.ranked]
    return _Count(ranked, tally.languages, ranked[0].answer if ranked else None, proven=False)


def _picked(outcome: Outcome, ranked: list[_Ballot]) -> str | None:
    """The answer that was picked, as the votes name it: a weighted vote may pick another than most gave."""
    pick = outcome.selections.get(outcome.decided_by)
    if pick is None or pick.answer is None:
        return ranked[0].answer
    # Votes are named with their unit, a selection is the value alone.
    named = (ballot.answer for ballot in ranked if pick.answer in {ballot.answer, ballot.answer.strip("$€£¥₹"),
                                                                   ballot.answer.rpartition(" ")[0]})  # fmt: skip
    return next(named, pick.answer)


def _by_language(count: _Count, width: int, height: int, skin: Skin) -> list[Text]:
    """A row per language, a column per answer; at the right edge the share of the language's votes that is for the winner."""
    label = min(8, max(4, *(cell_len(language) for language in count.languages)))
    room = width - label - _AGREE - len(GAP)
    if room // _COLUMN < len(count.ballots):
        room -= _MORE
    shown = count.ballots[: max(1, room // _COLUMN)]
    column = max(4, min(_WIDEST, room // len(shown)) - len(GAP))
    top = max(1, *(votes for ballot in shown for votes in ballot.by_language.values()), 1)
    head = words(" " * label)
    for ballot in shown:
        style = f"bold {skin.accent}".strip() if ballot.answer == count.winner else skin.text
        head.append(GAP).append_text(right(words((one_line(ballot.answer, column, skin), style)), column, skin))
    hidden = len(count.ballots) - len(shown)
    head.append(GAP).append_text(right(words(("agree", skin.dim)), _AGREE - 2, skin))
    head.append(f"{GAP}+{hidden}" if hidden else "", skin.dim or None)
    rows = [head]
    for language in count.languages:
        row = left(words((one_line(language, label, skin), skin.text)), label, skin)
        for ballot in shown:
            row.append(GAP).append_text(_cell(ballot, language, count.winner, top, column, skin))
        rows.append(row.append(GAP).append_text(_agreement(count, language, skin)))
    if len(rows) <= height:
        return rows
    return [*rows[: max(0, height - 1)], words((f"+{len(rows) - height + 1} languages", skin.dim))][:height]


def _cell(ballot: _Ballot, language: str, winner: str | None, top: int, width: int, skin: Skin) -> Text:
    votes = ballot.by_language.get(language, 0)
    leads = ballot.answer == winner
    style = (skin.high or skin.accent) if leads else skin.mid
    drawn = max(0, width - 4)
    return bar(votes / top, drawn, skin, style).append_text(
        right(words((str(votes), (style if leads else skin.text) if votes else skin.dim)), width - drawn, skin)
    )


def _agreement(count: _Count, language: str, skin: Skin) -> Text:
    read = count.in_language(language)
    if not read:
        return right(words((skin.glyphs.unscored, skin.dim)), _AGREE - 2, skin)
    share = count.of_winner(language) / read
    differs = count.best_in(language) > count.of_winner(language)
    style = skin.low or skin.warn if differs else skin.text
    return right(words((f"{share:.0%}", style)), _AGREE - 2, skin).append(
        f" {skin.glyphs.differs}" if differs else "", style or None
    )


def _by_answer(count: _Count, width: int, height: int, skin: Skin) -> list[Text]:
    """A row per answer."""
    most = max(8, width // 3)
    names = [one_line(ballot.answer, most, skin) for ballot in count.ballots]
    shown = len(names) if len(names) <= height else max(0, height - 1)
    label = max([3, *map(cell_len, names[:shown])])
    digits = len(str(count.ballots[0].count))
    room = max(0, width - label - digits - 5 - 3 * len(GAP))
    rows = []
    for name, ballot in zip(names[:shown], count.ballots[:shown], strict=True):
        leads = ballot.answer == count.winner
        style = (skin.high or skin.accent) if leads else skin.mid
        row = left(words((name, f"bold {skin.accent}".strip() if leads else skin.text)), label, skin)
        row.append(GAP).append_text(bar(ballot.count / count.ballots[0].count, min(40, room), skin, style))
        row.append(f"{GAP}{ballot.count:>{digits}}", skin.text or None)
        rows.append(row.append(f"{GAP}{ballot.count / count.total:>4.0%}", skin.dim or None))
    if shown < len(names):
        rest = sum(ballot.count for ballot in count.ballots[shown:])
        rows.append(words((f"+{len(names) - shown} answers{GAP}{rest}", skin.dim)))
    return rows[:height]


def _verdict(view: RunView, count: _Count, skin: Skin) -> list[Text]:
    """Who leads, votes, margin, languages that agree, whether it can change; what has no vote."""
    winner = next((ballot for ballot in count.ballots if ballot.answer == count.winner), None)
    votes = winner.count if winner is not None else 0
    margin = votes - max((ballot.count for ballot in count.ballots if ballot is not winner), default=0)
    unread = sum(view.tally.unread.values())
    name = one_line(count.winner or "", 24, skin)
    parts = [
        words((f"{skin.glyphs.picked} {name}", f"bold {skin.accent}".strip())),
        words((f"{votes}/{count.total} votes", skin.text)),
        words((f"margin {margin}", skin.text)),
    ]
    if len(count.languages) > 1:
        agree = sum(0 < count.of_winner(language) >= count.best_in(language) for language in count.languages)
        parts.append(words((f"languages agree {agree}/{len(count.languages)}", skin.text)))
    if count.proven:
        parts.append(words(("cannot change any more", skin.good)))
    if unread:
        parts.append(words((f"{unread} without an answer", skin.warn)))
    if view.tally.late:
        parts.append(words((f"{view.tally.late} late", skin.dim)))
    return parts
