"""How the application looks and which keys it has: ``tui.toml``, beside the user's ``config.toml``.

Nothing in it is ever ignored: an unknown name, or a key that does two things in one place, is an error with file and
line. Yet no such error keeps the application from starting: it says so, and begins with the defaults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from ..core.base import Frozen
from ..core.errors import ConfigError, UnknownNameError, UsageError
from ..runtime.places import user_file_path
from ..runtime.toml_file import TomlFile, read_toml
from .keys import KEYS, keys_of

FILE = "tui.toml"
_TOGETHER = (("composer",), ("question",), *((screen, "everywhere") for screen in ("runs", "live", "trace", "models")))
"""Places whose keys work at the same time."""


class Settings(Frozen):
    """What a user can set. Unknown keys are errors."""

    theme: Literal["symposia-dark", "symposia-light", "symposia-contrast", "symposia-ansi"] = "symposia-dark"
    """Colours. ``symposia-ansi`` takes the terminal's own. NO_COLOR in the environment leaves attributes only."""
    ascii: bool = False
    """Draw bars and signs with characters that every terminal has."""
    thinking: bool = False
    """Whether what was thought is shown from the start."""
    tool_output: bool = False
    """Whether what tools gave is shown from the start."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Other keys by what they do, as in ``"run.pause" = "p"``; several by commas. `?` and the documentation list the names."""


class LoadedSettings(NamedTuple):
    """What was read."""

    settings: Settings
    fault: ConfigError | UnknownNameError | None
    """Why the file could not be used; the settings are the defaults then."""


def settings_path(environ: Mapping[str, str] | None = None) -> Path:
    """Where the file is: beside the user's ``config.toml``, wherever ``SYMPOSIA_CONFIG`` says that this is."""
    return user_file_path(environ).with_name(FILE)


def load(path: Path) -> LoadedSettings:
    """The settings of a file, or the defaults where there is none or it cannot be used. Never raises."""
    try:
        return LoadedSettings(read(path), None)
    except (ConfigError, UnknownNameError) as error:
        return LoadedSettings(Settings(), error)


def read(path: Path) -> Settings:
    """The settings of a file; the defaults where there is none.

    Raises :class:`UnknownNameError` for an unknown key with the nearest known one, :class:`ConfigError` for anything else that
    cannot be used, each with its place.
    """
    if not path.exists():
        return Settings()
    toml = read_toml(path)
    values: dict[str, Any] = {}
    for key, value in toml.data.items():
        place = _place(path, toml, key)
        if key not in Settings.model_fields:
            raise UnknownNameError("key", key, Settings.model_fields, where=place)
        try:
            values |= Settings.model_validate({key: value}, strict=True).model_dump(exclude_unset=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = tuple(str(part) for part in first["loc"])
            wanted = first["msg"].removeprefix("Input ")
            raise ConfigError(f"{_place(path, toml, *where)}: {'.'.join(where)} = {first['input']!r} {wanted}") from error
    if "keys" in values:
        values["keys"] = _checked_keys(values["keys"], path, toml)
    return Settings.model_validate(values)


def _checked_keys(changed: dict[str, str], path: Path, toml: TomlFile) -> dict[str, str]:
    known = {key.id for key in KEYS}
    spelt: dict[str, str] = {}
    for name, keys in changed.items():
        place = _place(path, toml, "keys", name)
        if name not in known:
            raise UnknownNameError("key", name, known, where=place)
        try:
            spelt[name] = ",".join(_spelt(key.strip()) for key in keys.split(","))
        except UsageError as error:
            raise ConfigError(f"{place}: keys.{name}: {error.message}", hint=error.hint) from error
    for places in _TOGETHER:
        deeds = defaultdict(list)
        for each in keys_of(*places, changed=spelt):
            for key in each.key.split(","):
                deeds[key].append(each.id)
        for key, names in deeds.items():
            ours = next((name for name in names if name in spelt), None)
            if ours is not None and len(names) > 1:
                other = next(name for name in names if name != ours)
                place = _place(path, toml, "keys", ours)
                raise ConfigError(f"{place}: the key {key} does {ours} and {other} at once", hint="give one of them another")
    return spelt


def _spelt(key: str) -> str:
    """A key as Textual spells it. Raises :class:`UsageError` for what no key is called."""
    from textual.keys import Keys, _character_to_key  # noqa: PLC0415 - there is no public one

    *modifiers, name = key.split("+") if key not in {"+", "plus"} else [key]
    if len(name) == 1:
        name = _character_to_key(name)
    known = {each.value for each in Keys} | {_character_to_key(chr(code)) for code in range(0x20, 0x7F)}
    if not set(modifiers) <= {"ctrl", "alt", "shift"}:
        raise UsageError(f"{key!r} is no key", hint="write ctrl+, alt+ or shift+ before one")
    if name not in known and not (len(name) == 1 and name.isprintable()):
        raise UnknownNameError("key", key, known)
    return "+".join([*modifiers, name])


def _place(path: Path, toml: TomlFile, *key: str) -> str:
    line = toml.line(key)
    return str(path) if line is None else f"{path}:{line}"
