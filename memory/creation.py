"""Creating a run: its id, its row, and what is given back without reading it again."""

from __future__ import annotations

from ..core.errors import NameTakenError, StoreError
from ..core.records import RunRecord, RunSpec
from . import runs
from .bulk import Values
from .leases import short_owner
from .names import RULE, is_name
from .rows import RUN_SPEC, RowMaker
from .writer import Job, Writer


async def create(writer: Writer, rows: RowMaker, spec: RunSpec, run_id: str | None) -> RunRecord:
    """Store a run that waits to be executed; see :meth:`.store.Store.create_run`."""
    stored = rows.stored(RUN_SPEC, spec)
    return await _add(writer, stored.value, runs.queued(stored.text, spec.experiment), run_id)


async def begin(writer: Writer, rows: RowMaker, spec: RunSpec, run_id: str | None, owner: str, ttl: float) -> RunRecord:
    """Store a run under its first lease; see :meth:`.store.Store.begin_run`."""
    stored = rows.stored(RUN_SPEC, spec)
    return await _add(writer, stored.value, runs.begun(stored.text, spec.experiment, owner, ttl), run_id)


async def _add(writer: Writer, spec: RunSpec, row: Values, run_id: str | None) -> RunRecord:
    given = run_id
    if given is not None and not is_name(given):
        raise StoreError(f"{given!r} cannot be the id of a run", hint=RULE)
    while True:
        run_id = given or runs.new_id()
        try:
            await writer.write(Job(run=row | {"id": run_id}))
        except NameTakenError:
            if given is not None:
                raise
        else:
            break
    owner = None if row["owner"] is None else short_owner(row["owner"])
    times = {"created_at": row["created_at"], "updated_at": row["updated_at"]}
    return RunRecord(id=run_id, spec=spec, state=row["state"], owner=owner, **times)
