"""The policy agent: asks a model to solve the problem and reads candidates out of its replies."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from ..core.answers import extract
from ..core.base import Frozen
from ..core.calls import CallResult, ChatRequest, Choice, FinishReason, ModelCall, Reply
from ..core.candidate import Answer, Candidate
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message, Problem
from ..core.protocols import Scope
from ..core.random import sample_seed

ROLE = "policy"


class Sampling(Frozen):
    """How the policy samples. A strategy's config extends this with its own options."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    temperature: float = Field(default=0.7, ge=0, le=2)
    """Sampling temperature."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus sampling: the smallest set of tokens with this much probability."""
    max_tokens: int = Field(default=1024, gt=0)
    """Completion tokens a sample may use."""
    last_number: bool = True
    """Read the last number of a whole text as its answer where the model marked none. Every run says how often it did."""
    logprobs: bool = False
    """Ask for the log-probability of every sample, which experiments record. Needs a model with the ability ``logprobs``."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the policy's model must be able to do beside chat."""
        return frozenset({Ability.LOGPROBS}) if self.logprobs else frozenset()


def prompt_name(problem: Problem) -> str:
    """The prompt file for this kind of answer."""
    return f"policy.{problem.answer_kind}"


def policy_call(
    scope: Scope, node: str, problem: Problem, sampling: Sampling, *, visit: int = 0, index: int = 0, n: int = 1
) -> ModelCall:
    """The call for sample ``index`` of a visit of ``node``, or for samples ``index`` to ``index + n - 1`` in one request."""
    messages = with_role_prompt(problem.messages, scope.prompts[prompt_name(problem)])
    return sampled(scope, node, messages, sampling, visit=visit, index=index, n=n)


def sampled(
    scope: Scope,
    node: str,
    messages: tuple[Message, ...],
    sampling: Sampling,
    *,
    visit: int = 0,
    index: int = 0,
    n: int = 1,
    **more: Any,
) -> ModelCall:
    """A call of the policy on ``messages``, sampled as asked for; ``more`` are further fields of the request."""
    request = ChatRequest(
        messages=messages,
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        n=n,
        seed=sample_seed(scope.seed, f"{scope.path}/{node}", visit, index),
        logprobs=0 if sampling.logprobs else None,
        **more,
    )
    return ModelCall(role=ROLE, request=request)


def one_request(spec: ModelSpec, n: int, *, batched: bool) -> bool:
    """Whether ``n`` samples are asked for in one request, whose prompt is paid once."""
    return batched and n > 1 and Ability.N in spec.abilities


def sample_calls(
    scope: Scope, node: str, problem: Problem, sampling: Sampling, n: int, *, batched: bool, visit: int = 0
) -> list[ModelCall]:
    """The calls for ``n`` samples: one where ``batched`` is set and the model able, else one each."""
    if one_request(scope.spec(ROLE), n, batched=batched):
        return [policy_call(scope, node, problem, sampling, visit=visit, n=n)]
    return [policy_call(scope, node, problem, sampling, visit=visit, index=index) for index in range(n)]


def with_role_prompt(messages: tuple[Message, ...], prompt: str) -> tuple[Message, ...]:
    """Add a role's prompt as system text beside the user's own, never in its place."""
    first = messages[0]
    if first.role == "system" and isinstance(first.content, str):
        return (first.model_copy(update={"content": f"{first.content}\n\n{prompt}"}), *messages[1:])
    return (Message(role="system", content=prompt), *messages)


def keep_candidates(scope: Scope, result: CallResult, problem: Problem, sampling: Sampling, *, counted: bool = True) -> list[str]:
    """Put one candidate per choice of a successful call into the pool, none for a failed one; their ids."""
    candidates = read_candidates(result, problem, sampling)
    for candidate in candidates:
        scope.add(candidate if counted else candidate.model_copy(update={"counted": False}))
    return [candidate.id for candidate in candidates]


def read_candidates(result: CallResult, problem: Problem, sampling: Sampling) -> list[Candidate]:
    """One candidate per choice of a successful call, none for a failed one. Thinking is kept apart and never read for answers."""
    reply = result.reply
    if reply is None:
        return []
    return [_candidate(result.key, reply, number, problem, sampling) for number in range(len(reply.choices))]


def read_answer(text: str, finish: FinishReason, problem: Problem, sampling: Sampling) -> Answer | None:
    """The answer that a text of the policy's gives."""
    # The last number of a text that was cut off is a number on the way, no answer.
    last_number = sampling.last_number and finish is not FinishReason.LENGTH
    return extract(text, problem.answer_kind, language=problem.language, last_number=last_number)


def _candidate(key: str, reply: Reply, number: int, problem: Problem, sampling: Sampling) -> Candidate:
    choice = reply.choices[number]
    return Candidate(
        id=f"{key}#{number}",
        text=choice.text,
        thinking=choice.thinking,
        refusal=choice.refusal,
        answer=read_answer(choice.text, choice.finish_reason, problem, sampling),
        language=problem.language,
        model=reply.model,
        finish_reason=choice.finish_reason,
        tool_calls=choice.tool_calls,
        logprob=choice.logprob,
        completion_tokens=_completion_tokens(reply, choice),
    )


def _completion_tokens(reply: Reply, choice: Choice) -> int | None:
    """A server counts the tokens of all choices together: those of one are known where it is alone or told token by token."""
    if len(reply.choices) == 1 and not reply.usage_estimated:
        return reply.completion_tokens
    return len(choice.logprobs) or None


def prompts_for(problem: Problem) -> tuple[str, ...]:
    """Names of the prompt files the policy uses."""
    return (prompt_name(problem),)
