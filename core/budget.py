"""A budget is a vector of caps. The ledger that keeps it lives in ``runtime/ledger.py``."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from pydantic import Field

from .base import Frozen
from .errors import ConfigError, UnknownNameError

_SUFFIX = {"": 1, "k": 1_000, "m": 1_000_000}
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


class CallBounds(NamedTuple):
    """Model calls that something makes when none fails: at least, at most."""

    least: int
    most: int


class Budget(Frozen):
    """Caps on what a run may spend; None is no cap. Children of a run draw on the same caps.

    Calls, tokens and priced dollars are reserved before each call and never passed; seconds are checked before each call
    and bound each call's own deadline.
    """

    calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    """Prompt and completion tokens together."""
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    dollars: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read ``30`` (calls) or ``calls=30,tokens=20k,dollars=0.05,seconds=90``; ``20k`` and ``1.5m`` count tokens.

        Raises :class:`ConfigError` for a value that is no amount, :class:`UnknownNameError` for a key that is no cap.
        """
        if re.fullmatch(r"\s*-?\d+\s*", str(text)):
            text = f"calls={text}"
        caps: dict[str, float] = {}
        for item in str(text).split(","):
            key, equals, value = item.partition("=")
            key, value = key.strip().replace("-", "_"), value.strip()
            if not equals:
                raise ConfigError(f"budget {item.strip()!r} has no '='", hint="write 30 or calls=30,tokens=20k,seconds=90")
            if key not in cls.model_fields:
                raise UnknownNameError("budget", key, cls.model_fields)
            if key in caps:
                raise ConfigError(f"budget {key!r} is given twice")
            caps[key] = _amount(key, value)
        return cls.model_validate(caps)

    def require_room(self) -> None:
        """Raise :class:`ConfigError` if not even one call fits, whatever it is."""
        empty = [name for name, cap in self if cap == 0]
        if empty:
            raise ConfigError(f"a budget of {empty[0]}=0 allows no model call", hint=f"raise {empty[0]} or leave it out")

    def __str__(self) -> str:
        caps = [f"{name}={cap:g}" for name, cap in self if cap is not None]
        return ",".join(caps) or "no cap"


def _amount(key: str, value: str) -> float:
    match = re.fullmatch(r"\$?(\d[\d_]*(?:\.\d+)?|\.\d+)\s*([a-zA-Z]*)", value)
    units = _SECONDS if key == "seconds" else _SUFFIX if key != "dollars" else {"": 1}
    if not match or match[2].lower() not in units:
        raise ConfigError(f"budget {key}={value} is not an amount", hint="write for example calls=30,tokens=20k,seconds=90")
    amount = float(match[1].replace("_", "")) * units[match[2].lower()]
    if key in {"dollars", "seconds"}:
        return amount
    if amount != int(amount):
        raise ConfigError(f"budget {key}={value} is not a whole number")
    return int(amount)
