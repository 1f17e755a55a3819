"""The registry of strategies: our own and those of other packages, all found by the entry point ``symposia.strategies``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ..core.errors import ConfigError, UnknownNameError
from .strategy import Strategy

_GROUP = "symposia.strategies"


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=_GROUP)}


def strategy_names() -> list[str]:
    """Names of all registered strategies, sorted; loads none of them."""
    return sorted(_entries())


def get_strategy(name: str) -> Strategy[Any]:
    """Load a strategy. Raises :class:`UnknownNameError`, or :class:`ConfigError` if its package is broken."""
    entry = _entries().get(name)
    if entry is None:
        raise UnknownNameError("strategy", name, _entries())
    try:
        found = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"strategy {name!r} ({entry.value}) cannot be loaded: {error}") from error
    if not isinstance(found, Strategy):
        raise ConfigError(f"strategy {name!r} ({entry.value}) is not a Strategy")
    return found


def all_strategies() -> dict[str, Strategy[Any]]:
    """Every strategy by name."""
    return {name: get_strategy(name) for name in strategy_names()}
