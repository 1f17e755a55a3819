"""Paths weighed by how likely the model was to write them: the pure rules of RPC.

Source: Zhou et al. 2025, "Bridging Internal Probability and Self-Consistency" (arXiv 2502.00511). *Perplexity consistency*: an
answer scores the sum of the probabilities of the distinct paths that lead to it, so that a path drawn twice counts once.
*Reasoning pruning*: paths that belong to the low part of a mixture of two Weibull distributions do not vote, but one that is at
least as likely as the mean of all always does.

Probabilities of whole texts are too small for floats: everything is said by logarithms, relative to the likeliest path. That
changes no comparison between answers, nor any answer's share.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import exp, fsum, log
from typing import Literal, NamedTuple

from .weibull import fit


class Standing(NamedTuple):
    """What a path counts for."""

    log_ratio: float
    """Log of its probability over that of the likeliest path."""
    left_out: Literal["", "repeated", "pruned"] = ""
    """Why it does not vote; empty where it does."""


def standings(paths: Sequence[Hashable], logprobs: Sequence[float], *, prune: bool) -> list[Standing]:
    """What each path counts for, by its text and its log-probability.

    Of equal paths the likeliest votes, the first of several such. Which paths are pruned is decided on all of them, copies
    included, as in the authors' code.

    Permutation invariance and label symmetry hold: answers are not even looked at. Without ``prune`` so does monotony, but in
    distinct paths: a copy of a path adds nothing. With ``prune`` monotony does not hold: one more path moves the mixture, and
    may prune others that led to the same answer.
    """
    if not paths:
        return []
    top = max(logprobs)
    ratios = [logprob - top for logprob in logprobs]
    low = _low(ratios) if prune else [False] * len(ratios)
    voters: dict[Hashable, int] = {}
    for index, (path, ratio) in enumerate(zip(paths, ratios, strict=True)):
        if path not in voters or ratio > ratios[voters[path]]:
            voters[path] = index
    return [
        Standing(ratio, "repeated" if voters[path] != index else "pruned" if low[index] else "")
        for index, (path, ratio) in enumerate(zip(paths, ratios, strict=True))
    ]


def _low(ratios: Sequence[float]) -> list[bool]:
    """Which paths belong to the low part, those at or above the mean probability left aside."""
    mixture = fit(ratios)
    if mixture is None:
        return [False] * len(ratios)
    mean = log(fsum(map(exp, ratios)) / len(ratios))
    return [ratio < mean and mixture.of_high(ratio) < 0.5 for ratio in ratios]
