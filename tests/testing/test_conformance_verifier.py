"""The conformance suite for verifiers: ours pass, and each check finds what it is there to find."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from symposia.agents.verifiers.rating import Scores
from symposia.agents.verifiers.verifier import VERIFIERS, Verifier
from symposia.core.base import Frozen
from symposia.core.budget import CallBounds
from symposia.core.calls import CallResult, ChatRequest, ModelCall
from symposia.core.candidate import Candidate, Score
from symposia.core.model_spec import Ability
from symposia.core.problem import Message, Problem
from symposia.core.protocols import Scope
from symposia.models.reward_forms import OUTCOME_CLASSIFIER, OUTCOME_SCALAR, QWEN_PRM, VALUE
from symposia.testing.conformance import Broken, Check
from symposia.testing.conformance_verifier import verifier_conformance


def judged(prompt: str, sample: int) -> dict[str, Any]:
    return {"content": "Yes", "labels": {"Yes": -0.5, "No": -1.0} if "{2}" in prompt else {"Yes": -1.5, "No": -0.3}}


def checked(prompt: str, sample: int) -> Any:
    """A verification with a tool: a call, a rationale, a verdict."""
    last = prompt.rpartition("\n\n")[2]
    if "one word only" in last:
        return judged(prompt, sample)
    if "Score: N" in last:
        return "Score: 70"
    may = "You may use tools" in prompt and "Observation: {" not in prompt
    return 'Thought: sums\nAction: calculator\nAction Input: {"expression": "1 + 1"}' if may else "Rationale: it is fine."


def examined(prompt: str, sample: int) -> str | dict[str, Any]:
    if "one word only" in prompt:
        return judged(prompt, sample)
    return "So it is.\nVerdict: Yes" if "Your program was run" in prompt else "Let me see.\n```python\nanswer = 1\n```"


TRIALS: dict[str, dict[str, Any]] = {
    "ensemble": {"replies": lambda prompt, sample: judged(prompt, sample) | {"content": "Fine.\nScore: 70"}},
    "ensemble consensus": {
        "options": {
            "combine": "consensus",
            "members": [{"name": "rollout", "options": {"role": role, "value": "any"}} for role in ("one", "two")],
        },
        "replies": ["FAKE reply.\n\nThe answer is \\boxed{1}."],
    },
    "judge": {"replies": judged},
    "judge verdict": {"options": {"mode": "verdict"}, "replies": ["Fine.\nScore: 70"]},
    "judge steps": {"options": {"unit": "step", "view": "equations", "aggregate": "mean"}, "replies": judged},
    "judge scoring": {"options": {"unit": "step", "mode": "scoring", "rubric": "Be strict."}, "replies": judged},
    "judge first-error": {"options": {"unit": "first-error", "samples": 2, "temperature": 1}, "replies": ["First error: 1"]},
    "process-reward": {},
    "process-reward product": {"options": {"aggregate": "product", "role": "prm"}, "reward": QWEN_PRM},
    "process-reward values": {"options": {"aggregate": "mean"}, "reward": VALUE.model_copy(update={"scale": "tanh"})},
    "outcome-reward": {"reward": OUTCOME_CLASSIFIER},
    "outcome-reward preferences": {"reward": OUTCOME_SCALAR},
    "rollout": {"options": {"role": "completer"}, "replies": ["FAKE reply.\n\nThe answer is \\boxed{1}."]},
    "rollout binary": {
        "options": {"role": "completer", "search": "binary", "value": "any", "k": 2},
        "replies": ["FAKE reply.\n\nThe answer is \\boxed{1}."],
    },
}
TRIALS |= {
    "tool-augmented": {"replies": checked},
    "tool-augmented alone": {"options": {"tools": [], "mode": "verdict"}, "replies": checked},
    "recompute": {
        "solutions": ["2 + 2 = 4.\n\nIt is \\boxed{4}.", "2 + 2 = 5.\n\nIt is \\boxed{5}.", "2 + 2 = 4.\n\nIt is \\boxed{4}."]
    },
}
TRIALS |= {
    "generative": {"replies": examined},
    "generative words": {
        "options": {"code": False, "mode": "verdict", "samples": 2, "temperature": 1},
        "replies": ["Fine.\nVerdict: Yes", "Wrong.\nVerdict: No"],
    },
    "program": {"replies": ["```python\none = 1 + 0\nanswer = 1\n```"]},
}
OURS = [
    pytest.param(check, id=f"{trial}: {check}")
    for trial, given in TRIALS.items()
    for check in verifier_conformance(VERIFIERS.get(trial.split()[0]), **given)
]


@pytest.mark.parametrize("check", OURS)
def test_our_verifiers_conform(check: Check) -> None:
    check()


def test_every_registered_verifier_is_tried() -> None:
    assert {trial.split()[0] for trial in TRIALS} == set(VERIFIERS.names())


# A sound verifier that asks for a number, and for each check one that is broken in one place


class AskConfig(Frozen):
    """Options of the verifiers below."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    prompt: str = "Rate this from 0 to 1:"
    """What is asked."""


class Loose(BaseModel):
    """Neither frozen, nor strict, nor explained."""

    prompt: str = ""


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def asker(**habits: Any) -> Verifier[Any]:
    """Its habits: ``guess`` is its value where it reads none, ``name``, ``value`` and ``twice`` change its scores."""
    card = {key: habits.pop(key) for key in ("name", "summary", "config", "cost", "paper", "needs") if key in habits}

    async def score(
        scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: Any, *, node: str, visit: int = 0
    ) -> Scores:
        texts = [f"{config.prompt}\n{candidate.text}{habits.get('salt', lambda: '')()}" for candidate in candidates]
        calls = [
            ModelCall(role="verifier", request=ChatRequest(messages=(Message(role="user", content=text),), max_tokens=64))
            for text in texts
        ]
        scores: dict[str, Score] = {}

        async def consume(result: CallResult) -> bool:
            place = result.index
            read = number(result.reply.choices[0].text) if result.reply else None
            if result.reply is None and "brittle" in habits:
                raise RuntimeError("the verifier cannot go on")
            raw = habits.get("guess") if read is None else read
            value = raw if raw is None else habits.get("value", lambda raw, place: raw)(raw, place)
            made = Score(verifier=habits.get("signed", "asker"), value=value, raw=raw)
            if result.reply is not None and "free" not in habits:
                made = made.model_copy(update={"usage": scope.spec("verifier").cost(result.reply)})
            if "whole" in habits:
                made = made.model_copy(update={"steps": (value,), "ends": (len(candidates[place].text),)})
            if "stretched" in habits:
                made = made.model_copy(update={"steps": (value,), "ends": (len(candidates[place].text) + 1,)})
            for again in range(2 if "twice" in habits else 1):
                scope.rate(candidates[place].id, made, node=node, visit=visit, index=place + 10 * again)
            scores[candidates[place].id] = made
            return False

        wave = await scope.wave(node, calls, consume=consume, visit=visit)
        return Scores(scores, wave.stop_reason)

    entry: dict[str, Any] = {
        "name": "asker",
        "summary": "Asks for a number.",
        "paper": "none",
        "config": AskConfig,
        "score": score,
        "cost": lambda config, team, work: CallBounds(work.candidates, work.candidates),
    }
    return Verifier(**(entry | card))


REPLIES = {"replies": lambda prompt, sample: "0.8" if "{2}" in prompt else "0.3"}

BROKEN: dict[str, tuple[str, Verifier[Any], str]] = {
    "name": ("card", asker(name="The Asker"), "no name of the form"),
    "options": ("config", asker(config=Loose), "is not frozen"),
    "formula": ("cost", asker(cost=lambda config, team, work: CallBounds(1, 1)), "3 calls for 3 candidates"),
    "free": ("cost", asker(free=True), "cost 0 calls, and it made 3"),
    "undeclared": ("cost", asker(needs=lambda config: {"other": frozenset({Ability.CHAT})}), "that it does not declare"),
    "whole": ("steps", asker(whole=True), "1 steps were scored where the candidate has 2"),
    "stretched": ("steps", asker(stretched=True), "do not cover the text"),
    "twice": ("scores", asker(twice=True), "rated 2 times"),
    "signature": ("scores", asker(signed="somebody"), "a score says that somebody gave it"),
    "falling": ("scores", asker(value=lambda raw, place: 1 - raw), "values do not rise"),
    "unlike": ("alike", asker(value=lambda raw, place: raw / (1 + place)), "the same text scored"),
    "guess": ("unreadable", asker(guess=0.5), "were given the values"),
    "brittle": ("failures", asker(brittle=True), "cannot go on"),
    "luck": ("apart", asker(value=lambda raw, place: random.random()), "differ"),
    "salted": ("replay", asker(salt=lambda: str(random.random())), "holds another request"),
    "salted, resumed": ("resume", asker(salt=lambda: str(random.random())), "holds another request"),
}


def test_the_sound_one_passes() -> None:
    for check in verifier_conformance(asker(), **REPLIES):
        check()


@pytest.mark.parametrize("what", BROKEN)
def test_each_check_finds_what_is_broken(what: str) -> None:
    name, verifier, said = BROKEN[what]
    (check,) = [check for check in verifier_conformance(verifier, **REPLIES) if str(check) == name]
    with pytest.raises(Broken, match=said):
        check()


def test_every_check_of_its_own_is_shown_to_fail() -> None:
    """``budget``, ``order`` and ``events`` are those for strategies, shown to fail there."""
    names = {str(check) for check in verifier_conformance(asker())}
    assert {name for name, _, _ in BROKEN.values()} == names - {"budget", "order", "events"}
