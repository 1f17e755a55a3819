"""Step searches: lanes of particles or beams, and trees."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...core.events import FrontierAdvanced, Lane, TreeGrown, TreeNode

ROUNDS = 400
"""Rounds of lanes that are kept: the newest."""


@dataclass(slots=True)
class Round:
    """One round of a frontier."""

    number: int
    lanes: tuple[Lane, ...]
    ess: float | None
    threshold: float | None
    resampled: bool


@dataclass(slots=True)
class Lanes:
    """The frontier of a particle filter or a beam search, round by round."""

    method: str
    rounds: list[Round] = field(default_factory=list)

    def advance(self, event: FrontierAdvanced) -> None:
        """Add a round; one that is there is written anew."""
        new = Round(event.index, event.lanes, event.ess, event.threshold, event.resampled)
        while self.rounds and self.rounds[-1].number >= event.index:
            self.rounds.pop()
        self.rounds.append(new)
        del self.rounds[:-ROUNDS]


@dataclass(slots=True)
class Tree:
    """A search tree."""

    nodes: dict[str, TreeNode] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    here: str | None = None
    best: tuple[str, ...] = ()
    simulations: int = 0

    def grow(self, event: TreeGrown) -> None:
        """Take over nodes. One whose parent is not known is a root."""
        for node in event.nodes:
            if node.id not in self.nodes:
                known = node.parent is not None and node.parent in self.nodes
                (self.children.setdefault(str(node.parent), []) if known else self.roots).append(node.id)
            self.nodes[node.id] = node
        self.here, self.best = event.here, event.best
        self.simulations = max(self.simulations, event.index + 1)
