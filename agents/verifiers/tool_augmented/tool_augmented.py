"""``tool-augmented``: a model checks a solution with tools before it judges it.

Source: Li et al. 2024, Tool-Augmented Reward Modeling, "Themis" (arXiv 2310.01045): Thought, Action, Action Input, Observation,
at most three times, then a rationale, then a score. We differ in two points:

* The model was not trained for it, so that there is no head that gives the score. It is P(Yes) in a last turn, a single token, or
  a number that the model writes there, averaged over ``samples``.
* Without tools (``tools=[]``) the prompt is the same but for them, and its one turn may be as long as all turns together: the
  baseline that tells what tools add from what more thinking adds.

The tools are called in text, which small models follow best. A call is one of the run's grants and of this verifier's own tools,
whatever the solution says; the same call is made once for all candidates. What fails is an observation, and stands in the
score's evidence. A declared fallback is an event: a model without log-probabilities, and one that begins with neither Yes nor No,
write a number, and one that cannot be read is asked for once more. After that there is no score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

from pydantic import Field, model_validator

from ....core.budget import CallBounds
from ....core.candidate import Candidate, Score
from ....core.model_spec import Ability, ModelSpec
from ....core.options import Names
from ....core.problem import Message, Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....core.tooling import ToolRequest, ToolResult
from ....core.usage import Usage
from ...quoted import asking, conversation, defused, fill
from ...react_text import offered, same_call
from ..rating import Ratings, Scores
from ..rounds import Rounds
from ..verifier import Verifier, VerifierConfig, Workload, playing
from .tool_check import AGAIN, LABEL, LAST, WRITTEN, Rules, ToolCheck

NAME = "tool-augmented"
_TASK, _TOOLS = "tool-augmented.task", "tool-augmented.tools"
_CALLS, _ALONE = "tool-augmented.calls", "tool-augmented.alone"


class ToolAugmentedConfig(VerifierConfig):
    """Options of ``tool-augmented``."""

    mode: Literal["labels", "verdict"] = "labels"
    """``labels``: P(Yes) of one word in a last turn. ``verdict``: a number that is written there."""
    tools: Names = ("check-arithmetic", "calculator", "calendar", "python")
    """Names of the tools that it may call; ``[]`` for none, the baseline."""
    calls: int = Field(default=3, ge=1, le=16)
    """Calls of tools in a verification at most."""
    samples: int = Field(default=1, ge=1, le=64)
    """Verifications of a candidate, averaged; more than one needs a temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of thoughts and calls; verdicts are read at 0."""
    max_tokens: int = Field(default=384, gt=0)
    """Completion tokens of a turn. Without tools the one turn may use those of all."""
    max_output: int = Field(default=2_000, ge=100)
    """Characters of a tool's output that the model is shown."""
    least_mass: float = Field(default=0.1, gt=0, le=1)
    """Yes and No with less probability than this together are no verdict: the model was about to write something else."""

    @model_validator(mode="after")
    def _samples_differ(self) -> ToolAugmentedConfig:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples need a temperature above 0, or they would all be the same")
        return self


class _Checking:
    """One scoring of some candidates: in each round every open verification says one thing more, then all tools are called."""

    def __init__(
        self, scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: ToolAugmentedConfig, node: str, visit: int
    ) -> None:
        self._scope, self._problem = scope, problem
        self._config, self._node, self._visit = config, node, visit
        self._spec = scope.spec(config.role)
        self._ratings = Ratings(scope, candidates, node=node, visit=visit)
        self._by_label = config.mode == "labels" and Ability.LOGPROBS in self._spec.abilities
        self._all = self._begun()
        self._rounds = Rounds(scope, self._ratings, self._all, self._score, role=config.role, node=node, visit=visit)
        self._given: dict[str, ToolResult] = {}
        """What every call gave, by :func:`..react_text.same_call`."""

    async def run(self) -> Scores:
        """Lead every verification to its end, or as far as the run goes."""
        if self._all and self._config.mode == "labels" and not self._by_label:
            said = f"{self._spec.name} gives no log-probabilities, so that it writes its verdicts"
            self._rounds.warn("tool_augmented_without_logprobs", said)
        reason, turn = StopReason.FINISHED, 0
        while reason is StopReason.FINISHED and not all(each.done for each in self._all):
            reason = await self._rounds.ask()
            if reason is StopReason.FINISHED:
                reason = await self._call_tools(turn)
            turn += 1
        unlabelled = sum(each.unlabelled for each in self._all)
        if unlabelled and reason is not StopReason.STEERED:
            said = f"in {unlabelled} of {len(self._all)} verifications {self._spec.name} began with neither Yes nor No, or has no"
            self._rounds.warn("tool_augmented_label_mass", f"{said} token for them; it was asked for a written verdict")
        return self._ratings.scores(reason)

    async def _call_tools(self, turn: int) -> StopReason:
        """A wave of tools: the calls that are wished for and were not made before."""
        waiting = [(each, each.wish) for each in self._all if each.wish is not None]
        new: dict[str, ToolRequest] = {}
        for _, wish in waiting:
            if wish.name in self._config.tools and same_call(wish) not in self._given:
                new.setdefault(same_call(wish), wish)
        if new:
            wave = await self._scope.call_tools(f"{self._node}-tools-{turn}", [*new.values()], visit=self._visit)
            if wave.stop_reason is not StopReason.FINISHED:
                return wave.stop_reason
            self._given |= {key: result for key, result in zip(new, wave.results, strict=True) if result is not None}
        for each, wish in waiting:
            each.show(self._given.get(same_call(wish)) or self._refusal(wish))
        return StopReason.FINISHED

    def _refusal(self, wish: ToolRequest) -> ToolResult:
        return ToolResult(error=f"there is no tool {wish.name[:80]!r}; the tools are: {', '.join(self._config.tools)}")

    def _begun(self) -> list[ToolCheck]:
        config = self._config
        tools = {name: self._scope.tools[name] for name in config.tools}
        rules = Rules(
            prompts=self._scope.prompts,
            tools=tools,
            calls=config.calls if tools else 0,
            by_label=self._by_label,
            least_mass=config.least_mass,
            max_tokens=config.max_tokens * (1 if tools else config.calls + 1),
            max_output=config.max_output,
            temperature=config.temperature,
        )
        return [
            ToolCheck(rules, group, self._ratings.place(group) * config.samples + sample, (self._opening(rules, candidate),))
            for group, candidate in enumerate(self._ratings.groups)
            for sample in range(config.samples)
        ]

    def _opening(self, rules: Rules, candidate: Candidate) -> Message:
        prompts, messages = self._scope.prompts, self._problem.messages
        offer = "\n".join(map(offered, rules.tools.values()))
        parts = {
            "tools": "\n" + fill(prompts[_TOOLS], calls=str(rules.calls), tools=offer) + "\n" if offer else "",
            "conversation": conversation(messages),
            "solution": defused(candidate.text),
            "how": prompts[_CALLS if offer else _ALONE],
        }
        return asking(fill(prompts[_TASK], **parts), messages)

    def _score(self, group: int, usage: Usage) -> Score:
        mine = [each for each in self._all if each.group == group]
        values = [each.value for each in mine if each.value is not None]
        value = fmean(values) if values else None
        return Score(
            verifier=NAME,
            value=value,
            raw=value,
            rationale="\n\n".join(said for each in mine for said in (each.rationale, each.failure) if said),
            evidence=tuple(call for each in mine for call in each.evidence),
            usage=usage,
        )


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: ToolAugmentedConfig, *, node: str, visit: int = 0
) -> Scores:
    return await _Checking(scope, problem, candidates, config, node, visit).run()


def _cost(config: ToolAugmentedConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    """A verification is a turn, one after each tool, a verdict, and one more where that cannot be read.

    At least, one text is that of every candidate and calls no tool. What models that its tools ask are called comes on top.
    """
    first = 1 if Ability.N in playing(team, config.role).abilities else config.samples
    turns = config.calls if config.tools else 0
    return CallBounds(first + config.samples, work.candidates * (first + config.samples * (turns + 2)))


def _prompts(_problem: Problem, config: ToolAugmentedConfig) -> tuple[str, ...]:
    how = (_TOOLS, _CALLS, LAST) if config.tools else (_ALONE,)
    return (_TASK, *how, *((LABEL,) if config.mode == "labels" else ()), WRITTEN, AGAIN)


VERIFIER = Verifier(
    name=NAME,
    summary="Have a model check a solution with tools before it judges it.",
    paper="Li et al. 2024, Themis (arXiv 2310.01045), with a model that was not trained for it",
    config=ToolAugmentedConfig,
    score=_score,
    cost=_cost,
    prompts=_prompts,
    uses=frozenset({Ability.LOGPROBS, Ability.N}),
    tools=lambda config: config.tools,
)
