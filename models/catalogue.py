"""Models by name: the shipped ``catalogue.toml``, the user's file of the same form, and names that describe themselves.

A name is, in this order: a catalogue entry; a path ending in ``.gguf``; the address of an OpenAI-compatible server; or
``provider/model`` of a provider that LiteLLM knows. Entries are checked when they are asked for, so that reading the file
costs a few milliseconds; those of the user's file are checked at once.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import platformdirs
from pydantic import BaseModel, ValidationError

from ..core.errors import ConfigError, UnknownNameError
from ..core.model_spec import Ability, ModelSpec, Price, Weights, WeightSource
from .providers import KEY_VARIABLES
from .weights import models_folder

_SHIPPED = Path(__file__).with_name("catalogue.toml")
_LOCAL_ABILITIES = frozenset({Ability.CHAT, Ability.PREFIX, Ability.LOGPROBS, Ability.JSON_SCHEMA, Ability.SEED})
_SERVER_ABILITIES = frozenset({Ability.CHAT, Ability.N, Ability.SEED})
_API_CONTEXT = 128_000
"""For a provider's model that the catalogue does not know: most hold at least this; the provider refuses what does not fit."""


def user_catalogue_path() -> Path:
    """The user's own catalogue: ``models.toml`` in the platform's configuration folder."""
    return platformdirs.user_config_path("symposia") / "models.toml"


class Catalogue:
    """What is known of each model. Iterating gives every entry; :meth:`get` also takes names that describe themselves."""

    def __init__(self, entries: Mapping[str, dict[str, Any]]) -> None:
        self._entries = dict(entries)
        self._specs: dict[str, ModelSpec] = {}

    @classmethod
    def load(cls, user_file: Path | None = None) -> Catalogue:
        """Read the shipped catalogue and the user's file over it, key by key.

        Without ``user_file``, :func:`user_catalogue_path` is read if it exists. Raises :class:`ConfigError` for a file that
        cannot be read or a value that cannot be used, :class:`UnknownNameError` for an unknown key, with file and line.
        """
        entries = _read(_SHIPPED)
        path = user_file or user_catalogue_path()
        if user_file is None and not path.exists():
            return cls(entries)
        own = _read(path)
        for name, entry in own.items():
            entries[name] = _merged(entries.get(name, {}), entry)
        catalogue = cls(entries)
        text = path.read_text(encoding="utf-8")
        for name, entry in own.items():
            _refuse_unknown(entry, ModelSpec, (name,), path, text)
            catalogue._specs[name] = _checked(name, entries[name], path, text)
        return catalogue

    def names(self) -> tuple[str, ...]:
        """The names of all entries, local models first as they stand in the files."""
        return tuple(self._entries)

    def __iter__(self) -> Iterator[ModelSpec]:
        return (self._entry(name) for name in self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> ModelSpec:
        """The model that ``name`` stands for. Nothing is asked over the network and nothing is started.

        Raises :class:`UnknownNameError` with the nearest entry or provider, :class:`ConfigError` for a path or an address
        that cannot be used.
        """
        if name in self._entries:
            return self._entry(name)
        if name.endswith(".gguf"):
            return _from_path(name)
        if name.startswith(("http://", "https://")):
            return _from_address(name)
        provider, slash, model = name.partition("/")
        if slash and model and provider in KEY_VARIABLES:
            return ModelSpec(name=name, litellm=name, key_env=KEY_VARIABLES[provider], context=_API_CONTEXT)
        if slash and model:
            raise UnknownNameError("provider", provider, KEY_VARIABLES, where=f"model {name!r}")
        raise UnknownNameError("model", name, self._entries)

    def _entry(self, name: str) -> ModelSpec:
        if name not in self._specs:
            self._specs[name] = _checked(name, self._entries[name], _SHIPPED, "")
        return self._specs[name]


def _from_path(name: str) -> ModelSpec:
    given = Path(name).expanduser()
    path = next((place for place in (given, models_folder() / given) if place.is_file()), None)
    if path is None:
        raise ConfigError(f"there is no file {name}", hint="`symposia models list` shows what can be downloaded")
    path = path.resolve()
    # No sha256 and no source: nobody vouches for the file. The absolute name lets a stored run find it again.
    weights = Weights(file=str(path), size=path.stat().st_size, sha256="", licence="unknown", sources=())
    return ModelSpec(
        name=str(path),
        litellm=f"hosted_vllm/{path.stem}",
        served_name=path.stem,
        transport="direct",
        engine="llama.cpp",
        abilities=_LOCAL_ABILITIES,
        weights=weights,
    )


def _from_address(name: str) -> ModelSpec:
    shown = re.sub(r"//[^/@]*@", "//", name).partition("?")[0]  # a password or key in it is not repeated
    unusable = ConfigError(f"{shown} is not the address of a model server", hint="write http://HOST:PORT/v1#NAME")
    try:
        url = urlsplit(name)
        usable = bool(url.hostname) and not url.query and url.port != 0
    except ValueError as error:
        raise unusable from error
    if not usable:
        raise unusable
    if url.username or url.password:
        raise ConfigError(
            f"the address of {url.hostname} holds a password, which would be stored with every run",
            hint="make a catalogue entry whose key_env names a variable with the key",
        )
    endpoint = urlunsplit((url.scheme, url.netloc, url.path.rstrip("/") or "/v1", "", ""))
    return ModelSpec(
        name=f"{endpoint}#{url.fragment}" if url.fragment else endpoint,
        litellm=f"hosted_vllm/{url.fragment}" if url.fragment else None,
        endpoint=endpoint,
        served_name=url.fragment or None,
        transport="direct",
        abilities=_SERVER_ABILITIES,
    )


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for key in data:
        if key != "models":
            raise UnknownNameError("key", key, ["models"], where=str(path))
    models = data.get("models", {})
    if not isinstance(models, dict):
        raise ConfigError(f"{path}: models is not a table of models", hint='write [models."NAME"]')
    for name, entry in models.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{path}: models.{name} is not a table", hint=f'write [models."{name}"]; quote a name with dots')
    return models


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


_TABLES: dict[str, type[BaseModel]] = {"price": Price, "weights": Weights}


def _refuse_unknown(entry: Mapping[str, Any], form: type[BaseModel], path: tuple[str, ...], file: Path, text: str) -> None:
    known = [key for key in form.model_fields if key != "name"]  # the name is the table's own
    for key, value in entry.items():
        if key not in known:
            where = f"{_place(file, text, path[0], key)}, models.{'.'.join(path)}"
            raise UnknownNameError("key", key, known, where=where)
        if key in _TABLES and isinstance(value, Mapping):
            _refuse_unknown(value, _TABLES[key], (*path, key), file, text)
        if key == "sources" and isinstance(value, list):
            for source in value:
                if isinstance(source, Mapping):
                    _refuse_unknown(source, WeightSource, (*path, key), file, text)


def _checked(name: str, entry: Mapping[str, Any], file: Path, text: str) -> ModelSpec:
    try:
        return ModelSpec.model_validate({"name": name, **entry})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        steps = [str(step) for step in first["loc"]]
        key = next((step for step in reversed(steps) if not step.isdigit()), "")
        place = _place(file, text, name, key)
        raise ConfigError(f"{place}: models.{name}: {'.'.join(steps)}: {first['msg']}") from error


def _place(file: Path, text: str, name: str, key: str) -> str:
    """``FILE:LINE`` of ``key`` under the table of model ``name``, or the file alone where it is not found."""
    inside = False
    header = re.compile(r"\s*\[+\s*models\s*\.\s*[\"']?" + re.escape(name) + r"[\"']?\s*[.\]]")
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            inside = header.match(line) is not None
        if inside and re.search(rf"(?:^|[\s{{,.])[\"']?{re.escape(key)}[\"']?\s*(?:=|\])", line):
            return f"{file}:{number}"
    return str(file)
