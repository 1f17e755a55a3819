"""A run's candidates as they stand: as they joined the pool, with the scores that verifiers gave them since.

A candidate's row is written once; scores are events (:class:`core.events.CandidateScored`), and folding them when somebody
reads keeps them the single source, in exported and imported runs too.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from ..core.candidate import Candidate
from ..core.events import CandidateScored
from . import schema
from .rows import CANDIDATE, read, stored_event

_SCORED = f"/{CandidateScored.model_fields['type'].default}."
"""Stands in the id of each such event."""


def scored_candidates(connection: Connection, run_id: str) -> list[Candidate]:
    """In the order in which they were added."""
    table, events = schema.candidates, schema.events
    rows = connection.execute(select(table).where(table.c.run_id == run_id).order_by(table.c.id))
    found = {row.candidate_id: read(CANDIDATE, row.body, f"candidate {row.candidate_id} of run {run_id}") for row in rows}
    ours = events.c.event_id.contains(_SCORED, autoescape=True)
    for row in connection.execute(select(events).where(events.c.run_id == run_id, ours).order_by(events.c.seq)):
        event = stored_event(row).event
        if isinstance(event, CandidateScored) and event.candidate in found:
            found[event.candidate] = found[event.candidate].with_score(event.score)
    return list(found.values())
