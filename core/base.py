"""The base of every value type: frozen pydantic models that refuse unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value. Unknown fields are errors, so that a misspelt option never passes silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")
