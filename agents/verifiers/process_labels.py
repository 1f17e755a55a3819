"""Labels of steps, made from what completions of prefixes come to, and rewards made from step scores. Pure functions.

MC is the share of a prefix's completions that end in the right answer. Steps are counted from 0, and values "after" a step
belong to the prefix that ends with it. Every rule names its source; what verifiers do with steps otherwise is in
:mod:`.step_scores`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

_ROUNDING = 1e-12
"""0.6 is 0.8 of 0.75, but not in floats."""

# Labels


def soft_label(right: int, drawn: int) -> float:
    """MC: the share of the completions that are right. Math-Shepherd (Wang et al. 2023, arXiv 2312.08935).

    Raises :class:`ValueError` where none was drawn: no completion says nothing about a step.
    """
    if not 0 <= right <= drawn or drawn == 0:
        raise ValueError(f"{right} of {drawn} completions cannot be right")
    return right / drawn


def hard_label(mc: float) -> float:
    """1 where any completion was right, else 0. Math-Shepherd; V* of GLoRe's stepwise reward model (arXiv 2402.10963)."""
    return float(mc > 0)


def monotone(labels: Sequence[float]) -> tuple[float, ...]:
    """Hard labels with the gaps closed: where a prefix can be finished, every shorter one can. GLoRe's clean-up."""
    last = max((step for step, label in enumerate(labels) if label > 0), default=-1)
    return tuple(float(step <= last) for step in range(len(labels)))


def progress_labels(root: float, values: Sequence[float], threshold: float = 0.8) -> tuple[float, ...]:
    """1 for a step that keeps enough of the chances: MC after it is at least ``threshold`` of MC before it.

    ``root`` is MC of the question alone. From the first MC of 0 on every label is 0: what follows an error is no progress,
    whatever its completions say. GenPRM (Zhao et al. 2025, arXiv 2504.00891).
    """
    line = (root, *values)
    lost = next((place for place, value in enumerate(line) if value == 0), len(line))
    return tuple(
        float(place < lost and after >= threshold * before - _ROUNDING)
        for place, (before, after) in enumerate(pairwise(line), start=1)
    )


def agreed_error(rollouts: int | None, judge: int | None) -> int | None:
    """The index of the first wrong step (-1: there is none) where completions and a judge agree on it, else None.

    The filter of Zhang et al. 2025, "The Lessons of Developing Process Reward Models" (arXiv 2501.07301).
    """
    return rollouts if rollouts == judge else None


def undecided(right: int, drawn: int) -> bool:
    """Whether a question is worth labelling by search: its completions are neither all right nor all wrong. OmegaPRM."""
    return 0 < right < drawn


# Choosing what to search: OmegaPRM (Luo et al. 2024, arXiv 2406.06592)


class WrongRollout(NamedTuple):
    """A completion that went wrong, of a state whose error is still to be found."""

    mc: float
    """Of the state that it completes."""
    words: int
    """Its length."""
    visits: int
    """How often the state was chosen before."""


def rollout_value(mc: float, words: int, *, alpha: float = 0.5, beta: float = 0.9, longest: int = 500) -> float:
    """Q = alpha^(1 - MC) · beta^(words / longest): a wrong completion of a state that is mostly solved tells most."""
    return math.pow(alpha, 1 - mc) * math.pow(beta, words / longest)


def exploration(visits: int, all_visits: int, c_puct: float = 0.125) -> float:
    """U = c_puct · sqrt(visits of all states) / (1 + visits of this one)."""
    return c_puct * math.sqrt(all_visits) / (1 + visits)


def next_rollout(rollouts: Sequence[WrongRollout], all_visits: int) -> int | None:
    """The place of the completion with the largest Q + U, the first among equals; None where there is none."""
    worth = [rollout_value(each.mc, each.words) + exploration(each.visits, all_visits) for each in rollouts]
    return max(range(len(worth)), key=worth.__getitem__, default=None)


# Rewards


def clipped(rewards: Sequence[float], threshold: float) -> tuple[float, ...]:
    """min(r - threshold, 0): no step earns anything, so repeating fine ones does not pay. Gao et al. 2024 (arXiv 2410.15115)."""
    return tuple(min(reward - threshold, 0.0) for reward in rewards)


def deltas(rewards: Sequence[float]) -> tuple[float, ...]:
    """Each reward less the one after it, the last as it is, so that they sum up to the first. As :func:`clipped`."""
    return tuple(reward - after for reward, after in pairwise((*rewards, 0.0)))


def min_credit(rewards: Sequence[float], temperature: float = 0.1) -> tuple[float, ...]:
    """r* = softmax(-r / temperature) · r: nearly all credit to the worst step. PURE (Cheng et al. 2025, arXiv 2504.15275)."""
    if not rewards:
        return ()
    worst = min(rewards)
    weights = [math.exp((worst - reward) / temperature) for reward in rewards]
    whole = sum(weights)
    return tuple(weight / whole * reward for weight, reward in zip(weights, rewards, strict=True))


def returns(rewards: Sequence[float]) -> tuple[float, ...]:
    """The sum of each reward and all after it. Of :func:`min_credit`: nearly the least reward, as long as it is to come."""
    return tuple(accumulate(reversed(rewards)))[::-1]


# Progress under a prover: PAV (Setlur et al. 2024, arXiv 2410.08146)


def best_of_k(q: float, k: int) -> float:
    """Q of the prover that takes the best of ``k`` samples: 1 - (1 - Q)^k."""
    return 1 - (1 - q) ** k


def advantages(root: float, values: Sequence[float]) -> tuple[float, ...]:
    """What each step adds to the chances: the value after it less the value before it. ``root``: of the question alone."""
    return tuple(after - before for before, after in pairwise((root, *values)))


def effective_reward(q: float, advantage: float, alpha: float = 0.5) -> float:
    """What a search ranks steps by: Q of the policy + ``alpha`` · advantage under the prover; the paper takes 0.2 to 0.6."""
    return q + alpha * advantage
