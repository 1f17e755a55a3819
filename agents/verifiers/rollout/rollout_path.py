"""One solution under Monte-Carlo evaluation: what is known of its prefixes, and what is still to be tried. Asks nobody itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from ....core.candidate import Candidate
from ....core.steps import ends_of
from ....core.usage import Usage
from ..process_labels import hard_label, soft_label
from .first_wrong import implied, next_step

Search = Literal["all", "binary"]
Value = Literal["mean", "any"]


class Tally(NamedTuple):
    """What the completions of a prefix came to."""

    right: int
    drawn: int
    """Completions that came back; 0 where every call failed, so that nothing is known."""

    @property
    def reached(self) -> bool | None:
        """Whether any completion was right; None where there is none."""
        return self.right > 0 if self.drawn else None

    def __str__(self) -> str:
        return f"{self.right} of {self.drawn}" if self.drawn else "no reply"


class Path:
    """A solution cut into steps. Step ``s`` stands for the prefix that ends with it; the last one's is the whole solution."""

    def __init__(self, group: int, candidate: Candidate, search: Search) -> None:
        self.group, self.candidate, self._search = group, candidate, search
        self.ends = ends_of(candidate.cut())
        self.known: dict[int, Tally] = {}
        self.usage = Usage()
        self.failure = ""

    @property
    def last(self) -> int:
        """The number of the last step; -1 where there is no step."""
        return len(self.ends) - 1

    def prefix(self, step: int) -> str:
        """The solution up to the end of ``step``."""
        return self.candidate.text[: self.ends[step]]

    def wanted(self) -> tuple[int, ...]:
        """The steps whose completions are to be drawn next; none where its score is final."""
        if self._search == "all":
            return tuple(step for step in range(self.last) if step not in self.known)
        step = next_step(self._tried)
        return () if step is None else (step,)

    def values(self, value: Value) -> tuple[float | None, ...]:
        """What each step is worth; None where every call failed, or the search came to an end before it."""
        if self._search == "binary":
            return implied(self._tried, len(self.ends))
        shares = (_share(self.known.get(step)) for step in range(len(self.ends)))
        return tuple(hard_label(share) if share is not None and value == "any" else share for share in shares)

    def told(self) -> str:
        """What is known, as a sentence."""
        if not self.ends:
            return "The solution has no steps."
        tried = ", ".join(str(self.known.get(step, "not tried")) for step in range(self.last))
        own = "The solution's own answer is " + ("the same." if self.known[self.last].right else "another, or there is none.")
        return f"Completions that reach it, step by step: {tried}. {own}" if tried else own

    @property
    def _tried(self) -> Mapping[int, bool | None]:
        return {step: tally.reached for step, tally in self.known.items()}


def _share(tally: Tally | None) -> float | None:
    return soft_label(tally.right, tally.drawn) if tally is not None and tally.drawn else None
