"""What a person says of a tool's call.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a control hold what was said; those there are say nothing."""
    op.add_column("controls", sa.Column("response", sa.Text))
