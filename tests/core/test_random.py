from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from symposia.core.random import rng, sample_seed

_SEEDS = st.integers(min_value=-(2**63), max_value=2**63)
_PATHS = st.text(max_size=20)


def test_a_draw_depends_on_its_place_alone() -> None:
    first = rng(1, "a/vote", 0, 3).random()
    rng(1, "a/vote", 0, 2).random()
    assert rng(1, "a/vote", 0, 3).random() == first


def test_every_part_of_the_place_matters() -> None:
    places: list[tuple[Any, ...]] = [
        (1, "a"),
        (2, "a"),
        (1, "b"),
        (1, "a", 1),
        (1, "a", 0, 1),
        (1, "a1"),
        (11, "a"),
        (1, "a", 1, 1),
    ]
    assert len({rng(*place).random() for place in places}) == len(places)


def test_draws_are_the_same_on_every_machine_and_in_every_release() -> None:
    """A stored run replays only while these numbers stay."""
    assert rng(0, "propose").random() == 0.5929284338470595
    assert sample_seed(0, "propose") == 40_105_984


@given(_SEEDS, _PATHS, st.integers(0, 1023), st.integers(0, 1023))
def test_sample_seeds_count_up_from_a_base_with_ten_zero_bits(seed: int, path: str, visit: int, index: int) -> None:
    base = sample_seed(seed, path, visit)
    assert base % 1024 == 0
    assert sample_seed(seed, path, visit, index) == base + index
    assert 0 <= base + index < 2**31


def test_sample_seeds_differ_between_nodes_and_visits() -> None:
    assert len({sample_seed(0, path, visit) for path in ("a", "b", "a/b") for visit in range(3)}) == 9
