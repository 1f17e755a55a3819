"""``second-opinion``: asks for one solution after the other until two agree.

A strategy is a LangGraph state machine whose nodes make waves of model calls in a scope. The scope journals every reply before
it is used: that is what makes budgets, resuming and replays work without a line about them here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from symposia.agents.policy import Sampling, keep_candidates, policy_call, prompts_for, with_role_prompt
from symposia.core.answers import group
from symposia.core.budget import CallBounds
from symposia.core.calls import CallResult
from symposia.core.problem import AnswerKind
from symposia.core.result import Outcome, StopReason
from symposia.graphs.selection import select_all, tally
from symposia.graphs.strategy import Context, State, Strategy

DOUBT = "second_opinion:doubt"
"""The prompt file ``doubt.md`` of this package."""


class SecondOpinionConfig(Sampling):
    """Options of ``second-opinion``, beside those of sampling."""

    opinions: int = Field(default=3, ge=2, le=16)
    """Solutions it asks for at most."""


class _State(State):
    """Ids and small records only: the candidates themselves live in the run."""

    ids: list[str]
    visit: int
    groups: list[int]
    done: bool
    stop_reason: StopReason


async def _ask(state: _State, runtime: Runtime[Context[SecondOpinionConfig]]) -> _State:
    """One more solution."""
    scope, problem, config = runtime.context.scope, runtime.context.problem, runtime.context.config
    ids, visit = list(state.get("ids", [])), state.get("visit", 0)

    async def consume(result: CallResult) -> bool:
        ids.extend(keep_candidates(scope, result, problem, config))  # a failed call adds none, and the others carry on
        return False

    call = policy_call(scope, "ask", problem, config, index=visit)
    if visit > 0:
        messages = with_role_prompt(call.request.messages, scope.prompts[DOUBT])
        call = call.model_copy(update={"request": call.request.model_copy(update={"messages": messages})})
    # The visit tells the waves of one node apart: together they are the key of each call in the journal.
    wave = await scope.wave("ask", [call], consume=consume, visit=visit)

    groups = list(await group([scope.candidates[key].answer for key in ids], scope.same_answer))
    agreed = any(groups.count(number) > 1 for number in groups if number >= 0)
    return {
        "ids": ids,
        "visit": visit + 1,
        "groups": groups,
        "done": agreed or wave.stop_reason is not StopReason.FINISHED or visit + 1 == config.opinions,
        "stop_reason": StopReason.AGREED if agreed else wave.stop_reason,
    }


async def _decide(state: _State, runtime: Runtime[Context[SecondOpinionConfig]]) -> State:
    """The majority of what there is."""
    candidates = [runtime.context.scope.candidates[key] for key in state["ids"]]
    selections = select_all(candidates, state["groups"])
    winner = selections["majority"]
    outcome = Outcome(
        candidates=tuple(state["ids"]),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, state["groups"]),
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


def _next(state: _State) -> str:
    return "decide" if state["done"] else "ask"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("ask", _ask)
    graph.add_node("decide", _decide)
    graph.add_edge(START, "ask")
    graph.add_conditional_edges("ask", _next, ["ask", "decide"])
    graph.add_edge("decide", END)
    return graph.compile()


STRATEGY = Strategy(
    name="second-opinion",
    summary="Ask for one solution after the other until two agree.",
    paper="an example; compare Aggarwal et al. 2023 (arXiv 2305.11860)",
    config=SecondOpinionConfig,
    build=_build,
    cost=lambda config, _team, _problem: CallBounds(2, config.opinions),
    prompts=lambda problem: (*prompts_for(problem), DOUBT),
    kinds=frozenset({AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.JSON}),
)
