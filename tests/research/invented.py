"""Invented evidence: what experiments could have left behind, drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

from symposia.research.experiments.records import Arm, Evidence, ProblemRow, Sample, Trial

PLAN: dict[str, Any] = {"task": "sums", "fingerprint": "f00d", "split": "dev", "seeds": [0], "versions": {"symposia": "0.1.0"}}
POLICY = {"policy": "small"}
GREEDY = Arm(label="greedy", strategy="greedy", team=POLICY)
VOTE = Arm(label="self-consistency", strategy="self-consistency", options={"n": 8}, team=POLICY)
BEST = Arm(label="best-of-n", strategy="best-of-n", options={"n": 4}, team={**POLICY, "verifier": "judge"})


def trial(problem: str, arm: str, seed: int = 0, **changes: Any) -> Trial:
    """A trial that was answered rightly at a cost of 150 tokens."""
    row: dict[str, Any] = {
        "problem": problem,
        "arm": arm,
        "seed": seed,
        "run_id": f"sums-{problem}-{arm}-{seed}",
        "status": "answered",
        "stop_reason": "finished",
        "answer": "7",
        "credit": 1.0,
        "reason": "7 is 7",
        "confidence": None,
        "credits": {"majority": 1.0},
        "calls": 1,
        "prompt_tokens": 50,
        "cached_tokens": 0,
        "completion_tokens": 100,
        "lost_tokens": 0,
        "question_tokens": 50,
        "sample_tokens": 100,
        "check_tokens": 0,
        "dollars": None,
        "seconds": 2.0,
        "failures": {},
    }
    return Trial(**{**row, **changes})


def sample(problem: str, arm: str, index: int = 0, seed: int = 0, **changes: Any) -> Sample:
    """A sample with the right answer, of 100 tokens."""
    row: dict[str, Any] = {
        "problem": problem,
        "arm": arm,
        "seed": seed,
        "index": index,
        "answer": "7",
        "unit": None,
        "group": 0,
        "credit": 1.0,
        "rule": "marker",
        "finish": "stop",
        "completion_tokens": 100,
        "logprob": -3.25,
        "score": None,
    }
    return Sample(**{**row, **changes})


def evidence(*arms: Arm, problems: int = 12, seeds: tuple[int, ...] = (0,), draw: int = 0) -> Evidence:
    """An experiment in which each problem has a difficulty of its own, votes help, and scores know a little."""
    chance = random.Random(draw)
    rows = [ProblemRow(id=f"p{i:03}", gold="7", groups={"level": "hard" if i % 3 == 0 else "easy"}) for i in range(problems)]
    skill = {
        row.id: chance.betavariate(0.9, 0.5) if row.groups["level"] == "easy" else chance.betavariate(0.7, 1.6) for row in rows
    }
    trials, samples = [], []
    for row in rows:
        for arm in arms:
            for seed in seeds:
                mine = _samples(row.id, arm, seed, skill[row.id], chance)
                samples += mine
                trials.append(_trial(row.id, arm, seed, mine))
    return Evidence("sums", {**PLAN, "seeds": list(seeds)}, arms, tuple(rows), tuple(trials), tuple(samples))


def _samples(problem: str, arm: Arm, seed: int, skill: float, chance: random.Random) -> list[Sample]:
    found: list[Sample] = []
    numbers: dict[str, int] = {}
    for index in range(arm.options.get("n", 1)):
        right, tokens = chance.random() < skill, int(chance.lognormvariate(5.5, 0.3))
        if not right and chance.random() < 0.1:
            changes: dict[str, Any] = {"answer": None, "group": -1, "credit": 0.0, "rule": None, "finish": "length"}
        else:
            answer = "7" if right else str(chance.choice([5, 6, 8, 9, 14]))
            number = numbers.setdefault(answer, len(numbers))
            rule = chance.choice(["marker", "marker", "boxed", "last_number"])
            changes = {"answer": answer, "group": number, "credit": float(right), "rule": rule}
        if "verifier" in arm.team:
            changes["score"] = round(min(1.0, max(0.0, chance.gauss(0.65 if right else 0.4, 0.2))), 3)
        found.append(sample(problem, arm.label, index, seed, completion_tokens=tokens, logprob=-tokens / 8, **changes))
    return found


def _trial(problem: str, arm: Arm, seed: int, samples: list[Sample]) -> Trial:
    groups = [one.group for one in samples if one.group >= 0]
    votes = {group: groups.count(group) for group in groups}
    winner = max(votes, key=lambda group: (votes[group], -group), default=None)
    picks = {"majority": next((one for one in samples if one.group == winner), None)}
    checked = "verifier" in arm.team
    if checked:
        picks["best-of"] = max((one for one in samples if one.answer), key=lambda one: one.score or 0.0, default=None)
    grades = {name: pick.credit if pick else 0.0 for name, pick in picks.items()}
    pick = picks["best-of" if checked else "majority"]
    tokens = sum(one.completion_tokens or 0 for one in samples)
    check = 60 * len(samples) if checked else 0
    return trial(
        problem,
        arm.label,
        seed,
        status="answered" if pick else "no_answer",
        answer=pick.answer if pick else None,
        credit=pick.credit if pick else 0.0,
        reason="7 is 7" if pick and pick.credit else "not 7",
        confidence=votes[winner] / len(groups) if winner is not None and len(samples) > 1 else None,
        credits=grades,
        calls=len(samples),
        prompt_tokens=50 + check,
        completion_tokens=tokens,
        sample_tokens=tokens,
        check_tokens=check,
        seconds=round(tokens / 50, 2),
    )
