"""Everything is looked at often, so that nobody waits."""

from __future__ import annotations

import pytest

from symposia.runtime import tending
from symposia.tui import feed, roster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """See the module."""
    monkeypatch.setattr(feed, "_EVERY", 0.05)
    monkeypatch.setattr(feed, "_EVERY_ENDED", 0.05)
    monkeypatch.setattr(roster, "_EVERY", 0.2)
    monkeypatch.setattr(tending, "_POLL", 0.03)
