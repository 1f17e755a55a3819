"""Written tools in the store: versions that never change, and what is removed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import StoreCorruptError, ToolRefusedError, UnknownNameError
from symposia.core.written import Provenance, ToolDraft
from symposia.memory.store import Store

BY = Provenance(admitted_by="me", sandbox="monty", run_id="r1", model="m")


def draft(source: str = "def run(): return 1", name: str = "one", **changes: Any) -> ToolDraft:
    given = {"name": name, "description": "One.", "parameters": {"type": "object"}, "source": source, "tests": ()} | changes
    return ToolDraft.model_validate(given)


async def test_a_new_version_never_overwrites(store: Store) -> None:
    tools = store.written_tools()
    first, second = await tools.add(draft(), BY), await tools.add(draft("def run(): return 2"), BY)
    assert (first.title, second.title) == ("one@1", "one@2")
    assert (first.draft, first.provenance) == (draft(), BY)
    assert first.written_at > 1e9
    assert await tools.every() == [first, second]
    assert await tools.names() == ["one"]
    assert await tools.find("one") == second
    assert await tools.find("one", version=1) == first
    assert await tools.find("one", digest=first.draft.digest) == first


async def test_the_same_as_the_latest_is_the_latest(store: Store) -> None:
    """So that whoever was broken off after storing can simply store again."""
    tools = store.written_tools()
    first = await tools.add(draft(), BY)
    assert await tools.add(draft(), Provenance(admitted_by="another", sandbox="monty")) == first
    await tools.add(draft("def run(): return 2"), BY)
    assert (await tools.add(draft(), BY)).version == 3


async def test_what_is_removed_is_gone_and_its_number_with_it(store: Store) -> None:
    tools = store.written_tools()
    for value in (1, 2, 3):
        await tools.add(draft(f"def run(): return {value}"), BY)
    assert await tools.remove("one", 3) == [3]
    assert (await tools.find("one")).version == 2
    with pytest.raises(UnknownNameError, match=r"unknown written tool 'one@3' .did you mean 'one@"):
        await tools.find("one", version=3)
    with pytest.raises(UnknownNameError, match="unknown written tool 'one@3'"):
        await tools.remove("one", 3)
    assert (await tools.add(draft("def run(): return 3"), BY)).version == 4
    assert await tools.remove("one") == [1, 2, 4]
    assert (await tools.names(), await tools.every()) == ([], [])
    with pytest.raises(UnknownNameError, match=r"unknown written tool 'one' .none is known"):
        await tools.find("one")
    with pytest.raises(UnknownNameError, match="of sha256"):
        await tools.find("one", digest=draft().digest)
    assert (await tools.add(draft(), BY)).version == 5


async def test_those_added_at_once_have_numbers_of_their_own(store: Store) -> None:
    tools = store.written_tools()
    added = await asyncio.gather(*(tools.add(draft(f"def run(): return {value}"), BY) for value in range(5)))
    assert sorted(each.version for each in added) == [1, 2, 3, 4, 5]


async def test_a_key_is_never_stored(store: Store) -> None:
    with pytest.raises(ToolRefusedError, match="holds what looks like a key"):
        await store.written_tools().add(draft("KEY = 'sk-abcdefgh12345678'"), BY)
    assert await store.written_tools().names() == []


async def test_what_was_changed_behind_the_stores_back_is_not_given_out(filed: Store) -> None:
    added = await filed.written_tools().add(draft(), BY)
    change = "UPDATE written_tools SET body = replace(body, 'return 1', 'return 9')"
    await filed._database.write(lambda connection: connection.exec_driver_sql(change))
    for find in (filed.written_tools().find("one"), filed.written_tools().find("one", digest=added.draft.digest)):
        with pytest.raises(StoreCorruptError, match="one@1 is not what was admitted"):
            await find
    assert await filed.written_tools().remove("one", 1) == [1]


async def test_it_outlives_the_store(path: Path) -> None:
    async with await Store.open(path) as store:
        added = await store.written_tools().add(draft(), BY)
    async with await Store.open(path) as store:
        assert await store.written_tools().find("one") == added


def test_the_digest_is_of_all_of_it() -> None:
    others = [draft("x"), draft(name="two"), draft(description="Two."), draft(parameters={}), draft(tests=({"arguments": {}},))]
    assert len({each.digest for each in (draft(), *others)}) == 6
    assert draft().digest == draft().digest
