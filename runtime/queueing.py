"""What is queued behind a run: asked in a run of its own, once this one has ended with an answer.

Whoever executed the run makes the next one and executes it, and so on. A run that was stopped, or ended without an answer, keeps
what is queued behind it; it is asked once the run was resumed and has an answer.
"""

from __future__ import annotations

from ..core.candidate import Candidate
from ..core.problem import Message, Problem
from ..core.records import ControlKind, RunRecord, RunSpec
from ..core.result import RunState, Status
from ..graphs.registry import STRATEGIES
from ..memory.store import Store
from .planning import prompts_of, this_version


async def follow_up(store: Store, run_id: str) -> RunRecord | None:
    """Store, queued, the run that was queued first behind one that has ended; what is queued after it moves on to it.

    None where nothing is queued, or the run has no answer. Raises :class:`UsageError` for what cannot be asked, such as a
    conversation that has grown too long: it stays queued.
    """
    record = await store.run(run_id)
    result = record.result
    if record.state is not RunState.FINISHED or result is None or result.status is not Status.ANSWERED:
        return None
    while queued := [wish for wish in await store.pending_controls(record.id) if wish.kind is ControlKind.QUEUE]:
        if result.candidate is None:
            return None
        made = await store.follow_run(record.id, queued[0], following(record, result.candidate, queued[0].text))
        if made is not None:
            return made
    return None


def following(record: RunRecord, answer: Candidate, text: str) -> RunSpec:
    """What is asked next: the same of the same models, about the conversation with the answer and ``text`` at its end.

    Raises :class:`UsageError` where that cannot be asked.
    """
    old = record.spec
    said = (Message(role="assistant", content=answer.text), Message(role="user", content=text))
    problem = Problem(messages=(*old.problem.messages, *said), answer_kind=old.problem.answer_kind, language=old.problem.language)
    strategy = STRATEGIES.get(old.strategy)
    config = strategy.configure(old.config)
    strategy.check(problem, config, old.models, STRATEGIES.all())
    changes = {
        "problem": problem,
        "prompts": prompts_of(strategy, problem, config) | old.prompts,
        "version": this_version(),
        "follows": record.id,
        "forked_from": None,
        "experiment": None,
    }
    return old.model_copy(update=changes)
