"""A search tree: what a node is called, which of its children are worth looking at, how large the tree is."""

from __future__ import annotations

from typing import NamedTuple

from rich.text import Text

from ..store.search import Tree
from .cells import number, score_cell
from .inert import one_line
from .lines import joined, words
from .skin import Skin

_STEP = 60
"""Cells of a node's step that stand behind its numbers."""


class Shown(NamedTuple):
    """The children of a node that are drawn."""

    ids: tuple[str, ...]
    """Most visits first."""
    folded: int
    """How many are not."""
    best_folded: str
    """The highest value among these, as it is written; ``?`` where none is known."""


def node_label(tree: Tree, node_id: str, skin: Skin, *, focused: bool = False) -> Text:
    """Score, visits N, value Q and marks: on the best line, finished, rejected, expanded now. Prior and step if ``focused``."""
    node, glyphs = tree.nodes[node_id], skin.glyphs
    best = node_id in tree.best
    style = f"bold {skin.text}".strip() if best else skin.text
    label = score_cell(node.value, skin).append(f" N={node.visits}", style or None)
    label.append(f" Q={number(node.value) or '?'}", style or None)
    if node.prior is not None and focused:
        label.append(f" P={number(node.prior)}", skin.dim or None)
    marks = [
        words((glyphs.best if best else "", skin.accent)),
        words((f"{glyphs.finished} finished" if node.state == "finished" else "", skin.good)),
        words((f"{glyphs.rejected} rejected" if node.state == "rejected" else "", skin.bad)),
        words((f"{glyphs.here} here" if node_id == tree.here else "", skin.accent)),
        words((one_line(node.step, _STEP, skin) if focused else "", skin.dim)),
    ]
    return joined([label, *marks], " ")


def shown_children(tree: Tree, node_id: str, k: int = 5) -> Shown:
    """The ``k`` children with most visits, and those that lead to what is best or expanded now, however few visits they have."""
    ranked = sorted(tree.children.get(node_id, ()), key=lambda child: -tree.nodes[child].visits)
    leading = {*tree.best, *_path_to(tree, tree.here)}
    ids = tuple(child for place, child in enumerate(ranked) if place < k or child in leading)
    kept = set(ids)
    values = [tree.nodes[child].value for child in ranked if child not in kept]
    best = max((value for value in values if value is not None), default=None)
    return Shown(ids, len(values), number(best) or "?")


def tree_footer(tree: Tree, skin: Skin, *, constant: float | None = None, rate: float | None = None) -> Text:
    """Nodes, depth, simulations, the best value; the exploration constant and simulations a second where they are known."""
    best = [tree.nodes[each].value for each in tree.best if each in tree.nodes]
    facts = [
        f"{len(tree.nodes)} nodes",
        f"depth {_depth(tree)}",
        f"{tree.simulations} simulations" + (f", {rate:.1f}/s" if rate is not None else ""),
        f"best {number(best[-1])}" if best and best[-1] is not None else "",
        f"c {constant:g}" if constant is not None else "",
    ]
    return joined([words((fact, skin.dim)) for fact in facts], skin.glyphs.dot)


def _path_to(tree: Tree, node_id: str | None) -> list[str]:
    """The node and those above it."""
    path: list[str] = []
    while node_id is not None and node_id in tree.nodes and node_id not in path:
        path.append(node_id)
        node_id = tree.nodes[node_id].parent
    return path


def _depth(tree: Tree) -> int:
    """Steps from a root to the deepest node; each node is only looked at once."""
    level, depth, seen = list(tree.roots), -1, set(tree.roots)
    while level:
        depth += 1
        level = [child for node in level for child in tree.children.get(node, ()) if child not in seen]
        seen |= set(level)
    return max(0, depth)
