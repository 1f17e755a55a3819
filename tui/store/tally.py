"""Votes as they come in: candidates by answer and language."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.candidate import Answer

FORMS = 12
"""Ways of writing an answer that are remembered."""


@dataclass(slots=True)
class Ballot:
    """Those who gave one answer."""

    answer: str
    """For people, with the unit where any of them gave one."""
    by_language: dict[str, int] = field(default_factory=dict)
    forms: dict[str, int] = field(default_factory=dict)
    """How it was written, and how often."""

    @property
    def count(self) -> int:
        """Votes in all languages."""
        return sum(self.by_language.values())


@dataclass(slots=True)
class Tally:
    """Ballots by canonical answer.

    Answers that only a computer algebra system can tell to be equal stand apart until the strategy has decided: then its own
    count is shown instead.
    """

    ballots: dict[str, Ballot] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)
    """Candidates without an answer, by language."""
    late: int = 0
    """Came after the vote was decided."""

    def add(self, answer: Answer | None, language: str) -> None:
        """Count one candidate."""
        if answer is None:
            self.unread[language] = self.unread.get(language, 0) + 1
            return
        # As votes do it: a bare number goes with the same number that has a unit, but 50 % is never 50.
        key = f"{answer.value} %" if answer.unit == "%" else answer.value
        ballot = self.ballots.get(key)
        if ballot is None:
            ballot = self.ballots[key] = Ballot(answer=str(answer))
        elif answer.unit is not None and len(str(answer)) > len(ballot.answer):
            ballot.answer = str(answer)
        ballot.by_language[language] = ballot.by_language.get(language, 0) + 1
        if answer.raw in ballot.forms or len(ballot.forms) < FORMS:
            ballot.forms[answer.raw] = ballot.forms.get(answer.raw, 0) + 1

    @property
    def ranked(self) -> list[Ballot]:
        """Most votes first; of equals the one that was given first."""
        return sorted(self.ballots.values(), key=lambda ballot: -ballot.count)

    @property
    def languages(self) -> list[str]:
        """In the order in which they came."""
        found = {language: None for ballot in self.ballots.values() for language in ballot.by_language}
        return [*found, *(language for language in self.unread if language not in found)]
