"""Runs Alembic's migrations on an older store. Importing this module loads Alembic, which takes 0.26 s."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from ..core.errors import StoreVersionError
from .schema import REVISION, VERSION_TABLE, metadata

_SCRIPTS = Path(__file__).parent / "migrations"


def run_migrations(connection: Connection, revision: str | None, place: str) -> None:
    """Bring the tables from ``revision`` to the newest one, inside the connection's transaction.

    Raises :class:`StoreVersionError` for a revision that this build does not know.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes.update(connection=connection, metadata=metadata, version_table=VERSION_TABLE)
    try:
        ScriptDirectory.from_config(config).get_revision(revision or "base")
    except CommandError:
        raise StoreVersionError(
            f"the store {place} has revision {revision!r}, which this symposia (revision {REVISION}) does not know",
            hint="it was written by a newer symposia: upgrade symposia to use it",
        ) from None
    command.upgrade(config, "head")
