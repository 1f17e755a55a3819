"""``answer-stability``: write one chain step by step, force an answer at each step, and stop once it stays the same.

The frozen-model analogue of S-GRPO, Dai et al. 2025 (arXiv 2505.07686), which trains a model to stop early with answers that are
forced at several places of a chain. Ours trains nothing: the chain is one sample, written in pieces that end at blank lines.
After each the model is made to finish with a short answer, which the chain itself never sees, and the chain is left where
``agree`` such answers in a row are equal. A chain that ends by itself answers by itself. One that is cut (its tokens are
spent, a piece is empty or repeats the one before it, a call fails, the budget ends) has the answer that was last forced from it.

Every piece and every forced answer is a call, and is charged: without a server that keeps prompts in its cache, reading them anew
takes more than is saved. Nothing is voted on. That the same answer was forced twice is no measure of how sure it is, so that
results carry no confidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from typing import Any, Literal, NamedTuple, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents import forced_answer
from ..agents.forced_answer import closing, read_forced, stop_for
from ..agents.policy import ROLE, Sampling, prompt_name, read_answer, sampled, with_role_prompt
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult, Choice, FinishReason, ModelCall, Prefix
from ..core.candidate import Answer, Candidate
from ..core.marks import unmarked
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Problem
from ..core.result import Outcome, StopReason
from ..core.thinking import split_thinking
from .selection import VOTED_KINDS, select_all
from .stopping import last_agree
from .strategy import Context, State, Strategy

_BOUNDARY = "\n\n"


class AnswerStabilityConfig(Sampling):
    """Options of ``answer-stability``."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of the chain; answers are forced at 0."""
    max_tokens: int = Field(default=1024, gt=0)
    """Completion tokens the whole chain may use, forced answers left aside."""
    agree: int = Field(default=2, ge=1, le=64)
    """Forced answers in a row that must be equal."""
    pieces: int = Field(default=16, ge=1, le=256)
    """Pieces the chain is written in at most: the last one goes on to the end."""
    probe_tokens: int = Field(default=32, ge=16)
    """Completion tokens a forced answer may use."""


class _Chain(NamedTuple):
    """The chain so far."""

    id: str = ""
    """Of the candidate that it becomes."""
    model: str = ""
    pieces: tuple[Choice, ...] = ()
    tokens: int = 0
    going: Literal["on", "ended", "cut"] = "on"
    """``ended``: by itself."""

    @property
    def prefix(self) -> Prefix:
        """What it is continued from."""
        return reduce(Prefix.then, self.pieces, Prefix())

    def named(self, key: str, model: str) -> _Chain:
        """The chain as the candidate of its first call that did not fail."""
        return self if self.id else self._replace(id=f"{key}#0", model=model)


class _Forced(NamedTuple):
    """An answer that was forced."""

    pieces: int
    """After so many pieces of the chain."""
    text: str
    """What follows them: the words that forced it, and what the model said."""
    answer: Answer | None


class _State(State):
    chain: Required[_Chain]
    forced: Required[tuple[_Forced, ...]]
    """In their order, but for those whose calls failed."""
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[AnswerStabilityConfig]]


async def _write(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy: the next piece of the chain."""
    context, chain = runtime.context, state.get("chain", _Chain())
    config, visit = context.config, len(chain.pieces)
    longer: list[_Chain] = []

    async def consume(result: CallResult) -> bool:
        if result.reply is not None:
            tokens = len(result.reply.choices[0].tokens) or result.reply.completion_tokens
            first = chain.named(result.key, result.reply.model)
            longer.append(_longer(first, result.reply.choices[0], tokens, config.max_tokens))
        return False

    left = config.model_copy(update={"max_tokens": config.max_tokens - chain.tokens})
    more = {} if visit == config.pieces - 1 else {"stop": (_BOUNDARY,)}
    call = _call(context, "write", left, visit, chain.prefix, **more)
    wave = await context.scope.wave("write", [call], consume=consume, visit=visit)
    written = longer[0] if longer else chain._replace(going="cut")
    return {"chain": written, "forced": state.get("forced", ()), "stop_reason": wave.stop_reason}


async def _probe(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy: the answer that it would give now. As many equal ones as are wanted end the run as agreed."""
    context, chain, forced = runtime.context, state["chain"], list(state["forced"])
    scope, problem, config = context.scope, context.problem, context.config
    words, text, visit = scope.prompts[forced_answer.prompt_name(problem.answer_kind)], chain.prefix.text, len(chain.pieces)
    asked = closing(text, words)

    async def consume(result: CallResult) -> bool:
        nonlocal chain
        if result.reply is not None:
            chain, said = chain.named(result.key, result.reply.model), result.reply.choices[0].text
            forced.append(_Forced(visit, f"{asked}{said.rstrip()}", read_forced(words, said, problem)))
        groups = await group([each.answer for each in forced], scope.same_answer)
        return result.reply is not None and last_agree(groups, config.agree)

    short = config.model_copy(update={"temperature": 0.0, "max_tokens": config.probe_tokens, "logprobs": False})
    prefix = Prefix(text=unmarked(text + asked))
    call = _call(context, "probe", short, visit, prefix, stop=(stop_for(problem.answer_kind),))
    wave = await scope.wave("probe", [call], consume=consume, visit=visit)
    return {"chain": chain, "forced": tuple(forced), "stop_reason": wave.stop_reason}


async def _finish(state: _State, runtime: _Runtime) -> State:
    """The chain with its own answer, or up to the last one that was forced. One that was stopped goes on when it is resumed."""
    context, chain = runtime.context, state["chain"]
    settled = chain.going == "ended" or state["stop_reason"] is not StopReason.STEERED
    found = [_candidate(context, state)] if chain.id and settled else []
    for each in found:
        context.scope.add(each)
    selections = select_all(found, [0 if each.answer is not None else -1 for each in found])
    pick = selections["majority"].candidate
    ids = tuple(each.id for each in found)
    return {"outcome": Outcome(candidates=ids, pick=pick, selections=selections, stop_reason=state["stop_reason"])}


def _call(
    context: Context[AnswerStabilityConfig], node: str, sampling: Sampling, visit: int, prefix: Prefix, **more: Any
) -> ModelCall:
    messages = with_role_prompt(context.problem.messages, context.scope.prompts[prompt_name(context.problem)])
    return sampled(context.scope, node, messages, sampling, visit=visit, prefix=prefix, **more)


def _longer(chain: _Chain, piece: Choice, tokens: int, most: int) -> _Chain:
    """The chain with one more piece, and whether it goes on after it."""
    going: Literal["on", "ended", "cut"] = "on" if piece.stop is not None else "ended"
    repeated = not piece.text.strip() or (chain.pieces and piece.text == chain.pieces[-1].text)
    if piece.finish_reason is FinishReason.LENGTH or (going == "on" and (repeated or chain.tokens + tokens >= most)):
        going = "cut"
    return chain._replace(pieces=(*chain.pieces, piece), tokens=chain.tokens + tokens, going=going)


def _candidate(context: Context[AnswerStabilityConfig], state: _State) -> Candidate:
    chain, problem = state["chain"], context.problem
    pieces, last = [piece.text for piece in chain.pieces], _last_forced(state)
    if last is not None:
        pieces = [*pieces[: last.pieces], last.text]
    whole = "".join(pieces)
    thinking, text = split_thinking(whole)
    finish = FinishReason.STOP if last is not None else _finish_reason(chain)
    return Candidate(
        id=chain.id,
        text=text,
        thinking=thinking,
        refusal="" if last is not None else chain.pieces[-1].refusal,
        steps=tuple(filter(None, pieces)) if text == whole else (),
        answer=last.answer if last is not None else read_answer(text, finish, problem, context.config),
        language=problem.language,
        model=chain.model,
        finish_reason=finish,
        completion_tokens=None if last is not None else chain.tokens,
    )


def _last_forced(state: _State) -> _Forced | None:
    """What stands for the end of a chain that has none of its own: the last forced answer that can be read, if any can."""
    if state["chain"].going == "ended":
        return None
    readable = [each for each in state["forced"] if each.answer is not None]
    found = readable or (() if state["chain"].pieces else state["forced"])
    return found[-1] if found else None


def _finish_reason(chain: _Chain) -> FinishReason:
    return chain.pieces[-1].finish_reason if chain.going == "ended" else FinishReason.LENGTH


def _after_writing(state: _State) -> Literal["probe", "finish"]:
    more = state["chain"].going != "ended" and state["stop_reason"] is StopReason.FINISHED
    asked = state["forced"] and state["forced"][-1].pieces == len(state["chain"].pieces)  # the call for the next piece failed
    return "probe" if more and not asked else "finish"


def _after_probing(state: _State) -> Literal["write", "finish"]:
    return "write" if state["chain"].going == "on" and state["stop_reason"] is StopReason.FINISHED else "finish"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("write", _write)
    graph.add_node("probe", _probe)
    graph.add_node("finish", _finish)
    graph.add_edge(START, "write")
    graph.add_conditional_edges("write", _after_writing, ["probe", "finish"])
    graph.add_conditional_edges("probe", _after_probing, ["write", "finish"])
    graph.add_edge("finish", END)
    return graph.compile()


def _cost(config: AnswerStabilityConfig, _team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """One piece, where the chain ends with it; at most all pieces, each with an answer forced after it."""
    return CallBounds(1, 2 * config.pieces)


def _prompts(problem: Problem) -> tuple[str, ...]:
    return (prompt_name(problem), forced_answer.prompt_name(problem.answer_kind))


STRATEGY = Strategy(
    name="answer-stability",
    summary="Write one chain step by step, force an answer at each step, and stop once it stays the same.",
    paper="after Dai et al. 2025, S-GRPO (arXiv 2505.07686), without its training",
    config=AnswerStabilityConfig,
    build=_build,
    cost=_cost,
    prompts=_prompts,
    abilities={ROLE: frozenset({Ability.CHAT, Ability.PREFIX})},
    samples=lambda config: 2 * config.pieces,
    converses=True,
    kinds=VOTED_KINDS,
)
