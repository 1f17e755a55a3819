"""Calibrations in the store: versions that never change, what holds for a run, and what is removed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from symposia.core.calibration import Calibration, CalibrationData, IsotonicMap, Knot, Threshold
from symposia.core.errors import ConfigError, StoreCorruptError, UnknownNameError
from symposia.memory.store import Store

DATA = CalibrationData(
    experiment="sums", arm="vote", task="sums", split="dev", fingerprint="f00d", sha256="ab" * 32, problems=40, n=40, right=30,
    unsure=0, cut=0,
)  # fmt: skip
NONE = Threshold(risk=0.05, confidence=None, least=0.1, problems=40, taken=0, wrong=0)


def fitted(probability: float = 0.7, **changes: Any) -> Calibration:
    given: dict[str, Any] = {
        "strategy": "self-consistency",
        "config": {"n": 8},
        "models": {"policy": "small"},
        "prompts": {},
        "data": DATA,
        "map": IsotonicMap(knots=(Knot(confidence=0.1, probability=probability),)),
        "fits": (),
        "accept": NONE,
        "stop": None,
    }
    return Calibration(**{**given, **changes})


async def test_a_new_version_never_overwrites(store: Store) -> None:
    kept = store.calibrations()
    first, second = await kept.add("one", fitted(0.7)), await kept.add("one", fitted(1 / 3))
    assert (first.title, second.title) == ("one@1", "one@2")
    assert (first.calibration, second.calibration) == (fitted(0.7), fitted(1 / 3))
    assert first.made_at > 1e9
    assert await kept.every() == [first, second]
    assert await kept.find("one") == second
    assert await kept.find("one@1") == first
    assert await kept.that_hold_for(fitted().key) == [second, first]
    assert await kept.that_hold_for("another") == []


async def test_the_same_as_the_latest_is_the_latest(store: Store) -> None:
    kept = store.calibrations()
    first = await kept.add("one", fitted())
    assert await kept.add("one", fitted()) == first
    assert (await kept.add("two", fitted())).title == "two@1"


async def test_what_is_removed_is_gone_and_its_number_with_it(store: Store) -> None:
    kept = store.calibrations()
    for probability in (0.1, 0.2, 0.3):
        await kept.add("one", fitted(probability))
    assert await kept.remove("one@3") == [3]
    assert (await kept.find("one")).version == 2
    assert (await kept.add("one", fitted(0.3))).version == 4
    assert await kept.remove("one") == [1, 2, 4]
    assert await kept.every() == await kept.that_hold_for(fitted().key) == []
    for title in ("one", "one@2"):
        with pytest.raises(UnknownNameError, match=f"unknown calibration '{title}' .none is known"):
            await kept.remove(title)


async def test_a_near_name_is_named(store: Store) -> None:
    await store.calibrations().add("gsm8k-vote", fitted())
    with pytest.raises(UnknownNameError, match="did you mean 'gsm8k-vote'"):
        await store.calibrations().find("gsm8k-votes")
    with pytest.raises(UnknownNameError, match="did you mean 'gsm8k-vote@1'"):
        await store.calibrations().find("gsm8k-vote@2")


async def test_those_added_at_once_have_numbers_of_their_own(store: Store) -> None:
    kept = store.calibrations()
    added = await asyncio.gather(*(kept.add("one", fitted(value / 8)) for value in range(5)))
    assert sorted(each.version for each in added) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["", "a b", "a@1", "x" * 65])
async def test_what_cannot_be_a_name(store: Store, name: str) -> None:
    with pytest.raises(ConfigError, match="a calibration cannot be called"):
        await store.calibrations().add(name, fitted())


async def test_a_key_is_never_stored(store: Store) -> None:
    with pytest.raises(ConfigError, match="looks like a key"):
        await store.calibrations().add("one", fitted(config={"system": "sk-" + "abcdefgh12345678"}))
    assert await store.calibrations().every() == []


async def test_what_was_changed_behind_the_stores_back_is_not_applied(filed: Store) -> None:
    kept = filed.calibrations()
    await kept.add("one", fitted())
    change = f"UPDATE calibrations SET body = replace(body, '{DATA.sha256}', '{'cd' * 32}')"
    await filed._database.write(lambda connection: connection.exec_driver_sql(change))
    assert await kept.that_hold_for(fitted().key) == []
    with pytest.raises(StoreCorruptError, match=r"one@1 is not what was fitted, so it is not applied .*calibrate remove one@1"):
        await kept.find("one")
    assert await kept.remove("one") == [1]
