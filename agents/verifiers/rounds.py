"""Verifications that are conversations, led in rounds: in each, every one that is open says one thing more, all in one wave.

What it says then, and what it is shown in between, is the verification's own affair: see :class:`Verification`. A candidate is
rated in the moment its last verification ends, whatever the others still have to say; one that is cut off by a budget, a deadline
or a stop is not rated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

from ...core.calls import CallResult, ChatRequest, Choice, ModelCall
from ...core.candidate import Score
from ...core.errors import LabelTokensError
from ...core.events import Warned
from ...core.model_spec import Ability
from ...core.protocols import Scope
from ...core.random import sample_seed
from ...core.result import StopReason
from ...core.usage import Usage
from .rating import Ratings


class Verification(Protocol):
    """A conversation with the verifier's model about one candidate."""

    @property
    def group(self) -> int:
        """Which group of candidates it is about: see :class:`.rating.Ratings`."""
        ...

    @property
    def place(self) -> int:
        """Its number among all: what its seeds are made of."""
        ...

    @property
    def done(self) -> bool:
        """Whether nothing more is asked."""
        ...

    @property
    def request(self) -> Mapping[str, Any]:
        """The fields of its next request, but for seed and number of samples.

        Where neighbours of a group begin with the same messages, their first request is one.
        """
        ...

    def hear(self, choice: Choice) -> None:
        """Go on with the reply."""
        ...

    def fail(self, message: str) -> None:
        """End: the call failed."""
        ...


class Rounds:
    """Asks all verifications of a scoring, and rates each group once its own are done."""

    def __init__(
        self,
        scope: Scope,
        ratings: Ratings,
        verifications: Sequence[Verification],
        score: Callable[[int, Usage], Score],
        *,
        role: str,
        node: str,
        visit: int,
    ) -> None:
        """``verifications`` stand in the order of their groups; ``score`` is the final score of a group, and what it cost."""
        self._scope, self._ratings, self._score = scope, ratings, score
        self._role, self._node, self._visit = role, node, visit
        self._spec = scope.spec(role)
        self._all = verifications
        self._of_group: list[list[Verification]] = [[] for _ in ratings.groups]
        for each in verifications:
            self._of_group[each.group].append(each)
        self._usage = [Usage() for _ in ratings.groups]
        self._round = 0

    async def ask(self) -> StopReason:
        """One round: a wave of the verifier, to all that are not done."""
        batched = self._round == 0 and Ability.N in self._spec.abilities  # the same prompt, paid once
        still = [each for each in self._all if not each.done]
        groups = groupby(still, lambda each: (each.group, each.request["messages"]) if batched else each.place)
        asked = [list(same) for _, same in groups]
        node = f"{self._node}-{self._round}" if self._round else self._node
        self._round += 1

        async def consume(result: CallResult) -> bool:
            self._take(asked[result.index], result)
            return False

        calls = [self._call(node, each) for each in asked]
        wave = await self._scope.wave(node, calls, consume=consume, visit=self._visit)
        return wave.stop_reason

    def rate_done(self) -> None:
        """Rate every group whose verifications ended elsewhere than in a reply, or that has none."""
        for group in range(len(self._of_group)):
            self._rate_if_done(group)

    def warn(self, code: str, message: str) -> None:
        """Declare a fallback."""
        node = f"{self._node}.{code}"
        self._scope.emit(Warned(scope=self._scope.path, node=node, visit=self._visit, code=code, message=message))

    def _take(self, asked: Sequence[Verification], result: CallResult) -> None:
        group, reply = asked[0].group, result.reply
        choices: Sequence[Choice] = ()
        failure = result.failure.message if result.failure else f"{self._spec.name} gave fewer samples than asked for"
        if reply is not None:
            choices = reply.choices
            self._usage[group] += self._spec.cost(reply)
        elif result.failure and result.failure.code == LabelTokensError.code:
            choices = [Choice(text="")] * len(asked)  # none of the words is a token of it: as if it had begun with another
        for each, choice in zip(asked, choices, strict=False):
            each.hear(choice)
        for each in asked[len(choices) :]:
            each.fail(failure)
        self._rate_if_done(group)

    def _rate_if_done(self, group: int) -> None:
        if all(each.done for each in self._of_group[group]) and not self._ratings.rated(group):
            self._ratings.rate(group, self._score(group, self._usage[group]))

    def _call(self, node: str, asked: Sequence[Verification]) -> ModelCall:
        seed = sample_seed(self._scope.seed, f"{self._scope.path}/{node}", self._visit, asked[0].place)
        request = ChatRequest.model_validate({**asked[0].request, "n": len(asked), "seed": seed})
        return ModelCall(role=self._role, request=request)
