"""From what was asked for to arms and cells. A cell is one run: an arm on a problem under a seed.

What must stay true: the id of a cell's run is made from what decides the run, so that the same request finds the same runs in
the store whatever else the experiment holds, and nothing is paid twice.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...core.errors import ConfigError, UsageError
from ..tasks.item import Item
from .records import Arm
from .spec import ExperimentSpec, StrategyChoice, short_name

BASELINE = "greedy"
"""The strategy that every other one is measured against."""


class Cell(NamedTuple):
    """One run of an experiment."""

    arm: Arm
    seed: int
    item: Item

    def run_id(self, experiment: str) -> str:
        """The id of its run."""
        return run_id(experiment, self.arm, self.seed, self.item.id)


def run_id(experiment: str, arm: Arm, seed: int, item: str) -> str:
    """The id of the run of ``arm`` under ``seed`` on the problem ``item``: the label decides nothing."""
    key = _compact([arm.model_dump(mode="json", exclude={"label"}), seed, item])
    return f"{experiment}-{hashlib.blake2b(key.encode(), digest_size=8).hexdigest()}"


def same_arm(a: Arm, b: Arm) -> bool:
    """Whether two arms have the same runs: they differ in label at most."""
    return a.model_copy(update={"label": b.label}) == b


def cells(arms: Sequence[Arm], seeds: Sequence[int], items: Sequence[Item]) -> Iterator[Cell]:
    """Every cell, problem by problem: an experiment that is stopped has the same problems for all arms."""
    return (Cell(arm, seed, item) for item in items for seed in seeds for arm in arms)


def arms_of(spec: ExperimentSpec, default_model: str | None) -> tuple[Arm, ...]:
    """The arms of an experiment, team by team, the baseline of each first.

    ``default_model`` plays where the experiment names no model. Raises :class:`UsageError` where there is none either, and
    :class:`ConfigError` where two arms are the same or are called the same.
    """
    teams = _teams(spec, default_model)
    budgets = spec.budgets or (None,)
    names = _strategy_labels(spec.strategies)
    arms: list[Arm] = []
    for team, roles in teams.items():
        choices = [(choice, name, budget) for budget in budgets for choice, name in zip(spec.strategies, names, strict=True)]
        if spec.baselines and not any(choice.name == BASELINE for choice in spec.strategies):
            choices.insert(0, (StrategyChoice(name=BASELINE, options=_shared(spec)), BASELINE, None))
        for choice, name, budget in choices:
            label = name + (f"@{team}" if len(teams) > 1 else "") + (f"/{budget}" if budget and len(budgets) > 1 else "")
            arms.append(Arm(label=label, strategy=choice.name, options=choice.options, team=roles, budget=budget))
    _require_distinct(arms)
    return tuple(arms)


def _teams(spec: ExperimentSpec, default_model: str | None) -> dict[str, dict[str, str]]:
    alone: dict[str, dict[str, str]] = {}
    for model in spec.models:
        label = short_name(model)
        alone[label if label not in alone else f"{label}-{len(alone) + 1}"] = {"policy": model}
    if twice := alone.keys() & spec.teams.keys():
        raise ConfigError(f"a team and a model are both called {min(twice)}", hint="give the team another name")
    teams = alone | spec.teams
    if teams and (default_model is not None or all("policy" in roles for roles in teams.values())):
        return {label: {"policy": roles.get("policy", str(default_model)), **roles} for label, roles in teams.items()}
    if default_model is None:
        raise UsageError("an experiment names its models, and no default is configured", hint="add --model NAME")
    return {short_name(default_model): {"policy": default_model}}


def _strategy_labels(choices: Sequence[StrategyChoice]) -> list[str]:
    """Names, with the options that tell apart those of one strategy."""
    often = Counter(choice.name for choice in choices if choice.label is None)

    def told_apart(choice: StrategyChoice) -> str:
        others = [other.options for other in choices if other.name == choice.name and other.label is None]
        own = [key for key in choice.options if any(other.get(key) != choice.options[key] for other in others)]
        return "+".join([choice.name, *(f"{key}={_text(choice.options[key])}" for key in own)])

    return [choice.label or (told_apart(choice) if often[choice.name] > 1 else choice.name) for choice in choices]


def _shared(spec: ExperimentSpec) -> dict[str, Any]:
    """What the baseline takes over: its answers are not to be shorter or longer than all the others'."""
    lengths = [choice.options.get("max_tokens") for choice in spec.strategies]
    return {"max_tokens": lengths[0]} if lengths[0] is not None and len(set(map(_compact, lengths))) == 1 else {}


def _require_distinct(arms: Sequence[Arm]) -> None:
    for index, arm in enumerate(arms):
        for other in arms[:index]:
            if same_arm(arm, other):
                raise ConfigError(f"the arms {other.label} and {arm.label} are the same", hint="leave one of them out")
            if arm.label == other.label:
                raise ConfigError(f"two arms are called {arm.label}", hint="give one of the strategies another label")


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What differs between two tables, for people: ``n 8 → 16, stop (unset) → beta``."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return ", ".join(f"{key} {_text(old.get(key))} → {_text(new.get(key))}" for key in keys)


def _text(value: Any) -> str:
    return "(unset)" if value is None else value if isinstance(value, str) else _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
