"""A search tree: only the children worth looking at are open, the rest is counted."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from ..render.skin import Skin
from ..render.tree import node_label, shown_children, tree_footer
from ..store.search import Tree as SearchTree

KEPT_OPEN = 5
"""Children of a node that are shown."""


class TreePane(Tree[str]):
    """The tree of a run, drawn anew when it grew: adding node by node costs a repaint each."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__("", id=id)
        self.border_title = "Search tree"
        self.show_root = False
        self.guide_depth = 2
        self._drawn: tuple[int, Skin] | None = None

    def redraw(self, tree: SearchTree | None, skin: Skin) -> None:
        """Show the tree as it is now."""
        if tree is None or not self.display or (tree.simulations, skin) == self._drawn:
            return
        self._drawn = tree.simulations, skin
        line = self.cursor_line
        self.clear()
        for root in tree.roots:
            self._grow(self.root, tree, root, skin)
        self.border_subtitle = tree_footer(tree, skin)
        self.cursor_line = min(line, max(0, self.last_line))

    def _grow(self, parent: TreeNode[str], tree: SearchTree, node: str, skin: Skin) -> None:
        stack: list[tuple[TreeNode[str], str | Text]] = [(parent, node)]
        while stack:
            above, each = stack.pop()
            if isinstance(each, Text):
                above.add_leaf(each)
                continue
            shown = shown_children(tree, each, KEPT_OPEN)
            label = node_label(tree, each, skin)
            if not shown.ids:
                above.add_leaf(label, each)
                continue
            here = above.add(label, each, expand=True)
            folded = [Text(f"+{shown.folded} (best {shown.best_folded})", style=skin.dim)] if shown.folded else []
            children: list[str | Text] = [*shown.ids, *folded]
            stack += [(here, child) for child in reversed(children)]
