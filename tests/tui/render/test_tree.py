"""Search trees."""

from __future__ import annotations

from symposia.core.events import TreeGrown, TreeNode
from symposia.tui.render.tree import Shown, node_label, shown_children, tree_footer
from symposia.tui.store.search import Tree

from .world import DARK, PLAIN


def grown() -> Tree:
    tree = Tree()
    below = [TreeNode(id=f"c{place}", parent="r", visits=20 - place, value=place / 10, prior=0.3) for place in range(8)]
    nodes = (TreeNode(id="r", parent=None, visits=63, value=0.58), *below, TreeNode(id="d", parent="c7", step="so [b] it is"))
    tree.grow(TreeGrown(index=3, nodes=nodes, here="d", best=("r", "c6")))
    return tree


def test_labels() -> None:
    tree = grown()
    assert node_label(tree, "r", DARK).plain == "▅ N=63 Q=.58 ★"
    assert node_label(tree, "c3", DARK).plain == "▃ N=17 Q=.30"
    assert node_label(tree, "c3", DARK, focused=True).plain == "▃ N=17 Q=.30 P=.30"
    assert node_label(tree, "d", DARK, focused=True).plain == "· N=0 Q=? ← here so [b] it is"
    assert node_label(tree, "d", PLAIN).plain == ". N=0 Q=? < here"
    assert "bold" in str(node_label(tree, "c6", DARK).spans[1].style)


def test_what_a_node_came_to() -> None:
    tree = grown()
    tree.grow(
        TreeGrown(
            index=4, nodes=(TreeNode(id="c3", parent="r", state="rejected"), TreeNode(id="c4", parent="r", state="finished"))
        )
    )
    assert node_label(tree, "c3", DARK).plain.endswith("✗ rejected")
    assert node_label(tree, "c4", DARK).plain.endswith("■ finished")


def test_children_with_most_visits_and_those_that_lead_on() -> None:
    assert shown_children(grown(), "r", 3) == Shown(("c0", "c1", "c2", "c6", "c7"), 3, ".50")
    assert shown_children(grown(), "r", 8) == Shown(tuple(f"c{place}" for place in range(8)), 0, "?")
    assert shown_children(grown(), "d") == Shown((), 0, "?")


def test_how_large_it_is() -> None:
    assert (
        tree_footer(grown(), DARK, constant=1.4, rate=2.5).plain == "10 nodes · depth 2 · 4 simulations, 2.5/s · best .60 · c 1.4"
    )
    assert tree_footer(Tree(), PLAIN).plain == "0 nodes - depth 0 - 0 simulations"
