"""What every part of an open store works with."""

from __future__ import annotations

from .database import Database
from .redact import Redactor
from .rows import RowMaker
from .writer import Writer


class OpenStore:
    """The base of :class:`.store.Store` and its parts. Belongs to the event loop in which it was made."""

    def __init__(self, database: Database, redactor: Redactor) -> None:
        self._database = database
        self._rows = RowMaker(redactor)
        self._writer = Writer(database)
