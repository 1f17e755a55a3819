"""The conformance suite for strategies: ours pass, and each check finds what it is there to find."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import BaseModel

from symposia.agents.policy import Sampling, keep_candidates, policy_call, prompts_for
from symposia.core.budget import CallBounds
from symposia.core.calls import ModelCall
from symposia.core.events import Warned
from symposia.core.problem import Problem, Solution
from symposia.core.result import Outcome, Selection, StopReason
from symposia.core.sandbox import Ending, Execution
from symposia.graphs.registry import STRATEGIES
from symposia.graphs.strategy import Context, State, Strategy
from symposia.testing.conformance import Broken, Check
from symposia.testing.conformance_strategy import strategy_conformance


def judged(prompt: str, sample: int) -> dict[str, Any]:
    return {"content": "Yes", "labels": {"Yes": -0.5, "No": -1.0} if "{2}" in prompt else {"Yes": -1.5, "No": -0.3}}


def program(prompt: str, sample: int) -> str:
    return f"FAKE\n```python\nanswer = {(1, 1, 2)[sample % 3]}\n```"


def repaired_program(prompt: str, sample: int) -> str:
    wrong = sample == 1 and "gave no answer" not in prompt
    return "FAKE without a program" if wrong else program(prompt, sample)


def calculates(prompt: str, sample: int) -> str:
    wanted = {1: "1 + 0", 0: "3 - 2"}.get(prompt.count('\n\nObservation: {"output"'))
    action = f"Thought: to be sure\nAction: calculator\nAction Input: {wanted}"
    return f"{action}\nObservation: 5" if wanted else "FAKE. Final Answer: 1"


def tool(prompt: str, sample: int) -> str:
    tests = [{"arguments": {"n": 1}, "expected": 2}, {"arguments": {"n": 2}, "expected": 4 if "not admitted" in prompt else 5}]
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    told = {"name": "twice", "description": "FAKE.", "parameters": parameters, "tests": tests}
    return f"```python\ndef run(n):\n    return 2 * n\n```\n```json\n{json.dumps(told)}\n```"


def not_so_in_french(prompt: str, sample: int) -> str:
    return f"FAKE. \\boxed{{{2 if 'French' in prompt and sample == 0 else 1}}}"


def in_french_only(prompt: str, sample: int) -> str:
    return "FAKE : combien font 1 + 1 ?" if "French" in prompt else "FAKE: 2"


def more_or_less_likely(prompt: str, sample: int) -> dict[str, Any]:
    logprobs = (-0.1 - sample % 3, -0.2)
    return {"content": f"FAKE {sample % 4}. \\boxed{{{(1, 1, 2)[sample % 3]}}}", "logprobs": logprobs}


def chooses(prompt: str, sample: int) -> str:
    first, _, _ = prompt.partition('<solution number="2">')
    return f"FAKE: they differ in the end.\nChoice: {1 if '{2}' in first else 2}"


def not_so_hot(prompt: str, sample: int) -> str:
    return f"FAKE. \\boxed{{{2 if sample == 1 else 1}}}"


def step_by_step(prompt: str, sample: int) -> str:
    return "FAKE.\n\nFinal answer: \\boxed{1} so far.\n\nFinal answer: \\boxed{1} in the end."


def doubles(prompt: str, sample: int) -> str:
    inputs = '```json\n["double(1)", "double(2)"]\n```'
    return inputs if "compared" in prompt else f"```python\ndef double(n):\n    return {('2 * n', 'n + n', 'n')[sample % 3]}\n```"


def misread(prompt: str, sample: int) -> str:
    if "exactly this form" in prompt or "Compare the note" in prompt:
        return f"FAKE. Conditions: {'mended' if 'Compare' in prompt else 'misread'}"
    return f"FAKE. \\boxed{{{2 if 'misread' in prompt and 'question above' not in prompt else 1}}}"


def by_knowledge(prompt: str, sample: int) -> str:
    return f"FAKE. \\boxed{{{3 if '<notes>' in prompt else sample + 1}}}"


def rephrased(prompt: str, sample: int) -> str:
    told = "FAKE: what do 1 and 1 come to?" if sample else "FAKE: what?"
    return told if "Rephrase" in prompt else f"FAKE. \\boxed{{{2 if 'Name each unknown' in prompt else 1}}}"


def doubled(code: str) -> Execution:
    return Execution(ending=Ending.OK, value=1 if "return n\n" in code else 2)


def twice(code: str) -> Execution:
    return Execution(ending=Ending.OK, value=4 if "'n': 2" in code else 2)


GIVEN = Problem.of("How much is 1 + 1?").model_copy(
    update={"solutions": tuple(Solution(text=f"It is \\boxed{{{answer}}}.") for answer in (1, 2, 3))}
)

TRIALS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "self-consistency": {"options": {"n": 4, "batched": False}},
    "self-consistency beta": {"options": {"n": 8, "stop": "beta", "window": 3}},
    "self-consistency batched": {"options": {"n": 4}},
    "program-of-thought": {"options": {"n": 3, "batched": False}, "replies": {"policy": program}},
    "program-of-thought repaired": {"options": {"n": 3, "repairs": 2}, "replies": {"policy": repaired_program}},
    "react": {"replies": {"policy": calculates}},
    "react unhelped": {"options": {"turns": 1}},
    "cross-lingual": {"options": {"n": 4, "languages": "en,fr"}, "replies": {"policy": not_so_in_french}},
    "cross-lingual beta": {"options": {"n": 8, "languages": "en,fr", "stop": "beta"}, "replies": {"policy": not_so_in_french}},
    "cross-lingual translated": {
        "options": {"n": 4, "languages": "en,fr,de", "mode": "translate-then-solve"},
        "replies": {"translator": in_french_only},
    },
    "cross-lingual aligned": {"options": {"n": 3, "languages": "en,fr", "mode": "align-then-solve"}},
    "adaptive-consistency": {"options": {"n": 8, "window": 3}},
    "early-stopping-consistency": {"options": {"n": 6, "window": 3, "batched": False}},
    "weighted-vote": {"options": {"n": 3, "weights": "rank", "batched": False}, "replies": {"verifier": judged}},
    "rpc": {"options": {"n": 6, "batched": False}, "replies": {"policy": more_or_less_likely}},
    "tail-confidence": {"options": {"n": 3, "batched": False}, "replies": {"policy": more_or_less_likely}},
    "best-of-n": {"options": {"n": 3, "batched": False}, "replies": {"verifier": judged}},
    "universal-consistency": {"options": {"n": 3, "permutations": 2, "batched": False}, "replies": {"selector": chooses}},
    "tournament": {"options": {"n": 3, "batched": False}, "replies": {"selector": chooses}},
    "mixture": {"options": {"n": 2, "members": "ann,ben"}},
    "contrastive": {"options": {"n": 3, "batched": False}, "replies": {"verifier": judged}},
    "divergence": {"options": {"more": 2, "batched": False}, "replies": {"policy": not_so_hot}},
    "answer-stability": {"replies": {"policy": step_by_step}},
    "sift": {"replies": {"policy": misread}},
    "two-route": {"options": {"rounds": 2}, "replies": {"policy": by_knowledge}},
    "divide-and-conquer": {"options": {"n": 2, "again": 2, "batched": False}, "replies": {"policy": by_knowledge}},
    "multi-view": {"options": {"n": 4, "styles": "equations", "batched": False}, "replies": {"policy": rephrased}},
    "code-consistency": {
        "options": {"n": 3, "batched": False},
        "replies": {"policy": doubles},
        "execute": doubled,
        "answer_kind": "code",
    },
    "best-of-n unread": {"options": {"n": 3, "batched": False}},
    "write-tool": {"replies": {"policy": tool}, "execute": twice, "answer_kind": "json"},
    "verify": {"question": GIVEN, "replies": {"verifier": judged}},
    "best-of-n text": {"options": {"n": 2}, "replies": {"verifier": judged}, "answer_kind": "text"},
}
OURS = [
    pytest.param(check, id=f"{trial}: {check}")
    for trial, given in TRIALS.items()
    for check in strategy_conformance(STRATEGIES.get(trial.split()[0]), **given)
]


@pytest.mark.parametrize("check", OURS)
def test_our_strategies_conform(check: Check) -> None:
    check()


def test_every_registered_strategy_is_tried() -> None:
    assert {trial.split()[0] for trial in TRIALS} == set(STRATEGIES.names())


# A sound strategy of two samples, and for each check one that is broken in one place


class TwoConfig(Sampling):
    """Options of the strategies below."""


def decide(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    first = next((key for key in ids if context.scope.candidates[key].answer), None)
    answer = context.scope.candidates[first].answer if first else None
    selections = {"majority": Selection(answer=answer.text if answer else None, candidate=first)}
    return Outcome(candidates=tuple(ids), pick=first, selections=selections, stop_reason=reason)


Decide = Callable[[Context[TwoConfig], list[str], StopReason], Outcome]


def calls_of(context: Context[TwoConfig]) -> list[ModelCall]:
    return [policy_call(context.scope, "propose", context.problem, context.config, index=index) for index in range(2)]


def two(
    decide: Decide = decide,
    calls: Callable[[Context[TwoConfig]], list[ModelCall]] = calls_of,
    propose: Any = None,
    **changes: Any,
) -> Strategy[Any]:
    async def waves(context: Context[TwoConfig]) -> tuple[list[str], StopReason]:
        ids: list[str] = []

        async def consume(result: Any) -> bool:
            ids.extend(keep_candidates(context.scope, result, context.problem, context.config))
            return False

        wave = await context.scope.wave("propose", calls(context), consume=consume)
        return ids, wave.stop_reason

    async def node(state: State, runtime: Runtime[Context[TwoConfig]]) -> State:
        ids, reason = await (propose or waves)(runtime.context)
        return {"outcome": decide(runtime.context, ids, reason)}

    graph = StateGraph(State, context_schema=Context)
    graph.add_node("propose", node)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", END)
    card: dict[str, Any] = {
        "name": "two",
        "summary": "Two samples, the first of which decides.",
        "paper": "none",
        "config": TwoConfig,
        "build": graph.compile,
        "cost": lambda config, team, problem: CallBounds(2, 2),
        "prompts": prompts_for,
    }
    return Strategy(**(card | changes))


async def by_arrival(context: Context[TwoConfig]) -> tuple[list[str], StopReason]:
    """Two waves at once, whose candidates are taken as they come."""
    ids: list[str] = []

    async def consume(result: Any) -> bool:
        ids.extend(keep_candidates(context.scope, result, context.problem, context.config))
        return False

    each = [context.scope.wave(f"propose-{index}", [call], consume=consume) for index, call in enumerate(calls_of(context))]
    await asyncio.gather(*each)
    return ids, StopReason.FINISHED


class Loose(BaseModel):
    """Neither frozen, nor strict, nor explained."""

    n: int = 2


def with_the_time(context: Context[TwoConfig]) -> list[ModelCall]:
    return [
        call.model_copy(update={"request": call.request.model_copy(update={"seed": time.time_ns()})})
        for call in calls_of(context)
    ]


def unnamed_selector(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    found = decide(context, ids, reason)
    return found.model_copy(update={"selections": found.selections | {"mine": found.selections["majority"]}})


def twice_counted(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    return decide(context, ids * 2, reason)


def sure_of_an_answer(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    assert any(context.scope.candidates[key].answer for key in ids), "nothing to choose from"
    return decide(context, ids, reason)


def sure_of_two(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    assert len(ids) == 2, "a sample is missing"
    return decide(context, ids, reason)


def deaf_to_the_budget(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    return decide(context, ids, StopReason.FINISHED)


def by_luck(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    return decide(context, ids, reason).model_copy(update={"confidence": random.random()})


_times = itertools.count()


def by_times_run(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    return decide(context, ids, reason).model_copy(update={"confidence": 1 / (1 + next(_times))})


def one_id_for_two_facts(context: Context[TwoConfig], ids: list[str], reason: StopReason) -> Outcome:
    for message in ("one", "two"):
        context.scope.emit(Warned(scope=context.scope.path, node="propose", code="fact", message=message))
    return decide(context, ids, reason)


BROKEN: dict[str, tuple[str, Strategy[Any], str]] = {
    "name": ("card", two(name="Two Samples"), "no name of the form"),
    "summary": ("card", two(summary="two samples"), "not one sentence"),
    "prompt": ("card", two(prompts=lambda problem: ("policy.nothing",)), "unknown prompt"),
    "options": ("config", two(config=Loose), "is not frozen"),
    "formula": ("cost", two(cost=lambda config, team, problem: CallBounds(1, 1)), "2 calls without n in one request"),
    "selector": ("outcome", two(unnamed_selector), "'mine' is none of the selectors"),
    "counted": ("outcome", two(twice_counted), "counted twice"),
    "answer": ("unreadable", two(sure_of_an_answer), "nothing to choose from"),
    "survivors": ("failures", two(sure_of_two), "a sample is missing"),
    "budget": ("budget", two(deaf_to_the_budget), "stopped as finished under calls=1"),
    "arrival": ("order", two(propose=by_arrival), "with other latencies, candidate, candidates"),
    "clock": ("replay", two(calls=with_the_time), "the journal holds another request"),
    "memory": ("resume", two(by_times_run), "confidence was"),
    "facts": ("events", two(one_id_for_two_facts), "two events have the id"),
    "luck": ("apart", two(by_luck), "confidence was"),
}


def test_the_sound_one_passes() -> None:
    for check in strategy_conformance(two()):
        check()


@pytest.mark.parametrize("what", BROKEN)
def test_each_check_finds_what_is_broken(what: str) -> None:
    name, strategy, said = BROKEN[what]
    (check,) = [check for check in strategy_conformance(strategy) if str(check) == name]
    with pytest.raises(Broken, match=said) as caught:
        check()
    assert str(caught.value).startswith(f"{strategy.name} breaks {name} (")


def test_every_check_is_shown_to_fail() -> None:
    assert {name for name, _, _ in BROKEN.values()} == {str(check) for check in strategy_conformance(two())}


def test_a_subject_under_trial_is_known_only_meanwhile() -> None:
    for check in strategy_conformance(two())[:3]:
        check()
    assert "two" not in STRATEGIES.names()
