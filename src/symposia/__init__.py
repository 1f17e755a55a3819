"""symposia: language models that reason together.

``import symposia`` loads nothing but this file; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.budget import Budget
    from .core.errors import RunFailedError, SymposiaError
    from .core.problem import AnswerKind, Message, Problem
    from .core.result import Result, Status, StopReason
    from .core.usage import Usage
    from .graphs.registry import strategy
    from .runtime.api import solve, solve_sync
    from .runtime.session import Session
    from .runtime.team import Team

_HOMES = {
    "AnswerKind": "core.problem",
    "Budget": "core.budget",
    "Message": "core.problem",
    "Problem": "core.problem",
    "Result": "core.result",
    "RunFailedError": "core.errors",
    "Session": "runtime.session",
    "Status": "core.result",
    "StopReason": "core.result",
    "SymposiaError": "core.errors",
    "Team": "runtime.team",
    "Usage": "core.usage",
    "solve": "runtime.api",
    "solve_sync": "runtime.api",
    "strategy": "graphs.registry",
}

__all__ = [
    "AnswerKind",
    "Budget",
    "Message",
    "Problem",
    "Result",
    "RunFailedError",
    "Session",
    "Status",
    "StopReason",
    "SymposiaError",
    "Team",
    "Usage",
    "solve",
    "solve_sync",
    "strategy",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata costs 20 ms nobody asked for

        return version(__name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
