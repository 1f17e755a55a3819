"""Ledgers that several runs share.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of shared ledgers."""
    op.create_table(
        "ledgers",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("caps", sa.Text, nullable=False),
        sa.Column("used", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ledgers"),
    )
    op.create_table(
        "tranches",
        sa.Column("ledger", sa.String(64), nullable=False),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("spent", sa.Text, nullable=False),
        sa.Column("held", sa.Text),
        sa.PrimaryKeyConstraint("ledger", "run_id", name="pk_tranches"),
        sa.ForeignKeyConstraint(["ledger"], ["ledgers.name"], name="fk_tranches_ledger", ondelete="CASCADE"),
    )
