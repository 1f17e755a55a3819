"""The evidence of an experiment out of what the store has of it: its plan, its runs that ended, and its data read again."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.answers import SymbolicWorker
from ...core.errors import ConfigError
from ...runtime.session import Session
from ..graders.grade import GRADERS
from ..graders.grading import Grading
from ..tasks.custom import custom_task
from ..tasks.item import Item
from ..tasks.load import ItemSet, load_task
from ..tasks.opening import Opening, open_test
from .arms import Cell, cells
from .collect import Collected, Collector, problem_rows
from .files import in_order
from .plan import Plan
from .records import Arm, Evidence
from .spec import TaskChoice


async def collect_experiment(session: Session, name: str) -> Evidence:
    """The evidence of an experiment as the store has it; no model is asked. Its data must still be where they were.

    Raises :class:`UnknownNameError` for a name that there is not, :class:`TaskError` for data that cannot be read, and
    :class:`ConfigError` for data that changed since.
    """
    stored = await session.store.experiment(name)
    plan = Plan.read(stored.plan, name)
    # A test split was opened when the plan was made, and that is on record.
    reason = plan.choice.open_test
    found = load_problems(plan.choice, None if reason is None else open_test(reason))
    if found.fingerprint != plan.fingerprint:
        raise ConfigError(
            f"the data of experiment {name} changed since it was run", hint="restore them, or read the folder of its results"
        )
    items = found.items[: len(plan.problems)]
    every = by_run(name, [one.arm for one in plan.arms], plan.seeds, items)
    worker = SymbolicWorker()
    try:
        collector = Collector(Grading(GRADERS.get(plan.grader), worker.same), worker)
        collected = {}
        async for ended in session.store.finished(name):
            if ended.run_id in every:
                collected[ended.run_id] = await collector.collect(every[ended.run_id], ended.result)
        return evidence_of(name, plan, items, found, list(collected.values()))
    finally:
        await worker.close()


def load_problems(choice: TaskChoice, opening: Opening | None) -> ItemSet:
    """All problems of the split that was chosen. Raises as :func:`~symposia.research.tasks.load.load_task`."""
    task = choice.name if choice.define is None else custom_task({**choice.define, "name": choice.name})
    return load_task(task, choice.data, split=choice.split, options=choice.options, opening=opening)


def by_run(name: str, arms: Sequence[Arm], seeds: Sequence[int], items: Sequence[Item]) -> dict[str, Cell]:
    """Every cell by the id of its run, in the order in which cells are begun."""
    return {cell.run_id(name): cell for cell in cells(arms, seeds, items)}


def evidence_of(name: str, plan: Plan, items: Sequence[Item], found: ItemSet, collected: Sequence[Collected]) -> Evidence:
    """What was collected under a plan, in its order."""
    return in_order(
        Evidence(
            name=name,
            plan=plan.public(),
            arms=tuple(one.arm for one in plan.arms),
            problems=problem_rows(items, found.task.groups),
            trials=tuple(one.trial for one in collected),
            samples=tuple(sample for one in collected for sample in one.samples),
        )
    )
