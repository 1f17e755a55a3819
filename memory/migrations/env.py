"""Alembic's entry: runs the migrations on the connection and inside the transaction that ``migrate.py`` hands over."""

from __future__ import annotations

from alembic import context

_given = context.config.attributes

context.configure(
    connection=_given["connection"],
    target_metadata=_given["metadata"],
    version_table=_given["version_table"],
    render_as_batch=True,  # SQLite cannot alter most of a table in place
)
with context.begin_transaction():
    context.run_migrations()
