"""``symposia corpus list`` and ``symposia corpus show``."""

from __future__ import annotations

import click

from ..core.errors import ConfigError, nearest
from ..core.retrieval import Corpus, Document
from .options import json_option, open_session, run_async, store_option
from .output import age, clean, columns, data, data_json, note, shorten

_NEAR = 1000
"""Documents among which the one of the nearest id is looked for."""


@click.command("list")
@store_option
@json_option
def list_corpora(*, store: str | None, as_json: bool) -> None:
    """List the corpora of the store: how many documents each has, and whose vectors."""

    async def work() -> list[Corpus]:
        async with open_session(store) as session:
            return await session.store.corpora().every()

    found = run_async(work())
    if as_json:
        data_json([corpus.model_dump(mode="json") for corpus in found])
    elif found:
        rows = [[corpus.name, f"{corpus.documents:,}", vectors(corpus), age(corpus.created_at)] for corpus in found]
        data(columns(rows, ["CORPUS", "DOCUMENTS", "VECTORS", "AGE"]))
    else:
        note("no corpora yet; `symposia corpus add documents PATH` makes one")


@click.command()
@click.argument("name")
@click.argument("document", metavar="[ID]", required=False)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=1), help="How many documents to list.")
@store_option
@json_option
def show(name: str, document: str | None, *, limit: int, store: str | None, as_json: bool) -> None:
    """Show the corpus NAME with the documents that have been in it longest, or the document ID of it."""

    async def work() -> tuple[Corpus, list[Document]]:
        async with open_session(store) as session:
            corpora = session.store.corpora()
            found = await corpora.corpus(name)
            if document is None:
                return found, await corpora.oldest(name, limit=limit)
            named = await corpora.named(name, [document])
            if not named:
                near = nearest(document, [each.id for each in await corpora.oldest(name, limit=_NEAR)])
                hint = f"did you mean {near!r}?" if near else f"`symposia corpus search {name} WORDS` finds documents"
                raise ConfigError(f"there is no document {document!r} in the corpus {name!r}", hint=hint)
            return found, list(named.values())

    corpus, documents = run_async(work())
    if document is not None:
        _show_document(documents[0], as_json=as_json)
    elif as_json:
        data_json(corpus.model_dump(mode="json") | {"first": [each.id for each in documents]})
    else:
        data(f"{corpus.name}: {corpus.documents:,} documents, vectors: {vectors(corpus)}, {age(corpus.created_at)} old")
        if documents:
            rows = [[clean(each.id), shorten(each.title, 40), shorten(each.text, 60)] for each in documents]
            data(columns(rows, ["DOCUMENT", "TITLE", "TEXT"]))
        if corpus.documents > len(documents):
            note(f"… and {corpus.documents - len(documents):,} more")


def vectors(corpus: Corpus) -> str:
    """Whose vectors a corpus has, and how many where some are missing."""
    if corpus.embedder is None:
        return "none"
    missing = corpus.documents - corpus.vectors
    return f"{corpus.embedder}, {missing:,} missing" if missing else corpus.embedder


def _show_document(document: Document, *, as_json: bool) -> None:
    if as_json:
        data_json(document.model_dump(mode="json"))
        return
    head = [document.id, *([document.title] if document.title else [])]
    head += [f"{key}: {value}" for key, value in document.metadata.items()]
    data(clean("\n".join([*head, "", document.text])))
