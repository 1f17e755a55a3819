"""Options given by people, read into a frozen config: the same rules and sentences for strategies, verifiers and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, ValidationError

from .base import Frozen
from .errors import ConfigError, UnknownNameError

ConfigT = TypeVar("ConfigT", bound=Frozen)


def _one_by_one(given: Any) -> Any:
    return tuple(filter(None, map(str.strip, given.split(",")))) if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], BeforeValidator(_one_by_one)]
"""Several names, or one text of them with commas, as it is easily typed: ``calculator,python``."""


def read_options(config: type[ConfigT], options: Mapping[str, Any], owner: str, *, what: str = "option") -> ConfigT:
    """``config`` with ``options`` set. ``owner`` says whose they are (``strategy greedy``), ``what`` what one of them is called.

    Raises :class:`UnknownNameError` for an option it does not have, :class:`ConfigError` for a value it cannot take.
    """
    for name in options:
        if name not in config.model_fields:
            raise UnknownNameError(what, name, config.model_fields, where=owner)
    try:
        return config.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if not where:
            raise ConfigError(f"the {what}s of {owner} cannot be used: {said}") from None
        if first["type"] == "missing":
            raise ConfigError(f"{what} {where} of {owner} is missing") from None
        raise ConfigError(f"{what} {where}={first.get('input')!r} of {owner} cannot be used: {said.lower()}") from None
