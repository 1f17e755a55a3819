"""``rollout``: each prefix of a solution is worth what its completions come to.

``value=mean`` is the share c/k of right completions, the chances of who completes: Wang et al. 2023, Math-Shepherd (arXiv
2312.08935), with k = 8. ``value=any`` is 1 where any of them is right, closer to what the best solver could do: the stepwise
labels of Havrilla et al. 2024, GLoRe (arXiv 2402.10963). ``search=binary`` looks for the first wrong step alone, in O(k log M)
calls: Luo et al. 2024, OmegaPRM (arXiv 2406.06592); see :mod:`.first_wrong`.

The papers label training data and know the right answer. Nothing here does: unless ``reference`` gives it, the answer that most
of ``votes`` completions of the question alone agree on stands for it, and every rationale says so. A tie for the most is no
reference, and a score without a value. The whole solution needs no completion: it is worth whether its own answer is the
reference's. A completion without a readable answer, or cut off before it, has not reached it.

Completions go on by the model's ability to continue an answer, with the fidelity that it declares (:class:`.calls.Fidelity`):
under ``chat`` the white space at the end of a step may be lost. Solutions that begin alike share the completions of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, model_validator

from ....core.answers import group
from ....core.budget import CallBounds
from ....core.calls import CallResult, FinishReason, ModelCall, Prefix
from ....core.candidate import Answer, Candidate, Score
from ....core.marks import unmarked
from ....core.model_spec import Ability, ModelSpec
from ....core.problem import Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....core.thinking import split_thinking
from ...policy import ROLE, Sampling, one_request, prompt_name, prompts_for, read_answer, sampled, with_role_prompt
from ..rating import Ratings, Scores
from ..step_scores import Aggregate, aggregate
from ..verifier import RoleName, Verifier, VerifierConfig, Workload, playing
from .first_wrong import most_tries
from .reference import given_answer, most_frequent
from .rollout_path import Path, Search, Tally, Value

NAME = "rollout"


class RolloutConfig(VerifierConfig, Sampling):
    """Options of ``rollout``, and how completions are sampled: all alike."""

    role: RoleName = ROLE
    """Who completes. ``completer`` with ``--model completer=M`` has a stronger model do it."""
    k: int = Field(default=4, ge=1, le=128)
    """Completions of each prefix."""
    value: Value = "mean"
    """``mean``: the share of right completions. ``any``: 1 where any is right, else 0."""
    search: Search = "all"
    """``all``: every prefix. ``binary``: only those that lead to the first wrong step; needs value=any."""
    aggregate: Aggregate = "min"
    """How the steps' values become one: last, min, mean, product."""
    reference: str | None = Field(default=None, min_length=1)
    """The right answer, where it is known: for labelling, never for solving."""
    votes: int = Field(default=8, ge=2, le=256)
    """Completions of the question alone whose most frequent answer stands for the right one; not drawn where that is given."""

    @model_validator(mode="after")
    def _says_something(self) -> RolloutConfig:
        if self.temperature == 0:
            raise ValueError("completions need a temperature above 0, or they would all be the same")
        if self.search == "binary" and self.value == "mean":
            raise ValueError("search=binary tells only where no completion is right any more: set value=any")
        return self


class _Prefix:
    """Completions of one prefix that are being drawn."""

    def __init__(self, text: str, payer: Path) -> None:
        self.text = text
        self.payer = payer
        """The solution that the cost stands with: the first that wanted them."""
        self.right = self.drawn = 0
        self.awaited = 0
        """Calls that are not back yet."""
        self.failure = ""
        """Why a call of them gave nothing."""


class _Rollouts:
    """One scoring of some candidates: a wave on the question alone, then rounds of waves on prefixes."""

    def __init__(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: RolloutConfig, node: str, visit: int
    ) -> None:
        self._scope, self._problem, self._config = scope, problem, config
        self._node, self._visit = node, visit
        self._spec = scope.spec(config.role)
        self._messages = with_role_prompt(problem.messages, scope.prompts[prompt_name(problem)])
        self._ratings = Ratings(scope, candidates, node=node, visit=visit)
        self._paths = [Path(place, candidate, config.search) for place, candidate in enumerate(self._ratings.groups)]
        self._sharing: dict[str, list[tuple[Path, int]]] = {}
        for path in self._paths:
            for step in range(path.last):
                self._sharing.setdefault(path.prefix(step), []).append((path, step))
        self._reference: Answer | None = None
        self._said = ""
        """Where the reference comes from."""

    async def run(self) -> Scores:
        """Find the reference, complete prefix after prefix, and rate every candidate that was reached."""
        reason = await self._find_reference() if self._paths else StopReason.FINISHED
        if reason is not StopReason.FINISHED:
            return self._ratings.scores(reason)
        for path in self._paths:
            if path.ends and self._reference is not None:
                path.known[path.last] = Tally(int(await self._is_right(path.candidate.answer)), 1)
            self._settle(path)
        rounds = 0
        while reason is StopReason.FINISHED and (prefixes := self._wanted()):
            rounds += 1
            reason = await self._complete(f"{self._node}-{rounds}", prefixes)
        return self._ratings.scores(reason)

    async def _find_reference(self) -> StopReason:
        given = self._config.reference
        if given is None:
            return await self._elect()
        self._reference = given_answer(given, self._problem)
        self._said = f"The right answer was given: {given}."
        return StopReason.FINISHED

    async def _elect(self) -> StopReason:
        """Let completions of the question alone vote on the reference."""
        answers: list[Answer | None] = []
        question = _Prefix("", payer=self._paths[0])

        async def consume(result: CallResult) -> bool:
            answers.extend(self._answers(result, question))
            return False

        node = f"{self._node}-question"
        wave = await self._scope.wave(node, self._calls(node, "", 0, self._config.votes), consume=consume, visit=self._visit)
        if wave.stop_reason is StopReason.FINISHED:
            self._said = question.failure
            if answers:
                self._count(answers, await group(answers, self._scope.same_answer))
        return wave.stop_reason

    def _count(self, answers: Sequence[Answer | None], groups: Sequence[int]) -> None:
        drawn = f"{len(answers)} completions of the question alone"
        elected = most_frequent(answers, groups)
        if elected is None:
            self._said = f"No one answer is the most frequent of {drawn}, so that none can stand for the right one."
            return
        self._reference = elected.answer
        self._said = f"The right answer is not known: {elected.answer}, given by {elected.votes} of {drawn}, is taken for it."

    def _wanted(self) -> list[_Prefix]:
        wanted: dict[str, _Prefix] = {}
        if self._reference is not None:
            for path in self._paths:
                for step in path.wanted():
                    text = path.prefix(step)
                    wanted.setdefault(text, _Prefix(text, path))
        return list(wanted.values())

    async def _complete(self, node: str, prefixes: Sequence[_Prefix]) -> StopReason:
        calls: list[ModelCall] = []
        owners: list[_Prefix] = []
        for place, prefix in enumerate(prefixes):
            its = self._calls(node, prefix.text, place * self._config.k, self._config.k)
            prefix.awaited = len(its)
            calls += its
            owners += [prefix] * len(its)

        async def consume(result: CallResult) -> bool:
            prefix = owners[result.index]
            verdicts = [await self._is_right(answer) for answer in self._answers(result, prefix)]
            prefix.drawn += len(verdicts)
            prefix.right += sum(verdicts)
            prefix.awaited -= 1
            if prefix.awaited == 0:
                self._learn(prefix)
            return False

        wave = await self._scope.wave(node, calls, consume=consume, visit=self._visit)
        return wave.stop_reason

    def _learn(self, prefix: _Prefix) -> None:
        for path, step in self._sharing[prefix.text]:
            path.known[step] = Tally(prefix.right, prefix.drawn)
            path.failure = path.failure if prefix.drawn else prefix.failure
            self._settle(path)

    def _settle(self, path: Path) -> None:
        """Rate the solution if nothing more is wanted of it."""
        if self._ratings.rated(path.group) or (self._reference is not None and path.wanted()):
            return
        said, steps = [self._said], path.values(self._config.value)
        if self._reference is not None:
            said += [path.told(), path.failure]
        value = aggregate(steps, self._config.aggregate)
        rationale = " ".join(filter(None, said))
        score = Score(verifier=NAME, value=value, raw=value, steps=steps, ends=path.ends, rationale=rationale, usage=path.usage)
        self._ratings.rate(path.group, score)

    def _calls(self, node: str, prefix: str, first: int, count: int) -> list[ModelCall]:
        """``count`` completions of ``prefix``, numbered from ``first``."""
        many = count if one_request(self._spec, count, batched=True) else 1
        calls = [
            sampled(
                self._scope,
                node,
                self._messages,
                self._config,
                visit=self._visit,
                index=first + index,
                n=many,
                prefix=Prefix(text=unmarked(prefix)),
            )
            for index in range(count // many)
        ]
        return [call.model_copy(update={"role": self._config.role}) for call in calls]

    def _answers(self, result: CallResult, prefix: _Prefix) -> list[Answer | None]:
        """The answers that the completions of a call give, its cost booked; none where it failed."""
        if result.reply is None:
            prefix.failure = result.failure.message if result.failure else ""
            return []
        prefix.payer.usage += self._spec.cost(result.reply)
        return [self._answer(prefix.text + choice.text, choice.finish_reason) for choice in result.reply.choices]

    def _answer(self, text: str, finish: FinishReason) -> Answer | None:
        return read_answer(split_thinking(text)[1], finish, self._problem, self._config)

    async def _is_right(self, answer: Answer | None) -> bool:
        return answer is not None and self._reference is not None and await self._scope.same_answer(self._reference, answer)


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: RolloutConfig, *, node: str, visit: int = 0
) -> Scores:
    return await _Rollouts(scope, problem, candidates, config, node, visit).run()


def _cost(config: RolloutConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    """The votes; then nothing for solutions of one step, or all prefixes of solutions of as many steps as there can be."""
    spec = playing(team, config.role)

    def requests(completions: int) -> int:
        return 1 if one_request(spec, completions, batched=True) else completions

    votes = 0 if config.reference is not None else requests(config.votes)
    prefixes = work.steps - 1 if config.search == "all" else most_tries(work.steps)
    return CallBounds(votes, votes + work.candidates * prefixes * requests(config.k))


VERIFIER = Verifier(
    name=NAME,
    summary="Complete every prefix of the solution several times, and see how often that comes to the right answer.",
    paper="Wang et al. 2023 (arXiv 2312.08935); any: Havrilla et al. 2024 (2402.10963); binary: Luo et al. 2024 (2406.06592)",
    config=RolloutConfig,
    score=_score,
    cost=_cost,
    prompts=lambda problem, _config: prompts_for(problem),
    needs=lambda config: {config.role: frozenset({Ability.CHAT, Ability.PREFIX}) | config.abilities},
    uses=frozenset({Ability.N}),
)
