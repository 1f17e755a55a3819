"""``symposia corpus search``."""

from __future__ import annotations

import click

from ..core.option_items import parse_options
from ..core.retrieval import Hit
from ..memory.retrieval.corpora import MOST
from .embed_cost import tell_cost
from .options import json_option, open_session, run_async, store_option
from .output import clean, columns, data, data_json, note, shorten


@click.command()
@click.argument("name")
@click.argument("query")
@click.option("-k", "--limit", default=10, show_default=True, type=click.IntRange(1, MOST), help="How many documents at most.")
@click.option("--where", multiple=True, metavar="KEY=VALUE", help="Only documents whose metadata have this value.")
@store_option
@json_option
def search(name: str, query: str, *, limit: int, where: tuple[str, ...], store: str | None, as_json: bool) -> None:
    """Search the corpus NAME for QUERY: by words, and by vectors where it has them. Best first.

    WORDS and VECTORS are the places of a document in each of the two rankings.
    """
    labels = parse_options(where)

    async def work() -> tuple[Hit, ...]:
        async with open_session(store) as session:
            hits = await session.library.search(query, corpus=name, limit=limit, where=labels)
            tell_cost(session.library)
            return hits

    hits = run_async(work())
    if as_json:
        data_json([hit.model_dump(mode="json") for hit in hits])
    elif hits:
        data(columns([_row(hit) for hit in hits], ["DOCUMENT", "SCORE", "WORDS", "VECTORS", "TEXT"]))
    else:
        note("nothing found")


def _row(hit: Hit) -> list[str]:
    document = hit.document
    text = f"{document.title}: {document.text}" if document.title else document.text
    ranks = [str(rank or "-") for rank in (hit.text_rank, hit.vector_rank)]
    return [clean(document.id), f"{hit.score:.4f}", *ranks, shorten(text, 70)]
