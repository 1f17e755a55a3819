"""``symposia corpus add`` and ``symposia corpus embed``: what may take long, and goes on where it was broken off."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from ..core.errors import ConfigError
from ..core.retrieval import Corpus
from ..memory.retrieval.corpora import LONGEST, Corpora
from ..memory.retrieval.files import Reader, part_id, sources
from ..runtime.embedders import NONE
from ..runtime.library import Library
from ..runtime.session import Session
from .corpus_show import vectors
from .embed_cost import tell_cost
from .options import json_option, open_session, run_async, store_option
from .output import data_json, interactive, note

_AT_ONCE = 200
"""Ids that the store is asked about at a time."""

embedder_option = click.option(
    "--embedder", metavar="NAME", help="none, wordllama, or a model that embeds; by default as the configuration says."
)


@click.command()
@click.argument("name")
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@embedder_option
@click.option(
    "--chars", default=2_000, show_default=True, type=click.IntRange(100, LONGEST // 2), help="Cut texts into parts so long."
)
@store_option
@json_option
def add(name: str, paths: tuple[Path, ...], *, embedder: str | None, chars: int, store: str | None, as_json: bool) -> None:
    """Add documents to the corpus NAME, made where there is none: files, and folders with what is below them.

    .jsonl holds one document a line: {"id": "a", "text": "…", "title": "…", "metadata": {…}}. .txt and .md are cut into parts
    between paragraphs. A document of the same id is replaced; one that is there as it is, is left alone. So after a failure
    the same command goes on.
    """
    found = sources(paths)
    reader = Reader(found.files, chars)

    async def work() -> dict[str, Any]:
        async with open_session(store) as session:
            corpora = await (session.library.to_add(name) if embedder is None else session.library.by(embedder))
            began = time.monotonic()
            with _shown(name, found.bytes, lambda: reader.bytes) as told, _counted(session.library, "added", told) as count:
                added = await corpora.add(name, reader, told=count)
            if not added:
                raise ConfigError("there is no document in these files")
            removed = await _remove_surplus(corpora, name, reader.parts)
            seconds = time.monotonic() - began
            note(f"{added:,} document{'' if added == 1 else 's'} of {_size(reader.bytes)} in {seconds:.1f} s")
            return await _report(session, name, added=added, parts_removed=removed, bytes=reader.bytes, seconds=seconds)

    done = run_async(work())
    if found.others:
        note(f"files of other kinds that were left out: {found.others:,}")
    if as_json:
        data_json(done)


@click.command()
@click.argument("name")
@embedder_option
@store_option
@json_option
def embed(name: str, *, embedder: str | None, store: str | None, as_json: bool) -> None:
    """Have every document of the corpus NAME have a vector of the embedder; those of another one are removed at once.

    By default it is the configured embedder, else the one that the corpus has. With `--embedder none` its words alone find.
    What was broken off goes on with the same command.
    """

    async def work() -> dict[str, Any]:
        async with open_session(store) as session:
            found = await session.store.corpora().corpus(name)
            began, made = time.monotonic(), 0
            corpora = await session.library.by(_chosen(embedder, session.settings.embedder, found))
            if corpora.embeds:
                with _shown(name, found.documents) as told, _counted(session.library, "embedded", told) as count:
                    made = await corpora.embed(name, told=count)
            else:
                await corpora.forget_vectors(name)
            seconds = time.monotonic() - began
            note(f"{made:,} vectors in {seconds:.1f} s")
            return await _report(session, name, made=made, seconds=seconds)

    done = run_async(work())
    if as_json:
        data_json(done)


def _chosen(named: str | None, configured: str, corpus: Corpus) -> str:
    """The embedder that is meant. Raises :class:`ConfigError` where none is: vectors are forgotten by ``none`` alone."""
    chosen = named or (configured if configured != NONE else corpus.embedder)
    if chosen is None:
        raise ConfigError("no embedder is configured", hint="name one: `--embedder wordllama`, or a model that embeds")
    return chosen


async def _report(session: Session, name: str, *, seconds: float, **done: Any) -> dict[str, Any]:
    """What was done, what it did cost, and what the corpus is now."""
    now = await session.store.corpora().corpus(name)
    note(f"{name} has {now.documents:,} documents, vectors: {vectors(now)}")
    usage = session.library.usage.model_dump(mode="json")
    return {"corpus": now.model_dump(mode="json"), **done, "seconds": round(seconds, 3), "usage": usage}


def _size(number: int) -> str:
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.1f} kB"


async def _remove_surplus(corpora: Corpora, name: str, parts: Mapping[str, int]) -> int:
    """Remove parts of texts that have fewer by now; how many."""
    surplus: list[str] = []
    ends = {part_id(text, count + 1): (text, count + 1) for text, count in parts.items()}
    while ends:
        asked = list(ends)
        there: dict[str, Any] = {}
        for at in range(0, len(asked), _AT_ONCE):
            there |= await corpora.named(name, asked[at : at + _AT_ONCE])
        surplus += there
        ends = {part_id(text, count + 1): (text, count + 1) for text, count in (ends[id_] for id_ in there)}
    return await corpora.remove(name, surplus) if surplus else 0


@contextlib.contextmanager
def _counted(library: Library, what: str, told: Callable[[int], None]) -> Iterator[Callable[[int], None]]:
    """Hears how much is done, and says it where the rest fails; what it did cost is said in any case."""
    done = 0

    def count(number: int) -> None:
        nonlocal done
        done = number
        told(number)

    try:
        yield count
    except BaseException:
        if done:
            note(f"{done:,} documents were {what} before this; the same command goes on")
        raise
    finally:
        tell_cost(library)


@contextlib.contextmanager
def _shown(name: str, total: int, done: Callable[[], int] | None = None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, of ``done`` (bytes) or of the number of documents itself."""
    if not interactive():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only where a person watches
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    bar_columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeElapsedColumn())
    with Progress(*bar_columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total)

        def told(number: int) -> None:
            completed = number if done is None else done()
            bar.update(task, completed=completed, description=f"{name}: {number:,} documents")

        yield told
