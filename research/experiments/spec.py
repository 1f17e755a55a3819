"""What an experiment is to be: strategies, teams, budgets and seeds on a task, from a TOML file or from flags, checked alike."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from ...agents.verifiers.verifier import VERIFIERS
from ...core.base import Frozen
from ...core.budget import Budget
from ...core.errors import ConfigError, UnknownNameError, UsageError
from ...core.option_items import parse_options
from ...graphs.registry import STRATEGIES
from ...runtime.team import Team
from ...runtime.toml_file import TomlFile, read_toml
from ..tasks.custom import TaskTable
from ..tasks.item import Split
from .records import JUDGING

MAX_NAME = 40
"""The id of a run is the experiment's name with 17 characters more, and has at most 64."""

_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}")
_LABEL = re.compile(r"[^\s:]{1,80}")


def _listed(value: object) -> object:
    """One entry may stand for a list of one."""
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


BudgetText = Annotated[str, BeforeValidator(_as_text)]
"""As ``--budget`` takes it."""


class TaskChoice(Frozen):
    """Which problems."""

    name: str = Field(min_length=1)
    """A task that `symposia tasks` lists; with ``define``, what the custom one is called."""
    data: Path | None = None
    """Local file, folder or pattern; else the task's public source."""
    split: Split = Split.DEV
    open_test: str | None = None
    """The reason for which the test split is opened."""
    limit: int | None = Field(default=None, ge=1)
    """The first so many problems of the split."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the task, such as ``language``."""
    define: dict[str, Any] | None = None
    """A task of one's own, as :func:`~symposia.research.tasks.custom.custom_task` takes it. In a file its keys stand beside the
    others: ``question``, ``gold``, ``answer_kind`` …"""

    @model_validator(mode="before")
    @classmethod
    def _own_task(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "define" in given:
            return given
        own = {key: given[key] for key in given if key in TaskTable.model_fields and key != "name"}
        rest = {key: value for key, value in given.items() if key not in own}
        return {"name": "custom", **rest, "define": own} if own else rest


class StrategyChoice(Frozen):
    """A strategy under one configuration."""

    name: str = Field(min_length=1)
    options: dict[str, Any] = Field(default_factory=dict)
    label: str | None = None
    """What tables call it; its name by default, with the options that tell it from others of that name."""

    @field_validator("label")
    @classmethod
    def _fits_tables(cls, label: str | None) -> str | None:
        if label is not None and not _LABEL.fullmatch(label):
            raise ConfigError(f"{label!r} cannot be a label", hint="at most 80 characters, no blanks and no ':'")
        return label


class ExperimentSpec(Frozen):
    """See the module's docstring. Checked in itself: names of strategies, models and tasks are looked up when it is planned."""

    name: str | None = None
    """What its runs are stored under: the same name goes on with them. None: :attr:`title` makes one from the content."""
    task: TaskChoice
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1)
    models: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    """Each is a team of its own that it plays alone."""
    teams: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Further teams by label, each role to model."""
    budgets: Annotated[tuple[BudgetText, ...], BeforeValidator(_listed)] = ()
    """Of one problem each; none is no cap."""
    seeds: Annotated[tuple[int, ...], BeforeValidator(_listed)] = Field(default=(0,), min_length=1)
    cap: BudgetText | None = None
    """Of the whole experiment."""
    baselines: bool = True
    """Whether each team that has none gets an arm of ``greedy``."""
    in_flight: int | None = Field(default=None, ge=1)
    """Problems that are worked on at a time; None: as many as the models' endpoints take."""

    @field_validator("name")
    @classmethod
    def _name_fits(cls, name: str | None) -> str | None:
        if name is not None and not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot be the name of an experiment", hint=f"at most {MAX_NAME} letters, digits, '-' and '_'"
            )
        return name

    @field_validator("budgets")
    @classmethod
    def _budgets_parse(cls, budgets: tuple[str, ...]) -> tuple[str, ...]:
        for budget in budgets:
            Budget.parse(budget).require_room()
        return budgets

    @field_validator("cap")
    @classmethod
    def _cap_parses(cls, cap: str | None) -> str | None:
        if cap is not None:
            caps = Budget.parse(cap)
            caps.require_room()
            if caps.seconds is not None:
                raise ConfigError(
                    "the cap of an experiment has no seconds", hint="cap calls, tokens or dollars; stop it with Ctrl-C"
                )
        return cap

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, given in (("seed", self.seeds), ("model", self.models), ("budget", self.budgets)):
            if twice := [one for index, one in enumerate(given) if one in given[:index]]:
                raise ConfigError(f"{what} {twice[0]} is given twice", hint="a second run of the same would be the same run")
        if not all(self.teams.values()):
            raise ConfigError("a team has no model", hint='write for example policy = "NAME"')
        return self

    @property
    def title(self) -> str:
        """The name, or else one made from task and arms: the same request has the same one, whatever its limit and seeds."""
        if self.name is not None:
            return self.name
        content = self.model_dump(mode="json", include={"task", "strategies", "models", "teams", "budgets", "baselines"})
        for part in ("limit", "open_test"):
            del content["task"][part]
        digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=4).hexdigest()
        return f"{re.sub('[^A-Za-z0-9_-]', '-', self.task.name)[: MAX_NAME - 9]}-{digest}"


_KEYS = {"task": [*TaskChoice.model_fields, *TaskTable.model_fields], "strategies": list(StrategyChoice.model_fields)}
"""What the tables of a file may hold."""


def read_spec(file: Path, changes: Mapping[str, Any] | None = None) -> ExperimentSpec:
    """The experiment that a TOML file describes; its stem is the name where it gives none. Paths count from its folder.

    ``changes`` are top-level keys, from flags, that take the place of the file's; those of ``task`` are merged into it.

    Raises :class:`UnknownNameError` or :class:`ConfigError` with file, line and key for what cannot be used.
    """
    toml = read_toml(file)
    changed = dict(changes or {})
    data: dict[str, Any] = {"name": file.stem, **toml.data}
    task = data.get("task")
    if isinstance(task, dict):
        if isinstance(task.get("data"), str):
            task = {**task, "data": str(file.parent / Path(task["data"]).expanduser())}
        data["task"] = {**task, **changed.pop("task", {})}
    return make_spec({**data, **changed}, toml=toml, file=file)


def make_spec(data: Mapping[str, Any], *, toml: TomlFile | None = None, file: Path | None = None) -> ExperimentSpec:
    """The experiment that ``data`` describes, in the shape of the file. Raises as :func:`read_spec`."""

    def place(path: Sequence[str | int]) -> str:
        line = toml.line(tuple(map(str, path))) if toml is not None else None
        return "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "

    try:
        return ExperimentSpec.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = list(first["loc"])
        key = ".".join(map(str, path))
        if first["type"] == "extra_forbidden":
            known = _KEYS[str(path[0])] if len(path) > 1 else list(ExperimentSpec.model_fields)
            raise UnknownNameError("key", str(path[-1]), known, where=place(path).removesuffix(": ") or None) from None
        if first["type"] == "missing":
            raise ConfigError(f"{place(path)}{key} is missing", hint=_HINTS.get(key)) from None
        said = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise ConfigError(f"{place(path)}{key} = {str(first['input'])[:60]!r}: {said}") from None
    except UsageError as error:
        raise ConfigError(f"{place(())}{error.message}", hint=error.hint) from None


_MANY = {"strategy": "strategies", "verifier": "verifiers"}

_HINTS = {
    "task": "name one: --task gsm8k, or a table [task] in the file",
    "strategies": "name at least one: --strategy self-consistency, or a table [[strategies]] in the file",
}


def strategies_of(names: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:
    """Strategies from ``--strategy [LABEL=]NAME`` and ``--set [LABEL:]KEY=VALUE``.

    An option without a label goes to each strategy that has it. Raises :class:`UnknownNameError` for an option that none of
    them has, or for a label that none of them bears, and :class:`ConfigError`.
    """
    chosen = _labelled(names, "strategy")
    given = _options_by_label(chosen, {name: STRATEGIES.get(name).config for name in chosen.values()}, options, "strategy")
    return [
        {"name": name, "options": given[label]} | ({} if label == name else {"label": label}) for label, name in chosen.items()
    ]


def verifiers_of(names: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:
    """Arms that judge, from ``--verifier [LABEL=]NAME`` and ``--set [LABEL:]KEY=VALUE``. Raises as :func:`strategies_of`."""
    chosen = _labelled(names, "verifier")
    given = _options_by_label(chosen, {name: VERIFIERS.get(name).config for name in chosen.values()}, options, "verifier")
    for label, name in chosen.items():
        VERIFIERS.get(name).configure(given[label])  # before any problem is read
    return [
        {"name": JUDGING, "label": label, "options": {"verifier": name, "verifier_options": given[label]}}
        for label, name in chosen.items()
    ]


def _labelled(names: Sequence[str], what: str) -> dict[str, str]:
    """Names by label, from ``[LABEL=]NAME``."""
    chosen: dict[str, str] = {}
    for text in names:
        label, _, name = text.rpartition("=")
        if (label or name) in chosen:
            raise ConfigError(f"there are two {_MANY[what]} {label or name}", hint=f"tell them apart: --{what} LABEL={name}")
        chosen[label or name] = name
    return chosen


def _options_by_label(
    chosen: Mapping[str, str], configs: Mapping[str, type[Frozen]], options: Sequence[str], what: str
) -> dict[str, dict[str, Any]]:
    """The options of each label, from ``[LABEL:]KEY=VALUE``."""
    known = {label: configs[name].model_fields for label, name in chosen.items()}
    given: dict[str, list[str]] = {label: [] for label in chosen}
    for option in options:
        label, colon, rest = option.partition(":")
        if colon and "=" not in label:
            if label not in given:
                raise UnknownNameError(what, label, given, where=f"--set {option}")
            given[label].append(rest)
            continue
        key = option.partition("=")[0].partition(".")[0].strip().replace("-", "_")
        able = [label for label, fields in known.items() if key in fields]
        if chosen and not able:
            raise UnknownNameError("option", key, {name for fields in known.values() for name in fields}, where=", ".join(chosen))
        for label in able:
            given[label].append(option)
    return {label: parse_options(its) for label, its in given.items()}


def teams_of(models: Sequence[str], saved: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """``models`` and ``teams`` from ``--model [ROLE=]NAME`` and saved teams by name; a role's model joins every team.

    Raises :class:`ConfigError` for roles without any policy to join.
    """
    parsed = [Team.parse([model]).roles for model in models]
    policies = [roles["policy"] for roles in parsed if "policy" in roles]
    others = Team.parse([model for model, roles in zip(models, parsed, strict=True) if "policy" not in roles]).roles
    if not others:
        return {"models": policies, "teams": {name: dict(roles) for name, roles in saved.items()}}
    if not policies and not saved:
        raise ConfigError(f"the policy that the {next(iter(others))} works with is not named", hint="add --model NAME")
    teams = {short_name(model): {"policy": model, **others} for model in policies}
    return {"teams": teams | {name: {**roles, **others} for name, roles in saved.items()}}


def short_name(model: str) -> str:
    """What to call a model in a label: an address by the name behind ``#``, a file by its own name."""
    return model.rpartition("#")[2].rstrip("/").rpartition("/")[2].removesuffix(".gguf").replace(":", "-")
