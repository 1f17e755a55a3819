"""``tournament``: sample several solutions, and have a model compare them in pairs until one is left.

Source: Toshniwal et al. 2025, "GenSelect: A Generative Approach to Best-of-N", whose model reads all candidates at once, reasons,
and chooses one; pairs judged in both orders, against the preference that models have for a place: Zheng et al. 2023, "Judging
LLM-as-a-Judge" (arXiv 2306.05685). We differ from both: matches are a knock-out, one candidate stands for each different answer,
seeded by its votes, and a split verdict goes to the answer with more votes.

Invariants: see :mod:`.bracket` for what holds with a given judge of pairs, :mod:`.choosing` for what no model promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import prompts_for
from ..agents.selector import ROLE, Choosing, choice_call, read_choice
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from ..core.result import StopReason
from .bracket import Match, Verdict, goes_on, next_round, seeded, share_of_wins
from .choosing import conclude, grouped, selected, warn_of_shortened
from .sampling import Plan, Planned, Sampled, propose, sampling_cost
from .selection import majority
from .strategy import Context, State, Strategy

_PROMPT = "selector.pair"


class TournamentConfig(Choosing, Planned):
    """Options of ``tournament``."""

    n: int = Field(default=8, ge=1, le=128)
    """Samples. One of each different answer plays; where answers cannot be compared, all do."""
    both_orders: bool = True
    """Have every pair judged in both orders. Otherwise in one, drawn by the run's seed."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched)


class _State(Sampled):
    seeds: Required[list[str]]
    """Ids of all who play, by seed."""
    alive: Required[list[str]]
    """Those of them who have not lost yet."""
    verdicts: Required[list[Verdict]]
    round: Required[int]


_Runtime = Runtime[Context[TournamentConfig]]


async def _seed(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """One candidate for each different answer, by votes. No call is made."""
    candidates, groups = await grouped(runtime.context, state)
    seeds = [candidates[place].id for place in seeded(groups)]
    return {"seeds": seeds, "alive": seeds, "verdicts": [], "round": 0}


async def _judge(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the selector: all matches of a round."""
    context, number, cut = runtime.context, state["round"], state["stop_reason"]
    scope, config = context.scope, context.config
    through, matches = next_round(state["alive"])
    asked = [pair for place, match in enumerate(matches) for pair in _orders(scope, config, match, number, place)]
    verdicts = list(state["verdicts"])

    async def consume(result: CallResult) -> bool:
        pair = asked[result.index]
        place = read_choice(result, 2)
        if place is not None:
            verdicts.append(Verdict(pair[place], pair[1 - place]))
        return False

    calls = [
        choice_call(
            scope,
            "judge",
            context.problem,
            [scope.candidates[key] for key in pair],
            config,
            prompt=_PROMPT,
            visit=number,
            index=index,
        )
        for index, pair in enumerate(asked)
    ]
    wave = await scope.judging().wave("judge", calls, consume=consume, visit=number)
    left = {*through, *(goes_on(match, verdicts) for match in matches)}
    return {
        "alive": [key for key in state["seeds"] if key in left],
        "verdicts": verdicts,
        "round": number + 1,
        "stop_reason": wave.stop_reason if cut is StopReason.FINISHED else cut,
    }


async def _crown(state: _State, runtime: _Runtime) -> State:
    """Who is left, or the best seed of those who are where the run was cut."""
    context, reason = runtime.context, state["stop_reason"]
    candidates, groups = await grouped(context, state)
    seeds, verdicts = state["seeds"], state["verdicts"]
    choice = None
    if len(seeds) == 1:
        choice = majority(candidates, groups)
    elif verdicts:
        champion = state["alive"][0]
        choice = selected(context.scope.candidates[champion], share_of_wins(champion, verdicts))
    if len(seeds) > 1 and reason is not StopReason.STEERED:
        warn_of_shortened(context, [context.scope.candidates[key] for key in seeds])
    return {"outcome": conclude(context, candidates, groups, choice, reason=reason, node="crown")}


def _orders(scope: Scope, config: TournamentConfig, match: Match, number: int, place: int) -> Sequence[tuple[str, str]]:
    """In which orders a pair is shown."""
    there, back = (match.favourite, match.rival), (match.rival, match.favourite)
    return [there, back] if config.both_orders else [scope.rng("judge", number, place).choice([there, back])]


def _next(state: _State) -> Literal["judge", "crown"]:
    """The first round is tried even where the samples took most of the budget: what does not fit is not asked."""
    more = len(state["alive"]) > 1 and (state["round"] == 0 or state["stop_reason"] is StopReason.FINISHED)
    return "judge" if more else "crown"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("seed", _seed)
    graph.add_node("judge", _judge)
    graph.add_node("crown", _crown)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "seed")
    graph.add_conditional_edges("seed", _next, ["judge", "crown"])
    graph.add_conditional_edges("judge", _next, ["judge", "crown"])
    graph.add_edge("crown", END)
    return graph.compile()


def _cost(config: TournamentConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The samples; then as many matches as n different answers need, or none where all agree."""
    samples = sampling_cost(config, team, problem)
    return CallBounds(samples.least, samples.most + (config.n - 1) * (2 if config.both_orders else 1))


STRATEGY = Strategy(
    name="tournament",
    summary="Sample several solutions, and have a model compare the different answers in pairs until one is left.",
    paper="Toshniwal et al. 2025, GenSelect; pairs in both orders: Zheng et al. 2023 (arXiv 2306.05685)",
    config=TournamentConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (*prompts_for(problem), _PROMPT),
    roles=lambda _config: {ROLE: frozenset({Ability.CHAT})},
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
