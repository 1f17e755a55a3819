"""``cross-lingual``: reason in several languages, vote over all of them.

Source: Cross-Lingual Consistency (arXiv 2504.01857), whose prompts, budget and tie rule are not published: those are ours (see
:mod:`.by_language`). ``mode`` says where the difference between the languages comes from:

* ``solve-in-language``: every path is told in which language to reason, about the question as it is;
* ``translate-then-solve``: and it is shown the question in that language, as the translator said it, one call a language;
* ``parallel``: and it is shown the problem's own translation, which is privileged information where people made it;
* ``align-then-solve``: the translator first explains the task in that language, a call a path; then the path is asked to solve
  it. CLSP, after Qin et al. 2023, "Cross-lingual Prompting" (arXiv 2310.14799), with their temperatures of 1 and 0.2.

A question that cannot be translated is asked as it is, which is a declared fallback. A path whose explanation failed is lost.
The translations, or explanations, are one wave before the first path, so that a budget may end with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from itertools import count
from typing import Annotated, Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field, field_validator, model_validator

from ..agents.policy import ROLE, Sampling, keep_candidates, one_request, prompt_name, sampled, with_role_prompt
from ..agents.quoted import fill
from ..agents.translator import PROMPTS as TRANSLATOR_PROMPTS
from ..agents.translator import ROLE as TRANSLATOR
from ..agents.translator import Translation, explain_call, read_translation, retold, translate_call
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.errors import ProblemError, UnknownNameError
from ..core.events import Warned
from ..core.languages import base_code, language
from ..core.model_spec import Ability, ModelSpec
from ..core.options import Names
from ..core.problem import Message, Problem
from ..core.protocols import Scope
from ..core.result import Outcome, StopReason
from .by_language import elect, votes_by_language
from .selection import VOTED_KINDS, tally
from .stopping import beta_agrees
from .strategy import Context, State, Strategy
from .views import Batch, Path, batches, in_turn, share

_REASON, _SOLVE = "cross-lingual.reason", "cross-lingual.solve"
_ATTEMPTS = 2
"""At a translation."""
_ALIGNED = 0.2
"""The temperature of solving after an explanation, as in CLSP."""


class CrossLingualConfig(Sampling):
    """Options of ``cross-lingual``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Paths, split evenly, what is left over to the question's own language first; with ``stop=beta`` the most there can be."""
    languages: Names = Field(default=("en", "de", "es", "fr", "ja", "ru", "zh"), min_length=1)
    """Codes of the languages to reason in, such as ``--set languages=en,de,zh``; paths are taken in this order."""
    mode: Literal["solve-in-language", "translate-then-solve", "parallel", "align-then-solve"] = "solve-in-language"
    """Only reason in the language; or about the question translated by the model, or by the problem's own translations; or after
    an explanation of the task in the language."""
    temperature: float = Field(default=0.7, ge=0, le=2)
    """Sampling temperature; 0.2 by default with ``mode=align-then-solve``."""
    align_temperature: float = Field(default=1.0, ge=0, le=2)
    """Temperature of the explanations of ``align-then-solve``."""
    weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(default={})
    """What a vote in a language weighs, such as ``--set weights.en=2``; 1 where nothing is said."""
    stop: Literal["fixed", "beta"] = "fixed"
    """``fixed`` takes all n paths; ``beta`` stops when the leading answer is sure to keep its majority."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """How sure ``beta`` must be. At 0.95 four equal answers are enough."""
    window: int = Field(default=4, ge=1)
    """Calls in flight under ``beta``."""
    batched: bool = True
    """Ask for all paths of a language in one request where the model has the ability ``n``: its prompt is paid once."""

    @model_validator(mode="before")
    @classmethod
    def _cooler_after_an_explanation(cls, given: Any) -> Any:
        """Complete the temperature, so that a stored run says all that decided it."""
        if isinstance(given, Mapping) and given.get("mode") == "align-then-solve" and "temperature" not in given:
            return {**given, "temperature": _ALIGNED}
        return given

    @field_validator("languages")
    @classmethod
    def _known_once(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        for code in languages:
            language(code)
            if languages.count(code) > 1:
                raise ValueError(f"language {code} is given twice")
        return languages

    @model_validator(mode="after")
    def _weights_fit(self) -> CrossLingualConfig:
        for code in self.weights:
            if code not in self.languages:
                raise UnknownNameError("language", code, self.languages, where="weights")
        if self.weights and self.stop == "beta":
            raise ValueError("stop=beta counts votes, and does not go with weights")
        return self


class _State(State, total=False):
    """What there is depends on the mode: whatever is not there yet is empty."""

    visit: int
    """Attempts made at translations."""
    translations: dict[str, Translation]
    explanations: dict[Path, str]
    ids: dict[Path, str]
    stop_reason: StopReason


_Context = Context[CrossLingualConfig]
_Runtime = Runtime[_Context]


async def _translate(state: _State, runtime: _Runtime) -> _State:
    """A wave of the translator: the question in each other language; then once more where it cannot be used."""
    context = runtime.context
    scope, problem, visit = context.scope, context.problem, state.get("visit", 0)
    before = state.get("translations", {})
    codes = _unusable(before) if visit else _foreign(_shares(context.config, problem), problem)
    found = dict(before)

    async def consume(result: CallResult) -> bool:
        code = codes[result.index]
        found[code] = read_translation(result, problem, code)
        return False

    calls = [translate_call(scope, "translate", problem, code, visit=visit, before=before.get(code)) for code in codes]
    wave = await scope.wave("translate", calls, consume=consume, visit=visit)
    return {"translations": found, "visit": visit + 1, "stop_reason": wave.stop_reason}


async def _align(state: _State, runtime: _Runtime) -> _State:  # noqa: ARG001
    """A wave of the translator: the task explained in its language, for every path."""
    context = runtime.context
    scope, config = context.scope, context.config
    asked = _batches(config, context.problem, scope.spec(TRANSLATOR), batched=config.batched)
    found: dict[Path, str] = {}

    async def consume(result: CallResult) -> bool:
        if result.reply is not None:
            texts = (choice.text.strip() for choice in result.reply.choices)
            found.update(zip(asked[result.index].paths, texts, strict=False))
        return False

    calls = [_align_call(context, batch) for batch in asked]
    wave = await scope.wave("align", calls, consume=consume)
    return {"explanations": found, "stop_reason": wave.stop_reason}


async def _propose(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: every path, or as many as the stopping rule wants."""
    context = runtime.context
    scope, config = context.scope, context.config
    shares = _shares(config, context.problem)
    problems = {code: _problem_in(context, state, code) for code in shares}
    _warn_of_fallbacks(context, state)
    asked = _batches(config, context.problem, scope.spec(ROLE), batched=_batched(config))
    if config.mode == "align-then-solve":
        asked = [batch for batch in asked if batch.first in state.get("explanations", {})]
    ids: dict[Path, str] = {}

    def keep(result: CallResult, *, counted: bool = True) -> dict[Path, str]:
        batch = asked[result.index]
        kept = keep_candidates(scope, result, problems[batch.first.view], config, counted=counted)
        return dict(zip(batch.paths, kept, strict=False))

    async def consume(result: CallResult) -> bool:
        ids.update(keep(result))
        return config.stop == "beta" and beta_agrees(await _groups(scope, list(ids.values())), config.confidence)

    calls = [_propose_call(context, state, problems[batch.first.view], batch) for batch in asked]
    window = config.window if config.stop == "beta" else None
    wave = await scope.wave("propose", calls, consume=consume, window=window)
    for result in wave.late:
        keep(result, counted=False)
    before = _reason(state)
    return {"ids": ids, "stop_reason": wave.stop_reason if before is StopReason.FINISHED else before}


async def _vote(state: _State, runtime: _Runtime) -> State:
    """One vote over the paths of all languages, and what each language gave to it."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    shares, ids = _shares(config, problem), state.get("ids", {})
    paths = [path for path in in_turn(shares) if path in ids]
    candidates, languages = [scope.candidates[ids[path]] for path in paths], [path.view for path in paths]
    groups = await _groups(scope, [candidate.id for candidate in candidates])
    own, by = base_code(problem.language), "weighted" if config.weights else "majority"
    selections = {"majority": elect(candidates, groups, languages, own=own, weights={})}
    if config.weights:
        selections["weighted"] = elect(candidates, groups, languages, own=own, weights=config.weights)
    winner = selections[by]
    outcome = Outcome(
        candidates=tuple(candidate.id for candidate in candidates),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, groups),
        languages=votes_by_language(candidates, groups, languages, shares=shares, pick=winner.candidate),
        decided_by=by,
        stop_reason=_reason(state),
    )
    return {"outcome": outcome}


def _begin(state: _State, runtime: _Runtime) -> Literal["translate", "align", "propose"]:  # noqa: ARG001
    match runtime.context.config.mode:
        case "translate-then-solve":
            return "translate"
        case "align-then-solve":
            return "align"
        case _:
            return "propose"


def _translated(state: _State) -> Literal["translate", "propose", "vote"]:
    """A run that a person stopped may go on from here: nothing is made of what is missing."""
    left = state.get("visit", 0) < _ATTEMPTS and _reason(state) is StopReason.FINISHED
    return "translate" if left and _unusable(state.get("translations", {})) else _aligned(state)


def _aligned(state: _State) -> Literal["propose", "vote"]:
    return "vote" if _reason(state) is StopReason.STEERED else "propose"


def _reason(state: _State) -> StopReason:
    return state.get("stop_reason", StopReason.FINISHED)


def _shares(config: CrossLingualConfig, problem: Problem) -> dict[str, int]:
    return share(config.n, config.languages, base_code(problem.language))


def _foreign(shares: Mapping[str, int], problem: Problem) -> list[str]:
    """The languages that have paths, but for the question's own."""
    return [code for code, paths in shares.items() if paths and code != base_code(problem.language)]


def _unusable(translations: Mapping[str, Translation]) -> list[str]:
    """The languages whose translation is worth asking for once more: a call that failed was repeated already."""
    return [code for code, translation in translations.items() if translation.error and not translation.failed]


def _batched(config: CrossLingualConfig) -> bool:
    """A stopping rule must see paths one by one, and every explanation is another prompt."""
    return config.batched and config.stop == "fixed" and config.mode != "align-then-solve"


def _batches(config: CrossLingualConfig, problem: Problem, spec: ModelSpec, *, batched: bool) -> list[Batch]:
    return batches(_shares(config, problem), lambda paths: one_request(spec, paths, batched=batched))


def _align_call(context: _Context, batch: Batch) -> ModelCall:
    config, (code, index) = context.config, batch.first
    sampling = {"temperature": config.align_temperature, "max_tokens": config.max_tokens, "n": batch.size}
    return explain_call(context.scope, "align", context.problem, code, index=index, **sampling)


def _propose_call(context: _Context, state: _State, problem: Problem, batch: Batch) -> ModelCall:
    """Its seed depends on language and number alone: other languages beside it change no path."""
    scope, (code, index) = context.scope, batch.first
    told = fill(scope.prompts[_REASON], language=str(language(code)))
    messages = with_role_prompt(problem.messages, f"{scope.prompts[prompt_name(problem)]}\n{told}")
    if context.config.mode == "align-then-solve":
        explained = Message(role="assistant", content=state.get("explanations", {})[batch.first] or "(nothing)")
        solve = fill(scope.prompts[_SOLVE], language=str(language(code)))
        messages = (*messages, explained, Message(role="user", content=solve))
    return sampled(scope, f"propose.{code}", messages, context.config, index=index, n=batch.size)


def _problem_in(context: _Context, state: _State, code: str) -> Problem:
    """The problem as the paths in this language are shown it, and their answers read."""
    problem, mode = context.problem.model_copy(update={"language": code}), context.config.mode
    if code == base_code(context.problem.language):
        return problem
    if mode == "parallel":
        return retold(problem, problem.translations[code]) if code in problem.translations else problem
    translation = state.get("translations", {}).get(code)
    return retold(problem, translation.said) if translation is not None and not translation.error else problem


def _warn_of_fallbacks(context: _Context, state: _State) -> None:
    """Say which languages have no translation, and why."""
    if context.config.mode != "translate-then-solve":
        return
    missing = Translation("", f"no call was left for it ({_reason(state)})")
    for index, code in enumerate(_foreign(_shares(context.config, context.problem), context.problem)):
        why = state.get("translations", {}).get(code, missing).error
        if why:
            message = f"{language(code).name} is reasoned in about the question as it is, without a translation: {why}"
            path = context.scope.path
            context.scope.emit(Warned(scope=path, node="translate", index=index, code="not_translated", message=message))


async def _groups(scope: Scope, ids: list[str]) -> tuple[int, ...]:
    return await group([scope.candidates[key].answer for key in ids], scope.same_answer)


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("translate", _translate)
    graph.add_node("align", _align)
    graph.add_node("propose", _propose)
    graph.add_node("vote", _vote)
    graph.add_conditional_edges(START, _begin, ["translate", "align", "propose"])
    graph.add_conditional_edges("translate", _translated, ["translate", "propose", "vote"])
    graph.add_conditional_edges("align", _aligned, ["propose", "vote"])
    graph.add_edge("propose", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: CrossLingualConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The paths, or as few as settle the vote; before them the translations, each once more at most, or the explanations."""
    most = len(_batches(config, problem, team[ROLE], batched=_batched(config)))
    enough = next(votes for votes in count(1) if beta_agrees([0] * votes, config.confidence))
    least = min(most, enough) if config.stop == "beta" else most
    if config.mode == "translate-then-solve":
        translations = len(_foreign(_shares(config, problem), problem))
        return CallBounds(least + translations, most + _ATTEMPTS * translations)
    if config.mode == "align-then-solve":
        explanations = len(_batches(config, problem, team[TRANSLATOR], batched=config.batched))
        return CallBounds(least + explanations, most + explanations)
    return CallBounds(least, most)


def _roles(config: CrossLingualConfig) -> dict[str, frozenset[Ability]]:
    return {TRANSLATOR: frozenset({Ability.CHAT})} if config.mode in {"translate-then-solve", "align-then-solve"} else {}


def _accepts(config: CrossLingualConfig, problem: Problem) -> None:
    lacking = [code for code in _foreign(_shares(config, problem), problem) if code not in problem.translations]
    if config.mode == "parallel" and lacking:
        raise ProblemError(
            f"the problem brings no translation into {', '.join(lacking)}, which mode=parallel needs",
            hint="give it some in `translations`, leave the languages out, or take mode=translate-then-solve",
        )


STRATEGY = Strategy(
    name="cross-lingual",
    summary="Reason in several languages and vote over all of them; optionally translate or explain the question first.",
    paper="Cross-Lingual Consistency (arXiv 2504.01857); mode=align-then-solve: Qin et al. 2023, CLSP (arXiv 2310.14799)",
    config=CrossLingualConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (prompt_name(problem), _REASON, _SOLVE, *TRANSLATOR_PROMPTS),
    roles=_roles,
    accepts=_accepts,
    kinds=VOTED_KINDS,
)
