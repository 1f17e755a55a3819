"""Calibrations.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of calibrations."""
    op.create_table(
        "calibrations",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("holds_for", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("name", "version", name="pk_calibrations"),
    )
    op.create_index("ix_calibrations_holds_for", "calibrations", ["holds_for"])
