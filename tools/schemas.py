"""Schemas of written tools: the part of JSON Schema that is allowed, and whether arguments fit. Pure functions.

Allowed is what can be checked in bounded time and says nothing that could not be said in a line: types, properties, items,
required, enum, bounds and descriptions. No references, no patterns, no combinations.
"""

from __future__ import annotations

import json
import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from .text import shortened

MAX_SCHEMA = 4_000
"""Characters of a schema's JSON."""
MAX_LINE = 200
"""Characters of any text inside a schema."""
_MAX_DEPTH = 4
_MAX_PROPERTIES = 16
_MAX_CHOICES = 50
_EVERYWHERE = {"type", "description"}
_KEYS: Mapping[str, set[str]] = {
    "string": {"enum"},
    "integer": {"enum", "minimum", "maximum"},
    "number": {"enum", "minimum", "maximum"},
    "boolean": set(),
    "array": {"items"},
    "object": {"properties", "required", "additionalProperties"},
}
_CLASSES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def is_one_line(text: str, longest: int) -> bool:
    """Whether a text for models is short, not empty, and holds no line break or control character."""
    return 0 < len(text) <= longest and bool(text.strip()) and text.isprintable()


def schema_problem(schema: Mapping[str, Any]) -> str | None:
    """Why a schema of arguments cannot be used, as a clause; None where it can."""
    try:
        size = len(json.dumps(schema, allow_nan=False))
    except (ValueError, RecursionError):
        return "the schema is no JSON"
    if size > MAX_SCHEMA:
        return f"the schema is longer than {MAX_SCHEMA:,} characters"
    if schema.get("type") != "object":
        return 'the schema must be of "type": "object"'
    if long := next((text for text in _texts(schema) if text and not is_one_line(text, MAX_LINE)), None):
        return f"a text of the schema is not one line of at most {MAX_LINE} characters: {shortened(long)}"
    names = [name for name in _properties(schema) if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_")]
    if names:
        return f"{shortened(names[0])} cannot be the name of an argument in Python"
    return _problem(schema, "the arguments", 1)


def mismatch(value: Any, schema: Mapping[str, Any], where: str = "the arguments") -> str | None:
    """Why a JSON value does not fit a schema that :func:`schema_problem` allows, as a clause; None where it does."""
    kind = schema["type"]
    if not isinstance(value, _CLASSES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return f"{where} must be {'an' if kind[0] in 'aio' else 'a'} {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} must be one of {', '.join(map(shortened, map(str, schema['enum'])))}"
    if "minimum" in schema and value < schema["minimum"]:
        return f"{where} must be at least {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        return f"{where} must be at most {schema['maximum']}"
    return next(_inside(value, schema, where), None)


def _inside(value: Any, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is wrong with the items of a list, or the properties of an object."""
    if isinstance(value, list) and "items" in schema:
        found = (mismatch(item, schema["items"], f"item {number} of {where}") for number, item in enumerate(value, 1))
        yield from filter(None, found)
    if isinstance(value, dict) and "properties" in schema:
        properties = _properties(schema)
        yield from (f"{where} have no {shortened(str(name))}" for name in value if name not in properties)
        yield from (f"{name} is missing" for name in schema.get("required", ()) if name not in value)
        yield from filter(None, (mismatch(value[name], properties[name], name) for name in properties if name in value))


def _problem(schema: Any, where: str, depth: int) -> str | None:
    if not isinstance(schema, Mapping) or not isinstance(kind := schema.get("type"), str) or kind not in _KEYS:
        return f"the schema of {where} needs a type: {', '.join(_KEYS)}"
    if depth > _MAX_DEPTH:
        return f"the schema is nested deeper than {_MAX_DEPTH}"
    allowed = _EVERYWHERE | _KEYS[kind]
    if unknown := sorted(schema.keys() - allowed):
        return f"the schema of {where} has {shortened(unknown[0])}; allowed are {', '.join(sorted(allowed))}"
    return next(filter(None, _details(schema, where, depth)), None)


def _details(schema: Mapping[str, Any], where: str, depth: int) -> Iterator[str | None]:
    if not isinstance(schema.get("description", ""), str):
        yield f"the description of {where} is no text"
    for bound in ("minimum", "maximum"):
        if bound in schema and (not isinstance(schema[bound], int | float) or isinstance(schema[bound], bool)):
            yield f"the {bound} of {where} is no number"
    if "enum" in schema:
        yield _enum_problem(schema, where)
    if "items" in schema:
        yield _problem(schema["items"], f"the items of {where}", depth + 1)
    if schema["type"] == "object":
        yield _object_problem(schema, where)
        for name, inner in _properties(schema).items():
            yield _problem(inner, shortened(name), depth + 1)


def _enum_problem(schema: Mapping[str, Any], where: str) -> str | None:
    choices = schema["enum"]
    if not isinstance(choices, list) or not 1 <= len(choices) <= _MAX_CHOICES:
        return f"the enum of {where} must be a list of 1 to {_MAX_CHOICES} values"
    plain = {"type": schema["type"]}
    return next((f"a value of the enum of {where} is of another type" for each in choices if mismatch(each, plain)), None)


def _object_problem(schema: Mapping[str, Any], where: str) -> str | None:
    if not isinstance(schema.get("properties", {}), Mapping):
        return f"the properties of {where} are no object"
    properties = _properties(schema)
    if len(properties) > _MAX_PROPERTIES:
        return f"{where} have more than {_MAX_PROPERTIES} properties"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) and name in properties for name in required):
        return f"required of {where} must be a list of names of properties"
    if schema.get("additionalProperties", False) is not False:
        return f"additionalProperties of {where} can be false only"
    return None


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties", {})
    return found if isinstance(found, Mapping) else {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
