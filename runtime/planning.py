"""Planning: from a request to everything that decides what a run does, with all that can be wrong with it raised here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any, TypedDict

from ..agents.prompt_files import load_prompt
from ..core.base import Frozen
from ..core.budget import Budget
from ..core.calibration import AppliedCalibration
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.records import RunSpec
from ..core.tooling import Grant
from ..graphs.registry import STRATEGIES
from ..graphs.strategy import Strategy
from ..memory.store import Store
from .calibrating import Wanted
from .casting import cast, recast, require_keys, require_prices
from .fork import merged
from .granting import grant_tools
from .settings import Settings
from .staff import Staff
from .team import Team
from .workshop import Workshop

TeamLike = Team | Mapping[str, str] | str | None


class _Checked(TypedDict):
    """The fields of a spec that a new run and a fork come by in the same way."""

    config: dict[str, Any]
    models: dict[str, ModelSpec]
    tools: dict[str, Grant]
    sandbox: str | None
    budget: Budget
    version: str


class Planner:
    """Plans of one session. What they raise: see :meth:`Session.create`."""

    def __init__(self, settings: Settings, staff: Staff, workshop: Workshop, store: Store) -> None:
        self._settings = settings
        self._staff = staff
        self._workshop = workshop
        self._store = store

    async def new(
        self,
        problem: Problem,
        *,
        strategy: str | None,
        team: TeamLike,
        budget: Budget | str | int | None,
        seed: int | None,
        options: Mapping[str, Any] | None,
        ledger: str | None,
        experiment: str | None,
        calibration: str | None,
    ) -> RunSpec:
        """What a run of this request is made of."""
        settings = self._settings
        chosen = STRATEGIES.get(strategy or settings.strategy)
        config = chosen.configure({**settings.strategies.get(chosen.name, {}), **(options or {})})
        caps = self._budget(budget)
        caps.require_room()
        specs = await cast(self._staff, settings, chosen.needs(config), Team.of(team))
        checked = await self._checked(chosen, problem, config, specs, caps)
        if ledger is not None:
            require_prices((await self._store.ledger(ledger)).caps, specs, checked["tools"])
        prompts = prompts_of(chosen, problem, config)
        return RunSpec(
            problem=problem,
            strategy=chosen.name,
            **checked,
            seed=settings.seed if seed is None else seed,
            prompts=prompts,
            ledger=ledger,
            experiment=experiment,
            calibration=await self._calibration(chosen, config, checked, prompts, calibration),
        )

    async def fork(
        self, old: RunSpec, *, team: TeamLike, budget: Budget | str | int | None, options: Mapping[str, Any] | None
    ) -> RunSpec:
        """What a fork of a run is made of; its origin is left to whoever copies the journal."""
        chosen = STRATEGIES.get(old.strategy)
        config = chosen.configure(merged(old.config, options or {}))
        caps = old.budget if budget is None else self._budget(budget)
        caps.require_room()
        specs = await recast(self._staff, old.models, chosen.needs(config), Team.of(team))
        checked = await self._checked(chosen, old.problem, config, specs, caps)
        # What the copied part offered and ran stays as it was; a tool that has changed since is refused when it is called.
        checked["sandbox"] = old.sandbox or checked["sandbox"]
        checked["tools"] = {
            name: grant.model_copy(update={"spec": old.tools[name].spec, "digest": old.tools[name].digest})
            if name in old.tools
            else grant
            for name, grant in checked["tools"].items()
        }
        prompts = prompts_of(chosen, old.problem, config) | old.prompts
        calibration = await self._calibration(chosen, config, checked, prompts, None)
        return old.model_copy(update={**checked, "prompts": prompts, "experiment": None, "calibration": calibration})

    async def _calibration(
        self, chosen: Strategy[Any], config: Frozen, checked: _Checked, prompts: Mapping[str, str], named: str | None
    ) -> AppliedCalibration | None:
        models = {role: checked["models"][role].name for role in chosen.needs(config)}
        wanted = Wanted(chosen.name, checked["config"], models, prompts)
        return await wanted.find(self._store.calibrations(), named)

    async def _checked(
        self, chosen: Strategy[Any], problem: Problem, config: Frozen, specs: dict[str, ModelSpec], caps: Budget
    ) -> _Checked:
        chosen.check(problem, config, specs, STRATEGIES.all())
        granted = await grant_tools(self._workshop, self._settings, chosen, config)
        require_prices(caps, specs, granted.tools)
        require_keys(specs)
        return {
            "config": config.model_dump(mode="json"),
            "models": specs,
            "tools": granted.tools,
            "sandbox": granted.sandbox,
            "budget": caps,
            "version": this_version(),
        }

    def _budget(self, budget: Budget | str | int | None) -> Budget:
        if isinstance(budget, Budget):
            return budget
        given = self._settings.budget if budget is None else budget
        return Budget() if given is None else Budget.parse(given)


@cache
def this_version() -> str:
    """Of symposia. Read once: the metadata of the package lie in a file."""
    return version("symposia")


def prompts_of(strategy: Strategy[Any], problem: Problem, config: Frozen) -> dict[str, str]:
    """The text of every prompt that a strategy may use for a problem, by name."""
    return {name: load_prompt(name) for name in strategy.prompt_names(problem, config)}
