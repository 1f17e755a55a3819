"""``symposia corpus …``: the group."""

from __future__ import annotations

import click

from .lazy import LazyGroup, Place

_COMMANDS = {
    "list": Place("corpus_show:list_corpora", "List the corpora of the store."),
    "show": Place("corpus_show:show", "Show a corpus, or a document of it."),
    "add": Place("corpus_add:add", "Add documents out of files and folders."),
    "search": Place("corpus_search:search", "Search a corpus."),
    "embed": Place("corpus_add:embed", "Make vectors for every document of a corpus, or forget them."),
    "remove": Place("corpus_remove:remove", "Remove a corpus, or documents of it."),
}


@click.command(cls=LazyGroup, places=_COMMANDS)
def corpus() -> None:
    """Keep documents that tools search: list, show, add, search, embed and remove them."""
