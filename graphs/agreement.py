"""What strategies share that ask in two ways until both agree: when they do, and what is decided then or where they never do.

Samples come in pairs, None for a call that failed. A pair agrees where both hold the same answer, which decides whatever all
pairs before it said; so such a rule is label symmetric, but neither permutation invariant (the same answers, paired otherwise,
may never agree) nor monotone (one more vote for the winner ahead of the others pairs them otherwise). Where no pair agrees,
plurality over everything seen decides, and keeps what plurality keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.protocols import Scope
from ..core.result import Outcome, Selection, StopReason
from .sampling import decided, groups_of
from .selection import majority
from .stopping import window_agrees
from .strategy import Context


async def pair_agrees(scope: Scope, samples: Sequence[str | None]) -> bool:
    """Whether the last two of the ``samples`` gave the same answer. Their ids by index."""
    return window_agrees(await groups_of(scope, samples[-2:]), 2)


async def settle(
    context: Context[Any], samples: Sequence[str | None], reason: StopReason, *, by: str = "agreement", chosen: str | None = None
) -> Outcome:
    """What is made of everything seen: the sample ``chosen`` by the rule ``by``, else the answer with most votes.

    Both stand among the selections. Confidence is the share of all readable answers that are the one picked. A sample without
    an answer is not chosen.
    """
    candidates = [context.scope.candidates[key] for key in samples if key is not None]
    groups = await groups_of(context.scope, [candidate.id for candidate in candidates])
    selections, decides = {"majority": majority(candidates, groups)}, "majority"
    for candidate, mine in zip(candidates, groups, strict=True):
        if candidate.id == chosen and candidate.answer is not None:
            support = groups.count(mine) / sum(each >= 0 for each in groups)
            selections[by] = Selection(answer=candidate.answer.text, candidate=candidate.id, support=support)
            decides = by
    return decided(context, candidates, groups, selections, by=decides, reason=reason)
