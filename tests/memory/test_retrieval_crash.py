"""A process that is killed in the middle of adding leaves no half documents, and processes may add at the same time."""

from __future__ import annotations

import asyncio
import random

import pytest

from symposia.core.errors import StoreError
from symposia.core.retrieval import Document
from symposia.memory.store import Store
from symposia.testing import HashEmbedder

_ADD = """
from symposia.core.retrieval import Document
from symposia.memory.retrieval import corpora
from symposia.testing import HashEmbedder

corpora._AT_ONCE = 20

async def main(place, name, rounds):
    async with await Store.open(place) as store:
        searched = store.corpora(HashEmbedder(16))
        print("open", flush=True)
        sys.stdin.readline()
        for version in range(int(rounds)):
            texts = {f"d{number}": f"{name}v{version} n{number} " + "filler " * 200 for number in range(200)}
            await searched.add("library", [Document(id=key, text=text) for key, text in texts.items()])
            print(version, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


async def _agree(store: Store) -> dict[str, str]:
    """First words of all documents by id, once it is certain that documents, words and vectors are of one mind."""
    searched = store.corpora(HashEmbedder(16))
    corpus = await searched.corpus("library")
    assert corpus.documents == corpus.vectors
    hits = await searched.search("filler", corpus="library", limit=1000)
    assert len(hits) == corpus.documents
    firsts = {hit.document.id: hit.document.text.split()[0] for hit in hits}
    for first in set(firsts.values()):
        found = await store.corpora().search(first, corpus="library", limit=1000)
        assert {hit.document.id for hit in found} == {id_ for id_, each in firsts.items() if each == first}
    return firsts


@pytest.mark.parametrize("seed", range(2))
async def test_after_a_kill_documents_words_and_vectors_agree(place, spawn, seed):
    child = spawn(_ADD, place, "a", 10_000)
    await asyncio.to_thread(child.stdout.readline)
    child.stdin.write("go\n")
    child.stdin.flush()
    for _ in range(2):  # documents are being replaced from here on
        await asyncio.to_thread(child.stdout.readline)
    await asyncio.sleep(random.Random(seed).uniform(0.01, 0.2))
    child.kill()
    _, err = await asyncio.to_thread(child.communicate)
    assert err == ""
    async with await Store.open(place) as store:
        firsts = await _agree(store)
        assert len(firsts) == 200
        old = await store.corpora().search("av0", corpus="library", limit=1000)
        assert {hit.document.id for hit in old} == {id_ for id_, first in firsts.items() if first == "av0"}
        assert await store.corpora(HashEmbedder(16)).remove("library", list(firsts)) == 200
        assert await store.corpora().search("filler", corpus="library") == ()


async def test_two_processes_add_to_one_corpus(place, spawn):
    async with await Store.open(place) as store:
        children = [spawn(_ADD, place, name, 3) for name in "ab"]
        for child in children:
            await asyncio.to_thread(child.stdout.readline)
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [await asyncio.to_thread(child.communicate) for child in children]
        assert [(out.split()[-1], err) for out, err in said] == [("2", "")] * 2
        firsts = await _agree(store)
        assert len(firsts) == 200
        assert set(firsts.values()) <= {"av2", "bv2"}


async def test_a_transaction_that_fails_leaves_nothing(filed, monkeypatch):
    searched = filed.corpora(HashEmbedder(16))
    monkeypatch.setattr("symposia.memory.retrieval.documents.put_vectors", _fail)
    with pytest.raises(StoreError, match="planted"):
        await searched.add("library", [_document("a", "cat")])
    assert await searched.every() == []
    monkeypatch.undo()
    await searched.add("library", [_document("a", "cat")])
    monkeypatch.setattr("symposia.memory.retrieval.documents.put_vectors", _fail)
    with pytest.raises(StoreError, match="planted"):
        await searched.add("library", [_document("a", "dog")])
    assert [hit.document.text for hit in await searched.search("cat", corpus="library")] == ["cat"]
    assert await filed.corpora().search("dog", corpus="library") == ()


def _fail(*_):
    raise OSError(5, "planted")


def _document(name, text):
    return Document(id=name, text=text)
