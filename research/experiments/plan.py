"""The plan of an experiment, as the store keeps it: which runs there are to be, and what decides them.

An experiment only grows. A command may add arms, seeds and problems to what is stored under its name; whatever would make two
runs of one arm differ, or one problem mean something else, is refused with what changed: results would be mixed unseen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple, Self

from pydantic import ValidationError

from ...core.base import Frozen
from ...core.errors import ConfigError
from ..tasks.item import Item
from ..tasks.load import ItemSet
from .arms import changes, same_arm
from .records import Arm
from .spec import ExperimentSpec, TaskChoice

FORMAT = 1
"""Grows when an older symposia could no longer go on with a plan."""


class PlannedArm(Frozen):
    """An arm, with all that decides its runs beside problem and seed."""

    arm: Arm
    config: dict[str, Any]
    """The strategy's configuration, complete."""
    models: dict[str, str]
    """Name of the model by role."""
    prompts: dict[str, str]
    """Digest of each prompt's text, by name."""
    budget: str
    """Of each run, defaults of the configuration included."""


class Plan(Frozen):
    """See the module's docstring."""

    format: int = FORMAT
    symposia: str
    """Version that made it."""
    task: str
    grader: str
    split: str
    fingerprint: str
    """Of the data, both splits."""
    options: dict[str, Any]
    """Of the task."""
    arms: tuple[PlannedArm, ...]
    seeds: tuple[int, ...]
    cap: str | None
    """Of the whole experiment."""
    choice: TaskChoice
    """How to read the problems again."""
    problems: dict[str, str]
    """Digest of the gold answer by id, in order."""

    @classmethod
    def of(cls, spec: ExperimentSpec, found: ItemSet, items: Sequence[Item], arms: Sequence[PlannedArm]) -> Self:
        """The plan for ``items``, the first ones of ``found``."""
        data = spec.task.data
        return cls(
            symposia=version("symposia"),
            task=found.task.name,
            grader=found.task.grader,
            split=found.split,
            fingerprint=found.fingerprint,
            options=dict(found.options),
            arms=tuple(arms),
            seeds=spec.seeds,
            cap=spec.cap,
            choice=spec.task.model_copy(update={"data": data and data.expanduser().absolute()}),
            problems={item.id: hashlib.blake2b(item.gold.encode(), digest_size=4).hexdigest() for item in items},
        )

    @classmethod
    def read(cls, stored: Mapping[str, Any], name: str) -> Self:
        """A plan out of the store. Raises :class:`ConfigError` for one of a newer symposia."""
        if stored.get("format") != FORMAT:
            raise ConfigError(f"the plan of experiment {name} was made by another version of symposia", hint="upgrade this one")
        try:
            return cls.model_validate(stored)
        except ValidationError as error:
            raise ConfigError(f"the plan of experiment {name} cannot be read: {error.errors()[0]['msg']}") from error

    def public(self) -> dict[str, Any]:
        """What results carry along: all but the problems, which have a table of their own, and the place of the data."""
        return self.model_dump(mode="json", exclude={"problems", "choice"})


class Grown(NamedTuple):
    """A stored plan with what a command adds to it."""

    plan: Plan
    asked: tuple[Arm, ...]
    """The arms of the command, by the labels that they have in the plan."""


def grow(old: Plan, new: Plan, name: str) -> Grown:
    """``old`` with the arms, seeds and problems of ``new`` that it lacks; the cap is the new one, if there is one.

    Raises :class:`ConfigError` naming what changed.
    """
    _require_same_task(old, new, name)
    _require_same_data(old, new, name)
    if new.cap is not None and old.cap is None:
        raise ConfigError(
            f"experiment {name} was begun without a cap, so one cannot hold for all of it", hint="begin another one: --name NAME"
        )
    arms = list(old.arms)
    asked = []
    for planned in new.arms:
        known = next((one for one in arms if same_arm(one.arm, planned.arm)), None)
        if known is None:
            known = _new_arm(planned, arms, name)
            arms.append(known)
        _require_same_runs(known, planned, name)
        asked.append(known.arm)
    update = {
        "arms": tuple(arms),
        "seeds": tuple(dict.fromkeys([*old.seeds, *new.seeds])),
        "problems": max(old.problems, new.problems, key=len),
        "cap": new.cap or old.cap,
        "choice": new.choice,
    }
    return Grown(old.model_copy(update=update), tuple(asked))


def _require_same_task(old: Plan, new: Plan, name: str) -> None:
    for what in ("task", "split", "grader", "options"):
        before, now = getattr(old, what), getattr(new, what)
        if before != now:
            changed = changes(before, now) if isinstance(before, dict) else f"{before} → {now}"
            raise ConfigError(f"experiment {name} has another {what}: {changed}", hint="begin another one: --name NAME")


def _require_same_data(old: Plan, new: Plan, name: str) -> None:
    shorter, longer = sorted((list(old.problems), list(new.problems)), key=len)
    regraded = [one for one, gold in new.problems.items() if old.problems.get(one, gold) != gold]
    in_step = longer[: len(shorter)] == shorter
    if in_step and not regraded and old.fingerprint == new.fingerprint:
        return
    added = [] if in_step else [one for one in new.problems if one not in old.problems]
    removed = [] if in_step else [one for one in old.problems if one not in new.problems]
    said = [
        f"{len(ids)} {'problem' if len(ids) == 1 else 'problems'} {what} ({', '.join(ids[:3])}{', …' if len(ids) > 3 else ''})"
        for what, ids in (("added", added), ("removed", removed), ("with another gold answer", regraded))
        if ids
    ]
    if not said:
        said = ["problems beyond those that it uses differ"] if in_step else ["the problems are in another order"]
    raise ConfigError(
        f"the data of experiment {name} changed: {'; '.join(said)}", hint="restore the file, or begin another one: --name NAME"
    )


def _new_arm(planned: PlannedArm, arms: Sequence[PlannedArm], name: str) -> PlannedArm:
    """The arm under a label that is free. Raises where one of the same label has other options."""
    arm = planned.arm
    taken = {one.arm.label: one.arm for one in arms}
    if arm.label not in taken:
        return planned
    other = taken[arm.label]
    if (other.strategy, other.options) != (arm.strategy, arm.options):
        told = changes({"strategy": other.strategy, **other.options}, {"strategy": arm.strategy, **arm.options})
        raise ConfigError(
            f"arm {arm.label} of experiment {name} changed: {told}",
            hint="give the strategy another label to have both, or begin another one: --name NAME",
        )
    beside = f"/{arm.budget}" if other.team == arm.team else "@" + planned.models["policy"].rpartition("#")[2].rpartition("/")[2]
    label = arm.label + beside.replace(":", "-")
    if label in taken:
        raise ConfigError(f"experiment {name} has an arm {label} already", hint="give the strategy a label of its own")
    return planned.model_copy(update={"arm": arm.model_copy(update={"label": label})})


def _require_same_runs(known: PlannedArm, now: PlannedArm, name: str) -> None:
    """Options left out, prompts, models and budgets come from elsewhere and may have changed there."""
    differ = {
        "options": changes(known.config, now.config),
        "models": changes(known.models, now.models),
        "prompts": ", ".join(key for key in now.prompts if known.prompts.get(key, now.prompts[key]) != now.prompts[key]),
        "budget": changes({"budget": known.budget}, {"budget": now.budget}),
    }
    for what, told in differ.items():
        if told:
            raise ConfigError(
                f"arm {known.arm.label} of experiment {name} would go on with other {what}: {told}",
                hint="restore the configuration, or begin another one: --name NAME",
            )
