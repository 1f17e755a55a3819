"""What all corpora of an open store share: the vectors in memory, whatever embedder asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from ..database import Database

if TYPE_CHECKING:
    from .nearest import Nearest


class Shared:
    """One per open store. Holds nothing before the first search by vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @cached_property
    def nearest(self) -> Nearest:
        """See :class:`.nearest.Nearest`."""
        from .nearest import Nearest  # noqa: PLC0415 - loads numpy, which most commands do not need

        return Nearest(self._database)
