"""The options that strategies have, and reading what is typed for them, without Textual."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.base import Frozen
from ..core.errors import SymposiaError, UnknownNameError
from ..core.option_items import parse_options
from .item import Item

if TYPE_CHECKING:
    from ..runtime.settings import Settings


class Option(NamedTuple):
    """An option of a strategy."""

    name: str
    kind: str
    """What values it takes, in words."""
    default: Any
    told: str


def config_of(name: str) -> type[Frozen]:
    """What a strategy can be told. Raises :class:`UnknownNameError`."""
    from ..graphs.registry import STRATEGIES  # noqa: PLC0415 - see the module

    config: type[Frozen] = STRATEGIES.get(name).config
    return config


def options(config: type[Frozen]) -> list[Option]:
    """Every option, in the order in which the strategy declares them."""
    schema = config.model_json_schema()
    parts = schema.get("$defs", {})
    return [
        Option(name, _kind(field, parts), field.get("default"), field.get("description", "").replace("``", ""))
        for name, field in schema.get("properties", {}).items()
    ]


def option_items(found: Iterable[Option], given: Mapping[str, Any]) -> list[Item]:
    """Options to choose from, each with its value; those that were set first."""
    items = []
    for option in found:
        value = given.get(option.name, option.default)
        told = f"{option.kind}; {option.told}" if option.told else option.kind
        items.append((option.name not in given, Item(option.name, f"{option.name}={value_words(value)}", told)))
    return [item for _, item in sorted(items, key=lambda each: each[0])]


def read_options(text: str, strategy: str, settings: Settings, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Options from ``KEY=VALUE …``, checked together with ``others``. Raises :class:`UnknownNameError`, :class:`ConfigError`."""
    return _read(split_items(text), strategy, settings, others or {})


def read_option(name: str, value: str, strategy: str, settings: Settings, others: Mapping[str, Any]) -> dict[str, Any]:
    """One option from its value alone; nothing for an empty one, which is the default. Raises as :func:`read_options`."""
    return _read([f"{name}={value.strip()}"], strategy, settings, others) if value.strip() else {}


def _read(items: list[str], strategy: str, settings: Settings, others: Mapping[str, Any]) -> dict[str, Any]:
    from ..graphs.registry import STRATEGIES  # noqa: PLC0415 - see the module

    given = parse_options(items)
    STRATEGIES.get(strategy).configure({**settings.strategies.get(strategy, {}), **others, **given})
    return given


def typed_options(text: str, strategy: str, settings: Settings, others: Mapping[str, Any]) -> Item | None:
    """The options that a text sets, or what is wrong with it; None where it is only a search."""
    if "=" not in text:
        return None
    try:
        given = read_options(text, strategy, settings, others)
    except SymposiaError as error:
        return Item(text, text, disabled=str(error))
    return Item(text, option_words(given), "as typed")


def fitting(given: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """Those of the options that another strategy has, too."""
    try:
        known = config_of(strategy).model_fields
    except UnknownNameError:
        return {}
    return {key: value for key, value in given.items() if key in known}


def split_items(text: str) -> list[str]:
    """``KEY=VALUE`` items of one line. Blanks inside JSON, or in a value that no ``KEY=`` follows, belong to the value."""
    return [item.strip() for item in re.split(r"\s+(?=[A-Za-z_][\w.-]*=)", text.strip()) if item.strip()]


def _kind(field: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What values a field takes, in words: ``whole number, 1 to 1024``."""
    if "$ref" in field:
        return _kind(parts.get(str(field["$ref"]).rpartition("/")[2], {}), parts)
    if "enum" in field:
        return " or ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in field:
            return " or ".join(dict.fromkeys(_kind(each, parts) for each in field[several]))
    names = {
        "integer": "whole number",
        "boolean": "true or false",
        "string": "text",
        "null": "none",
        "array": "list",
        "object": "table",
    }
    kind = str(field.get("type", "any"))
    return names.get(kind, kind) + _bounds(field)


def _bounds(field: Mapping[str, Any]) -> str:
    low, above = field.get("minimum"), field.get("exclusiveMinimum")
    high, below = field.get("maximum"), field.get("exclusiveMaximum")
    words = {"at least": low, "more than": above, "at most": high, "less than": below}
    if low is not None and high is not None:
        return f", {low} to {high}"
    return "".join(f", {word} {bound}" for word, bound in words.items() if bound is not None)


def option_words(options: Mapping[str, Any]) -> str:
    """Options as they are typed: ``n=8 stop=beta``."""
    return " ".join(f"{key}={value_words(value)}" for key, value in options.items())


def value_words(value: Any) -> str:
    """A value as it is typed: JSON where it is no plain word."""
    return value if isinstance(value, str) and value and not re.search(r"\s", value) else json.dumps(value, ensure_ascii=False)
