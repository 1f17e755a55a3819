"""``symposia corpus remove``."""

from __future__ import annotations

import click

from .confirming import confirm, yes_option
from .options import json_option, open_session, run_async, store_option
from .output import data_json, note


@click.command()
@click.argument("name")
@click.argument("ids", metavar="[ID…]", nargs=-1)
@yes_option
@store_option
@json_option
def remove(name: str, ids: tuple[str, ...], *, yes: bool, store: str | None, as_json: bool) -> None:
    """Remove the corpus NAME with all its documents, or the documents ID of it. Nobody finds them once this has begun."""

    async def work() -> int:
        async with open_session(store) as session:
            corpora = session.store.corpora()
            found = await corpora.corpus(name)
            if ids:
                return await corpora.remove(name, ids)
            confirm(f"Remove the corpus {name} with its {found.documents:,} documents for good?", yes=yes)
            await corpora.drop(name)
            return found.documents

    removed = run_async(work())
    if as_json:
        data_json({"corpus": name, "removed": removed})
    else:
        note(f"{removed:,} document{'' if removed == 1 else 's'} removed")
