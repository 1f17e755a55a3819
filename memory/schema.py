"""Tables of the store. JSON is kept as text: the store reads it back through the core types, SQL never looks inside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

REVISION: Final = "0008"
"""The Alembic revision of these tables: the newest in ``migrations/versions``."""

VERSION_TABLE: Final = "symposia_version"
"""Holds the revision. Not Alembic's default name, so that another program's database is told from a newer store."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER PRIMARY KEY


def _run_id(*, primary_key: bool = False) -> Column[str]:
    return Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=primary_key, nullable=False)


runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("elapsed", Float, nullable=False),
    Column("spec", Text, nullable=False),
    Column("result", Text),
    # The lease: owner as HOST:PID:STARTTIME or NULL, a number that rises with every hand-over, and its end in Unix time.
    Column("owner", String(320)),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", Float, nullable=False),
    # In the spec as well, as it was when the run was made; what stands here counts. NULL for a run of its own.
    Column("experiment", String(64)),
    Index("ix_runs_created_at", "created_at", "id"),
    Index("ix_runs_experiment", "experiment", "created_at", "id"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    _run_id(),
    Column("key", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("run_id", "key", "attempt"),
)

events = Table(
    "events",
    metadata,
    _run_id(primary_key=True),
    Column("seq", Integer, primary_key=True, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("run_id", "event_id"),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    _run_id(),
    Column("candidate_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("run_id", "candidate_id"),
)

controls = Table(
    "controls",
    metadata,
    _run_id(primary_key=True),
    Column("seq", Integer, primary_key=True, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("author", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Float, nullable=False),
    Column("response", Text),  # NULL where it says nothing of a tool's call
    Column("text", Text),  # what models are told or asked next; NULL with other kinds
    Column("budget", Text),  # caps to be changed; NULL with other kinds
)

folds = Table(
    "folds",
    metadata,
    # What a program made of a run's events up to number ``seq``, so that it need not read them again. Only made of what
    # stands in the log already, redacted: losing it costs time and nothing else.
    _run_id(primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

deltas = Table(
    "deltas",
    metadata,
    # No foreign key: telemetry of a run that is gone must never fail a batch that holds other runs' journals.
    Column("run_id", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("text", Text, nullable=False),
)

ledgers = Table(
    "ledgers",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("caps", Text, nullable=False),
    # The sum over the ledger's tranches, spent and held: what the caps are compared with.
    Column("used", Text, nullable=False),
)

tranches = Table(
    "tranches",
    metadata,
    Column("ledger", String(64), ForeignKey("ledgers.name", ondelete="CASCADE"), primary_key=True),
    # No foreign key: what a run spent stays spent when the run is removed.
    Column("run_id", String(64), primary_key=True),
    Column("spent", Text, nullable=False),
    Column("held", Text),  # NULL where nothing is held
)

experiments = Table(
    "experiments",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_at", Float, nullable=False),
    Column("plan", Text, nullable=False),
)

openings = Table(
    "openings",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("who", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    # No foreign key: that a test split was opened stays known when the experiment is removed.
    Column("experiment", String(64)),
    Column("reason", Text, nullable=False),
)

written_tools = Table(
    "written_tools",
    metadata,
    Column("name", String(64), primary_key=True),
    # Counted from 1 by name. A removed version keeps its row, so that no number ever means something else.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_at", Float, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", Text),  # NULL once it is removed
)

calibrations = Table(
    "calibrations",
    metadata,
    Column("name", String(64), primary_key=True),
    # As of written tools: a number never means something else.
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_at", Float, nullable=False),
    Column("holds_for", String(64), nullable=False),  # the hash of strategy, options and models
    Column("digest", String(64), nullable=False),
    Column("body", Text),  # NULL once it is removed
    Index("ix_calibrations_holds_for", "holds_for"),
)

# Corpora: see retrieval/. What a number stood for once it never stands for again (AUTOINCREMENT, sequences), so that what is
# new is what has a higher number than the last one seen.

corpora = Table(
    "corpora",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("name", String(64)),  # NULL while it is being removed
    Column("created_at", Float, nullable=False),
    Column("embedder", Text),  # NULL where it has no vectors
    Column("dimension", Integer),
    # How many vectors were ever removed: whoever holds them in memory reads them anew when these are many.
    Column("removals", BigInteger, nullable=False),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("corpus", BigInteger, ForeignKey("corpora.id"), nullable=False),
    Column("name", Text, nullable=False),  # the document's own id
    Column("body", Text, nullable=False),
    # PostgreSQL's full text. SQLite has a table for it in each corpus, and NULL here.
    Column("terms", TSVECTOR().with_variant(Text(), "sqlite")),
    UniqueConstraint("corpus", "name"),
    Index("ix_documents_corpus", "corpus", "id"),
    Index("ix_documents_terms", "terms", postgresql_using="gin", sqlite_where=text("terms IS NOT NULL")),
    sqlite_autoincrement=True,
)


def _on_postgresql(when: str, statement: str) -> None:
    event.listen(documents, when, DDL(statement).execute_if(dialect="postgresql"))  # type: ignore[no-untyped-call]


# As PostgreSQL's "english", but without stop words: a question of nothing else must find something too.
_on_postgresql("before_create", "CREATE TEXT SEARCH DICTIONARY symposia_stem (TEMPLATE = snowball, LANGUAGE = english)")
_on_postgresql("before_create", "CREATE TEXT SEARCH CONFIGURATION symposia_words (COPY = simple)")
_on_postgresql(
    "before_create", "ALTER TEXT SEARCH CONFIGURATION symposia_words ALTER MAPPING FOR asciiword, word WITH symposia_stem"
)
# In the row, not beside the table: its planner counts the table's pages only, and would rather read all terms than use the index.
_on_postgresql("after_create", "ALTER TABLE documents ALTER COLUMN terms SET STORAGE MAIN")

labels = Table(
    "labels",
    metadata,
    # A hash of corpus, key and value of a document's metadata: what a search is limited by.
    Column("label", BigInteger, primary_key=True, autoincrement=False),
    Column("document", BigInteger, ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_labels_document", "document"),
    sqlite_with_rowid=False,
)

vectors = Table(
    "vectors",
    metadata,
    Column("id", _ROW_ID, primary_key=True, autoincrement=True),
    Column("corpus", BigInteger, ForeignKey("corpora.id"), nullable=False),
    Column("document", BigInteger, ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian, of length 1
    UniqueConstraint("document"),
    Index("ix_vectors_corpus", "corpus", "id"),
    sqlite_autoincrement=True,
)
