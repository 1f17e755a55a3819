"""The registry of strategies: our own and those of other packages, all found by the entry point ``symposia.strategies``."""

from __future__ import annotations

from typing import Any

from ..core.registry import Registry
from .strategy import Strategy

STRATEGIES: Registry[Strategy[Any]] = Registry("symposia.strategies", "strategy", Strategy)


def strategy(name: str) -> Strategy[Any]:
    """The registered strategy ``name``: what it can do, its options, and itself as part of other LangGraph applications.

    Raises :class:`UnknownNameError`, or :class:`ConfigError` where its package is broken.
    """
    return STRATEGIES.get(name)
