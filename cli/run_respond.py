"""``symposia run respond``: a person's word on a tool's call that waits for it."""

from __future__ import annotations

import getpass

import click

from ..core.records import ControlRecord
from ..runtime.approvals import respond as say
from .options import json_option, open_session, run_async, store_option
from .output import data_json, note


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("word", type=click.Choice(["approve", "deny"]))
@click.option("--note", "why", default="", metavar="TEXT", help="Told to the model where the call is not allowed.")
@click.option("--call", "about", metavar="KEY", help="Which call, where several wait.")
@store_option
@json_option
def respond(run_id: str, word: str, *, why: str, about: str | None, store: str | None, as_json: bool) -> None:
    """Say whether a tool's call that waits for a person may be made."""

    async def work() -> tuple[str, ControlRecord]:
        async with open_session(store) as session:
            record = await session.store.run(run_id)
            author = getpass.getuser()
            said = await say(session.store, record.id, approve=word == "approve", author=author, note=why, about=about)
            if record.owner is None:
                note(f"nobody executes run {record.id} now: go on with `symposia run resume {record.id}`")
            return record.id, said

    found, said = run_async(work())
    note(f"told run {found}: {word}")
    if as_json:
        data_json({"run_id": found, **said.model_dump(mode="json")})
