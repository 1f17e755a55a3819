"""Views of a run that are kept, and wishes that hold a text or caps.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of folds, and let a control hold more; those there are hold nothing."""
    op.create_table(
        "folds",
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "name", name="pk_folds"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_folds_run_id", ondelete="CASCADE"),
    )
    op.add_column("controls", sa.Column("text", sa.Text))
    op.add_column("controls", sa.Column("budget", sa.Text))
