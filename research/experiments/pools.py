"""A pool: the samples of an arm that drew them independently, from which fewer can be drawn without asking a model.

Only strategies that sample in this way can be read so, and only where nothing stopped them early: samples that a search made
from one another, or whose number depends on what they said, are no random sample of what the model says.

Arrays have one row per trial (suffix ``_T``) and one column per sample (``_N``), as :mod:`..statistics.subsets` wants them.
What k samples cost is the prompt once, as in one request for all of them, plus the completion tokens of the k, plus k times
what checking one took where the rule needs scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...core.result import StopReason
from .records import Arm, Sample, Trial
from .scores import ArmRows, Pair

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_INDEPENDENT = frozenset({"self-consistency", "best-of-n"})


@dataclass(frozen=True)
class Pool:
    """All samples of one arm."""

    arm: Arm
    pairs: tuple[Pair, ...]
    groups_T_N: Ints  # noqa: N815
    """-1 without a readable answer, -2 where a trial has fewer samples."""
    credits_T_N: Floats  # noqa: N815
    tokens_T_N: Floats  # noqa: N815
    values_T_N: Floats  # noqa: N815
    """Scores, NaN where there is none."""
    prompt_T: Floats  # noqa: N815
    """Tokens of the question as the policy is asked it."""
    check_T: Floats  # noqa: N815
    """Cost tokens of checking one sample."""

    @property
    def size(self) -> int:
        """Samples of the trials that have most."""
        return int(self.groups_T_N.shape[1])

    @property
    def counts_T(self) -> Ints:  # noqa: N802
        """Samples of each trial."""
        return np.asarray((self.groups_T_N > -2).sum(axis=1), dtype=np.int64)

    @property
    def problems(self) -> list[str]:
        """The problem of each row: what intervals resample."""
        return [pair.problem for pair in self.pairs]

    @property
    def scored(self) -> bool:
        """Whether a verifier scored any sample."""
        return not bool(np.isnan(self.values_T_N).all())

    def only(self, pairs: Sequence[Pair]) -> Pool:
        """The rows of these pairs, in their order."""
        place = {pair: row for row, pair in enumerate(self.pairs)}
        rows = [place[pair] for pair in pairs]
        arrays = {name: getattr(self, name)[rows] for name in vars(self) if name not in {"arm", "pairs"}}
        return replace(self, pairs=tuple(pairs), **arrays)


def pool_of(rows: ArmRows) -> Pool | None:
    """The pool of an arm; None where its samples are no independent draws, or never two for one problem."""
    size = max(map(len, rows.samples.values()), default=0)
    early = any(trial.stop_reason == StopReason.AGREED for trial in rows.trials.values())
    if rows.arm.strategy not in _INDEPENDENT or early or size < 2:
        return None
    shape = (len(rows.trials), size)
    groups, credit = np.full(shape, -2, dtype=np.int64), np.zeros(shape)
    tokens, values = np.zeros(shape), np.full(shape, np.nan)
    prompts, checks = np.zeros(len(rows.trials)), np.zeros(len(rows.trials))
    for row, (pair, trial) in enumerate(rows.trials.items()):
        samples = rows.samples.get(pair, [])
        # A trial without any sample counts as one that nobody could read, lest the problem be dropped.
        taken = slice(0, max(1, len(samples)))
        groups[row, taken] = [sample.group for sample in samples] or -1
        credit[row, taken] = [sample.credit for sample in samples] or 0.0
        tokens[row, taken] = _tokens(trial, samples) or 0.0
        values[row, taken] = [np.nan if sample.score is None else sample.score for sample in samples] or np.nan
        prompts[row], checks[row] = trial.question_tokens, trial.check_tokens / max(1, len(samples))
    return Pool(rows.arm, tuple(rows.trials), groups, credit, tokens, values, prompts, checks)


def _tokens(trial: Trial, samples: Sequence[Sample]) -> list[float]:
    """Completion tokens of each sample; those that the server told together are shared out evenly."""
    known = sum(sample.completion_tokens or 0 for sample in samples)
    unknown = sum(sample.completion_tokens is None for sample in samples)
    share = max(0, trial.sample_tokens - known) / unknown if unknown else 0.0
    return [share if sample.completion_tokens is None else float(sample.completion_tokens) for sample in samples]
