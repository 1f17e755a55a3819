"""OmegaPRM's binary search for the first wrong step (Luo et al. 2024, arXiv 2406.06592). Pure functions.

``tried`` says of some steps whether the prefix that ends with them could be finished; None where nobody can tell, because every
call failed. The last step is that of the whole solution. The search takes for granted that a prefix of one that can be
finished can be finished, and that nothing can be finished after the first that cannot; the first half is certain, since the way
goes on over the longer prefix, the second is how the paper reads an error. Only a solution whose own answer is wrong is
searched: one that ends right was finished from each of its prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping

Tried = Mapping[int, bool | None]


def next_step(tried: Tried) -> int | None:
    """The step to try next: the middle of what is left; None where the search is over, or cannot go on."""
    reached, lost = _bounds(tried)
    done = None in tried.values() or lost is None or lost - reached <= 1
    return None if done or lost is None else (reached + lost) // 2


def implied(tried: Tried, steps: int) -> tuple[float | None, ...]:
    """1 for each of ``steps`` steps up to the last that could be finished, 0 from the first that could not, None between."""
    reached, lost = _bounds(tried)
    first_lost = steps if lost is None else lost
    return tuple(1.0 if step <= reached else 0.0 if step >= first_lost else None for step in range(steps))


def most_tries(steps: int) -> int:
    """Steps that a search of so many steps tries at most, the last one left aside."""
    return max(0, steps - 1).bit_length()


def _bounds(tried: Tried) -> tuple[int, int | None]:
    """The last step that could be finished (-1: none), and the first one after it that could not."""
    reached = max((step for step, right in tried.items() if right), default=-1)
    return reached, min((step for step, right in tried.items() if right is False and step > reached), default=None)
