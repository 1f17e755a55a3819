"""Paths over several views of one problem, such as languages: how many each view is given, and in what order. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Path(NamedTuple):
    """One attempt."""

    view: str
    """How the problem is looked at: the code of a language, the name of a style."""
    number: int
    """Among those of its view, from 0."""


class Batch(NamedTuple):
    """Paths of one view that one request asks for."""

    first: Path
    size: int = 1

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        return [Path(self.first.view, self.first.number + place) for place in range(self.size)]


def share(n: int, views: Sequence[str], own: str) -> dict[str, int]:
    """How many of ``n`` paths each view is given, in the order of ``views``: equally many.

    What is left over goes to the question's ``own`` view first, then to the others in their order, one each.
    """
    each, left = divmod(n, len(views))
    first = sorted(views, key=lambda view: view != own)[:left]
    return {view: each + (view in first) for view in views}


def in_turn(shares: Mapping[str, int]) -> tuple[Path, ...]:
    """The paths in the order in which they are taken: one of each view, again and again, so that none waits for another."""
    rounds = range(max(shares.values(), default=0))
    return tuple(Path(view, number) for number in rounds for view, count in shares.items() if number < count)


def batches(shares: Mapping[str, int], together: Callable[[int], bool]) -> list[Batch]:
    """The requests for all paths, in the order in which they are taken; ``together`` says whether one can ask for so many."""
    whole = {view for view, count in shares.items() if together(count)}
    return [
        Batch(path, shares[path.view] if path.view in whole else 1)
        for path in in_turn(shares)
        if path.number == 0 or path.view not in whole
    ]
