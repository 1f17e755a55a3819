"""What a run may take at most: what must fit an experiment's cap before the run begins."""

from __future__ import annotations

from ...agents.policy import ROLE as POLICY
from ...agents.policy import Sampling
from ...core.budget import CallBounds
from ...core.calls import ChatRequest
from ...core.problem import Message
from ...core.records import RunSpec
from ...core.usage import Amounts, Usage
from ...graphs.registry import STRATEGIES
from ...runtime.fit import upper_bound


def call_bounds(spec: RunSpec) -> CallBounds:
    """Model calls of a run."""
    strategy = STRATEGIES.get(spec.strategy)
    return strategy.cost(strategy.configure(spec.config), spec.models, spec.problem)


def samples(spec: RunSpec) -> int:
    """Completions that the policy of a run writes at most."""
    strategy = STRATEGIES.get(spec.strategy)
    if strategy.samples is not None:
        return strategy.samples(strategy.configure(spec.config))
    return int(spec.config.get("n", call_bounds(spec).most))


def most(spec: RunSpec, call_timeout: float) -> Amounts:
    """Upper bound of what a run may take, within its own budget.

    Of a policy that the strategy itself calls: its prompt for every call, ``max_tokens`` for every sample. Of later prompts of a
    conversation, and of what verifiers and other roles are asked, nothing is known but the size of the model's context, which
    every such call is taken to fill.
    """
    strategy = STRATEGIES.get(spec.strategy)
    config = strategy.configure(spec.config)
    calls = strategy.cost(config, spec.models, spec.problem).most
    found = _of_policy(spec, calls, call_timeout) if POLICY in strategy.abilities else Amounts()
    judging = {role for verifier in strategy.verifiers(config) for role in verifier.needs}
    for role in (strategy.needs(config).keys() - {POLICY}) | judging:
        model = spec.models[role]
        full = ChatRequest(messages=spec.problem.messages, max_tokens=model.context)
        found = found.plus(_times(upper_bound(model, full, model.context, call_timeout), calls))
    found = found._replace(calls=calls)
    caps = [getattr(spec.budget, name) for name in Amounts._fields]
    return Amounts(*[amount if cap is None else min(amount, cap) for amount, cap in zip(found, caps, strict=True)])


def _of_policy(spec: RunSpec, calls: int, call_timeout: float) -> Amounts:
    strategy = STRATEGIES.get(spec.strategy)
    config = strategy.configure(spec.config)
    model = spec.models[POLICY]
    asked = ChatRequest(
        messages=(*spec.problem.messages, Message(role="system", content="\n\n".join(spec.prompts.values()))),
        max_tokens=config.max_tokens if isinstance(config, Sampling) else model.context,
    )
    prompt = model.context if strategy.converses or strategy.roles(config) else asked.prompt_bound()
    found = _times(upper_bound(model, asked, prompt, call_timeout), calls)
    if (extra := samples(spec) - calls) > 0:  # several in one request, whose prompt is paid once
        found = found.plus(_times(upper_bound(model, asked, 0, 0.0), extra))
    return found


def _times(usage: Usage, times: int) -> Amounts:
    return Amounts().plus(Amounts.of(usage), times)
