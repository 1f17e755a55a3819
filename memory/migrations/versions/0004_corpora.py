"""Corpora of documents that can be searched, by words and by vectors.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the tables of corpora."""
    op.create_table(
        "corpora",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(64)),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("embedder", sa.Text),
        sa.Column("dimension", sa.Integer),
        sa.Column("removals", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corpora"),
        sa.UniqueConstraint("name", name="uq_corpora_name"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE TEXT SEARCH DICTIONARY symposia_stem (TEMPLATE = snowball, LANGUAGE = english)")
        op.execute("CREATE TEXT SEARCH CONFIGURATION symposia_words (COPY = simple)")
        op.execute("ALTER TEXT SEARCH CONFIGURATION symposia_words ALTER MAPPING FOR asciiword, word WITH symposia_stem")
    op.create_table(
        "documents",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("corpus", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("terms", postgresql.TSVECTOR().with_variant(sa.Text(), "sqlite")),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        sa.ForeignKeyConstraint(["corpus"], ["corpora.id"], name="fk_documents_corpus"),
        sa.UniqueConstraint("corpus", "name", name="uq_documents_corpus_name"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE documents ALTER COLUMN terms SET STORAGE MAIN")
    op.create_index("ix_documents_corpus", "documents", ["corpus", "id"])
    some = sa.text("terms IS NOT NULL")
    op.create_index("ix_documents_terms", "documents", ["terms"], postgresql_using="gin", sqlite_where=some)
    op.create_table(
        "labels",
        sa.Column("label", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("document", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("label", "document", name="pk_labels"),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_labels_document", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_labels_document", "labels", ["document"])
    op.create_table(
        "vectors",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("corpus", sa.BigInteger, nullable=False),
        sa.Column("document", sa.BigInteger, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vectors"),
        sa.ForeignKeyConstraint(["corpus"], ["corpora.id"], name="fk_vectors_corpus"),
        sa.ForeignKeyConstraint(["document"], ["documents.id"], name="fk_vectors_document", ondelete="CASCADE"),
        sa.UniqueConstraint("document", name="uq_vectors_document"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vectors_corpus", "vectors", ["corpus", "id"])
