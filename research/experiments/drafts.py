"""What the runs of an experiment are made of, checked before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.budget import Budget
from ...core.calibration import prompt_digests
from ...core.errors import ConfigError
from ...core.problem import AnswerKind
from ...core.records import RunSpec
from ...graphs.registry import STRATEGIES
from ...runtime.casting import require_prices
from ...runtime.granting import require_unattended
from ...runtime.session import Session
from ..tasks.item import Item
from .arms import Cell
from .plan import PlannedArm
from .records import JUDGING, Arm

_Shape = tuple[str, AnswerKind, tuple[str, ...]]
"""Runs of one arm differ in nothing but problem and seed where kind of answer and prompts are the same."""


class Drafts:
    """Makes the spec of every cell's run. Models are asked for once per arm: all its runs have the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[_Shape, RunSpec] = {}
        self._configs: dict[str, Any] = {}

    async def spec(self, cell: Cell, *, experiment: str, ledger: str | None) -> RunSpec:
        """The spec of the run of ``cell``."""
        base = await self._base(cell.arm, cell.item)
        changed = {"problem": cell.item.problem, "seed": cell.seed, "experiment": experiment, "ledger": ledger}
        # Calibrations come from experiments: none of an earlier day shall make their runs differ.
        return base.model_copy(update={**changed, "calibration": None})

    async def planned(self, arm: Arm, items: Sequence[Item]) -> PlannedArm:
        """All that decides the runs of ``arm`` on ``items``.

        Raises :class:`UsageError` for what cannot work: options, models, abilities, keys, a kind of answer that the strategy
        does not know; :class:`UnreachableError` where no server answers.
        """
        if items[0].problem.solutions and not STRATEGIES.get(arm.strategy).judges:
            raise ConfigError(
                f"{arm.strategy} writes answers, and with solutions=true the task wants verdicts on those that it has",
                hint=f"take the strategy {JUDGING}, without baselines (`symposia bench verifier` does), or leave the option out",
            )
        bases = [await self._base(arm, item) for item in items]
        prompts = {name: text for base in bases for name, text in base.prompts.items()}
        base = bases[0]
        require_unattended(base.tools)
        return PlannedArm(
            arm=arm,
            config=base.config,
            models={role: model.name for role, model in base.models.items()},
            prompts=prompt_digests(prompts),
            budget=str(base.budget),
        )

    async def require_prices(self, arm: Arm, item: Item, cap: str) -> None:
        """Raise :class:`ConfigError` where a cap in dollars could not be kept, since a price is not known."""
        base = await self._base(arm, item)
        require_prices(Budget.parse(cap), base.models, base.tools)

    async def _base(self, arm: Arm, item: Item) -> RunSpec:
        strategy = STRATEGIES.get(arm.strategy)
        key = arm.model_dump_json(exclude={"label"})
        config = self._configs.get(key)
        names = strategy.prompt_names(item.problem, config) if config is not None else ()
        shape = (key, item.problem.answer_kind, names)
        if config is None or shape not in self._known:
            base = await self._session.prepare(
                item.problem, strategy=arm.strategy, options=arm.options, team=arm.team, budget=arm.budget
            )
            self._configs[key] = config = strategy.configure(base.config)
            shape = (key, item.problem.answer_kind, strategy.prompt_names(item.problem, config))
            self._known[shape] = base
        return self._known[shape]
