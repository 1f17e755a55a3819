"""``contrastive``: sample several solutions, have a verifier rate them, and write another one in view of the best and of the
commonest mistake; it is taken where the verifier rates it above all samples.

Source: the prompt of SSB (arXiv 2512.05105), which shows a model a right solution and the commonest wrong one of its own, and has
it write a robust explanation. There gold answers say which is which, and a student is trained on the result; here a verifier says
it, and the result is a candidate. We differ in the gate, too: a refined solution is not to be trusted unseen, and so never takes
the place of one that is rated as high. Where nothing is rated well, or no other answer badly, nothing is written.

Invariants: those of ``best-of`` (see :func:`.selection.best_of`) for given scores; :func:`.contrast.contrast` keeps permutation
invariance and label symmetry. Of the whole neither monotony nor independence holds: one more candidate may change which two are
set against each other, and so what is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import keep_candidates, prompt_name, prompts_for, sampled, with_role_prompt
from ..agents.quoted import fill
from ..agents.selector import Reading, shown_beside, solutions
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.candidate import Candidate
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Message, Problem
from ..core.result import StopReason
from .choosing import grouped, warn_of_shortened
from .contrast import contrast
from .judged import Judged, score
from .sampling import Plan, Planned, Sampled, Vote, outcome, propose, sampling_cost
from .strategy import Context, State, Strategy

_PROMPT = "contrastive.reconcile"


class ContrastiveConfig(Reading, Judged, Planned):
    """Options of ``contrastive``."""

    n: int = Field(default=8, ge=2, le=1024)
    """Samples."""
    threshold: float = Field(default=0.5, gt=0, le=1)
    """A sample rated this high is good, one rated lower is bad."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched)

    @property
    def vote(self) -> Vote:
        """By the verifier's scores; of equals the earliest, so that what is written last is no sample's better."""
        return Vote("best-of", judge=self.verifier)


class _State(Sampled):
    contrasted: Required[list[str]]
    """Ids of the good and the bad sample; empty where there are no such two."""
    written: Required[list[str]]
    """The id of the solution written in view of them; empty where there is none."""


_Runtime = Runtime[Context[ContrastiveConfig]]


async def _reconcile(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy, where there are a good sample and a bad one."""
    context, reason = runtime.context, state["stop_reason"]
    scope, problem, config = context.scope, context.problem, context.config
    candidates, groups = await grouped(context, state)
    values = [candidate.scores[-1].value if candidate.scores else None for candidate in candidates]
    pair = contrast(groups, values, config.threshold)
    if pair is None or reason is not StopReason.FINISHED:
        return {"contrasted": [], "written": []}
    shown = [candidates[place] for place in pair]
    written: list[str] = []

    async def consume(result: CallResult) -> bool:
        written.extend(keep_candidates(scope, result, problem, config))
        return False

    call = sampled(scope, "reconcile", _asked(context, shown), config)
    wave = await scope.wave("reconcile", [call], consume=consume)
    return {"contrasted": [each.id for each in shown], "written": written, "stop_reason": wave.stop_reason}


async def _rescore(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the verifier, for what was written."""
    context, cut = runtime.context, state["stop_reason"]
    pool = context.scope.candidates
    able = [pool[key] for key in state["written"] if pool[key].answer is not None]
    scores = await context.config.judging.score(context.scope, context.problem, able, node="rescore")
    return {"stop_reason": scores.stop_reason if cut is StopReason.FINISHED else cut}


async def _select(state: _State, runtime: _Runtime) -> State:
    """Every selector on the samples and what was written; the one with the highest score wins."""
    context, reason = runtime.context, state["stop_reason"]
    scope, threshold = context.scope, context.config.threshold
    if state["contrasted"] and reason is not StopReason.STEERED:
        warn_of_shortened(context, [scope.candidates[key] for key in state["contrasted"]])
    if not state["contrasted"] and reason is StopReason.FINISHED:
        message = f"nothing was set against each other: no sample was rated {threshold} or more, or no other answer less"
        scope.emit(Warned(scope=scope.path, node="reconcile", code="no_contrast", message=message))
    all_of_them: Any = {**state, "samples": [*state["samples"], *state["written"]]}
    return {"outcome": await outcome(context, all_of_them, node="select")}


def _asked(context: Context[ContrastiveConfig], shown: list[Candidate]) -> tuple[Message, ...]:
    prompts = context.scope.prompts
    text = fill(prompts[_PROMPT], solutions=solutions([candidate.text for candidate in shown], context.config.shown))
    return with_role_prompt(shown_beside(context.problem.messages, text), prompts[prompt_name(context.problem)])


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("score", score)
    graph.add_node("reconcile", _reconcile)
    graph.add_node("rescore", _rescore)
    graph.add_node("select", _select)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "score")
    graph.add_edge("score", "reconcile")
    graph.add_edge("reconcile", "rescore")
    graph.add_edge("rescore", "select")
    graph.add_edge("select", END)
    return graph.compile()


def _cost(config: ContrastiveConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The samples and the judging of n different texts, or none where no sample holds an answer; then one more of each."""
    samples, judging = sampling_cost(config, team, problem), config.judging
    return CallBounds(samples.least, samples.most + judging.cost(team, config.n).most + 1 + judging.cost(team, 1).most)


STRATEGY = Strategy(
    name="contrastive",
    summary="Sample and rate several solutions, then write one in view of the best and of the commonest mistake; the best wins.",
    paper="SSB (arXiv 2512.05105), the prompt; the gate is our own",
    config=ContrastiveConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (*prompts_for(problem), _PROMPT),
    verifiers=lambda config: (config.judging,),
    samples=lambda config: config.n + 1,
    converses=True,
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
