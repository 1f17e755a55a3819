"""``judge``: a language model asked whether a solution, or each of its steps, is correct.

``labels`` asks for one word and reads P(Yes) = p(Yes) / (p(Yes) + p(No)) off the probabilities of the reply's first token: Zhang
et al. 2024, Generative Verifiers (arXiv 2408.15240), direct form. ``scoring`` reads the same off vLLM's ``/generative_scoring``,
all steps of a solution in one call. ``verdict`` lets the model reason first and reads the score it writes on its last line,
averaged over ``samples``: the chain-of-thought form, but for the number, which stands in for P(Yes) at the verdict token, since
that is not to be had from every server.

Asked by ``step``, the model judges each step given those before it, all of them at a time. Asked for the ``first-error``, it
reads the whole and names the first wrong step: the critic of ProcessBench (Zheng et al. 2024, arXiv 2412.06559). Steps before it
then score 1, it and those after it 0, averaged over samples; the paper takes the vote of the samples instead.

A verdict that cannot be read is asked for once more, in the written form. Four fallbacks are declared as events: a model that
gives no log-probabilities is asked in the written form at once; one that begins with something else than Yes or No (a thinking
model), or that has no token for a label, after its first reply; a second unreadable verdict is a score without a value.

Instructions planted in a solution stand in its prose, so that by default a judge of wholes is shown what computes
(:mod:`..views`), and all of it only where that says little: see the option ``view``. That it must read all of solutions in which
equations were expected is an event too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....core.budget import CallBounds
from ....core.candidate import Candidate
from ....core.model_spec import Ability, ModelSpec
from ....core.problem import Problem
from ....core.protocols import Scope
from ..rating import Scores
from ..verifier import Verifier, Workload, playing
from .judge_options import JudgeConfig
from .judging import NAME, RUBRIC, WORDINGS, Judging


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: JudgeConfig, *, node: str, visit: int = 0
) -> Scores:
    return await Judging(scope, problem, candidates, config, node=node, visit=visit).run()


def _cost(config: JudgeConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    """One text may be that of every candidate, of one step or of many; each question may have to be asked again."""
    questions = work.steps if config.unit == "step" else 1
    if config.mode == "scoring":
        return CallBounds(1, work.candidates * (1 + questions))
    first = config.samples if Ability.N not in playing(team, config.role).abilities else 1
    return CallBounds(first, work.candidates * questions * (first + 1))


def _needs(config: JudgeConfig) -> Mapping[str, frozenset[Ability]]:
    return {config.role: frozenset({Ability.CHAT, Ability.SCORING} if config.mode == "scoring" else {Ability.CHAT})}


def _prompts(_problem: Problem, config: JudgeConfig) -> tuple[str, ...]:
    return (*filter(None, WORDINGS[config.unit]), *((RUBRIC,) if config.rubric else ()))


VERIFIER = Verifier(
    name=NAME,
    summary="Ask a language model whether the solution, or each step of it, is correct.",
    paper="Zhang et al. 2024, Generative Verifiers (arXiv 2408.15240), with a model that was not trained for it",
    config=JudgeConfig,
    score=_score,
    cost=_cost,
    prompts=_prompts,
    needs=_needs,
    uses=frozenset({Ability.LOGPROBS, Ability.N}),
)
