"""Randomness that depends on where it is used, never on when.

A draw is made from ``rng(seed, path, visit, index)`` at the place of use and never kept: two runs with one seed draw the
same numbers whatever the order in which their calls arrive, and a resumed run draws what the unbroken one would have drawn.
"""

from __future__ import annotations

import hashlib
import random

_INDEX_BITS = 10


def _digest(seed: int, path: str, visit: int, index: int) -> int:
    text = f"{seed}\x1f{path}\x1f{visit}\x1f{index}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def rng(seed: int, path: str, visit: int = 0, index: int = 0) -> random.Random:
    """A generator for one place: ``path`` is scope path and node, ``visit`` the node's visit, ``index`` the item."""
    return random.Random(_digest(seed, path, visit, index))  # noqa: S311 - reproducible, not secret


def sample_seed(seed: int, path: str, visit: int = 0, index: int = 0) -> int:
    """The seed sent to a model for sample ``index``: a base whose low ten bits are zero, plus the index.

    vLLM gives choice ``i`` of a request with ``n > 1`` the seed ``seed + i``; with this form one request for n samples and
    n requests for one sample each draw the same samples there. Fits a signed 32-bit integer.
    """
    base = _digest(seed, path, visit, 0) % (1 << (30 - _INDEX_BITS))
    return (base << _INDEX_BITS) + index
