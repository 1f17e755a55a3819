"""Finding documents by vectors: in memory they are always what the store holds."""

from __future__ import annotations

import asyncio
import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.retrieval import Document
from symposia.memory.retrieval import vectors
from symposia.memory.retrieval.vectors import Matrix, Stored, packed, unit
from symposia.memory.retrieval.wordllama import WordLlamaEmbedder
from symposia.testing import HashEmbedder

ALIKE = [{"car", "automobile"}, {"doctor", "physician"}]


def _embedder(name="hash", dimension=512):
    return HashEmbedder(dimension, name=name, alike=ALIKE)


def _documents(texts):
    return [Document(id=name, text=text) for name, text in texts.items()]


GARAGE = {"a": "red automobile", "b": "blue bicycle", "c": "physician on call", "d": "car and red paint"}


@pytest.fixture
async def garage(store):
    found = store.corpora(_embedder())
    await found.add("garage", _documents(GARAGE))
    return found


async def _found(searched, query, corpus="garage", **options):
    return [(hit.document.id, hit.text_rank, hit.vector_rank) for hit in await searched.search(query, corpus=corpus, **options)]


async def _near(searched, query, corpus="garage", **options):
    """Documents by their vectors alone, nearest first."""
    ranked = {hit.vector_rank: hit.document.id for hit in await searched.search(query, corpus=corpus, **options)}
    return [ranked[rank] for rank in sorted(rank for rank in ranked if rank)]


async def test_vectors_find_what_the_words_do_not(garage):
    assert await _found(garage, "doctor") == [("c", None, 1)]
    assert await _found(garage, "car") == [("d", 1, 2), ("a", None, 1)]
    assert await _found(garage, "car", limit=1) == [("d", 1, 2)]
    assert await _found(garage, "🎉") == await _found(garage, " ") == []


async def test_without_an_embedder_words_alone_find(garage, store):
    assert await _found(store.corpora(), "car") == [("d", 1, None)]
    assert (await store.corpora().corpus("garage")).vectors == 4


async def test_what_others_add_replace_and_remove_is_seen(garage, store):
    assert await _near(garage, "car") == ["a", "d"]
    other = store.corpora(_embedder())
    await other.add("garage", _documents({"e": "automobile"}))
    assert await _near(garage, "car") == ["e", "a", "d"]
    await other.add("garage", _documents({"a": "green bicycle"}))
    assert await _near(garage, "car") == ["e", "d"]
    assert await _near(garage, "bicycle") == ["a", "b"] or await _near(garage, "bicycle") == ["b", "a"]
    await other.remove("garage", ["e", "b"])
    assert await _near(garage, "car") == ["d"]
    assert await _near(garage, "bicycle") == ["a"]
    await other.drop("garage")
    with pytest.raises(UnknownNameError):
        await _near(garage, "car")
    await other.add("garage", _documents({"z": "automobile"}))
    assert await _near(garage, "car") == ["z"]
    assert (await garage.corpus("garage")).vectors == 1


async def test_the_newest_document_removed_and_added_again_is_found_anew(garage):
    """Its number is the highest there is: were it given again, what is in memory would pass for it."""
    assert await _near(garage, "paint") == ["d"]
    await garage.remove("garage", ["d"])
    await garage.add("garage", _documents({"d": "wooden table"}))
    assert await _near(garage, "paint") == []
    assert await _near(garage, "table") == ["d"]


@pytest.mark.parametrize("many", [0, 3, 10**6])
async def test_what_was_removed_is_forgotten_one_by_one_or_all_at_once(store, monkeypatch, many):
    monkeypatch.setattr("symposia.memory.retrieval.nearest._MANY", many)
    monkeypatch.setattr("symposia.memory.retrieval.corpora._DEPTH", 4)
    searched = store.corpora(_embedder())
    texts = {f"d{number}": "car " * (number + 1) + "paint" for number in range(20)}  # the last ones lie nearest
    await searched.add("garage", _documents(texts))
    assert await _near(searched, "automobile", limit=3) == ["d19", "d18", "d17"]
    await store.corpora(_embedder()).remove("garage", [f"d{number}" for number in range(5, 20)])
    assert await _near(searched, "automobile", limit=3) == ["d4", "d3", "d2"]
    assert len(store._shared.nearest._held["garage"].matrix) == 5


async def test_equal_vectors_rank_by_age(store):
    searched = store.corpora(_embedder())
    await searched.add("garage", _documents(dict.fromkeys("zyx", "car")))
    assert await _near(searched, "automobile") == ["z", "y", "x"]


async def test_metadata_limit_vectors_too(store):
    searched = store.corpora(_embedder())
    given = [Document(id=f"d{n}", text="car", metadata={"odd": bool(n % 2), "three": n % 3}) for n in range(12)]
    await searched.add("garage", given)
    assert await _near(searched, "automobile", where={"odd": True}) == ["d1", "d3", "d5", "d7", "d9", "d11"]
    assert await _near(searched, "automobile", where={"odd": True, "three": 0}) == ["d3", "d9"]
    assert await _near(searched, "automobile", where={"three": 5}) == []


async def test_searches_at_once_share_one_memory(garage):
    found = await asyncio.gather(*(_near(garage, "car") for _ in range(20)), garage.add("garage", _documents({"e": "blue"})))
    assert all(each == ["a", "d"] for each in found[:-1])


async def test_secrets_do_not_reach_the_embedder(store):
    embedder = _embedder()
    await store.corpora(embedder).add("garage", [Document(id="a", title="t", text="key sk-live" + "1234567890abcdef")])
    assert embedder.asked == ["t\nkey [redacted]"]


async def test_vectors_of_two_embedders_never_mix(garage, store):
    for other, said in ((_embedder("other"), "those of 'other' with 512"), (_embedder(dimension=8), "those of 'hash' with 8")):
        searched = store.corpora(other)
        for work in (searched.add("garage", _documents({"x": "y"})), searched.search("car", corpus="garage")):
            with pytest.raises(
                ConfigError, match=f"vectors of 'hash' with 512 numbers, which cannot be compared with {said}.*`embed`"
            ):
                await work
    with pytest.raises(ConfigError, match=r"has vectors of 'hash' with 512 numbers.*open the corpora with this embedder"):
        await store.corpora().add("garage", _documents({"x": "y"}))
    assert (await garage.corpus("garage")).documents == 4


async def test_a_corpus_without_vectors_is_embedded_later(garage, store):
    plain = store.corpora()
    await plain.add("words", _documents(GARAGE))
    assert await _found(garage, "car", "words") == [("d", 1, None)]
    with pytest.raises(ConfigError, match=r"'words' has no vectors .call `embed` once, or `symposia corpus embed words`"):
        await garage.add("words", _documents({"e": "x"}))
    assert await garage.embed("words") == 4
    assert await garage.embed("words") == 0
    assert await _near(garage, "car", "words") == ["a", "d"]
    await garage.add("words", _documents({"e": "automobile"}))
    assert await _near(garage, "car", "words") == ["e", "a", "d"]
    with pytest.raises(ConfigError, match="these corpora have no embedder"):
        await plain.embed("words")
    with pytest.raises(UnknownNameError):
        await garage.embed("nope")


class _Failing(HashEmbedder):
    """Fails after some calls."""

    left = 10**9

    async def embed(self, texts):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of order")
        return await super().embed(texts)


async def test_embedding_anew_goes_on_where_it_was_broken_off(garage, store, monkeypatch):
    monkeypatch.setattr("symposia.memory.retrieval.corpora._AT_ONCE", 1)
    assert await _near(garage, "car") == ["a", "d"]
    embedder = _Failing(64, name="new", alike=ALIKE)
    searched = store.corpora(embedder)
    embedder.left = 2
    with pytest.raises(RuntimeError, match="out of order"):
        await searched.embed("garage")
    assert await searched.corpus("garage") == (await searched.every())[0]
    assert ((await searched.corpus("garage")).embedder, (await searched.corpus("garage")).vectors) == ("new", 2)
    embedder.left = 10**9
    assert await _near(searched, "car") == ["a"]
    assert [each for each, *_ in await _found(store.corpora(), "car")] == ["d"]
    await searched.add("garage", _documents({"e": "automobile"}))
    assert await _near(searched, "car") == ["e", "a"]
    assert await searched.embed("garage") == 2  # with lower documents' numbers than what is in memory
    assert await _near(searched, "car") == ["e", "a", "d"]
    with pytest.raises(ConfigError, match="cannot be compared"):
        await _near(garage, "car")
    assert await garage.embed("garage") == 5
    assert await _near(garage, "car") == ["e", "a", "d"]


async def test_documents_removed_while_they_are_embedded_get_no_vector(garage, store):
    class Removing(HashEmbedder):
        async def embed(self, texts):
            await garage.remove("garage", ["a"])
            return await super().embed(texts)

    searched = store.corpora(Removing(64, name="new"))
    assert await searched.embed("garage") == 3
    assert (await searched.corpus("garage")).vectors == (await searched.corpus("garage")).documents == 3


async def test_of_two_who_embed_otherwise_one_gives_way(garage, store):
    class Overtaken(HashEmbedder):
        async def embed(self, texts):
            await garage.embed("garage")
            return await super().embed(texts)

    with pytest.raises(ConfigError, match="cannot be compared"):
        await store.corpora(Overtaken(64, name="new")).embed("garage")
    assert ((await garage.corpus("garage")).embedder, (await garage.corpus("garage")).vectors) == ("hash", 4)


async def test_what_is_there_as_it_is_is_neither_embedded_nor_written_again(store):
    embedder, told = _embedder(), []
    searched = store.corpora(embedder)
    assert await searched.add("garage", _documents(GARAGE), told=told.append) == 4
    changed = GARAGE | {"a": "green bicycle"}
    assert await searched.add("garage", _documents(changed), told=told.append) == 4
    assert embedder.asked == [*GARAGE.values(), "green bicycle"]
    assert told == [4, 4]
    assert [document.id for document in await searched.oldest("garage", limit=9)] == ["b", "c", "d", "a"]
    assert await _near(searched, "car") == ["d"]


async def test_a_document_without_its_vector_gets_one_when_it_is_added_again(garage, store):
    plain = store.corpora()
    await plain.add("words", _documents(GARAGE))
    embedder = _Failing(64, name="new")
    embedder.left = 0
    searched = store.corpora(embedder)
    with pytest.raises(RuntimeError, match="out of order"):
        await searched.embed("words")
    embedder.left = 10**9
    assert await searched.add("words", _documents(GARAGE)) == 4
    assert ((await searched.corpus("words")).vectors, (await searched.corpus("words")).dimension) == (4, 64)


async def test_nothing_is_embedded_that_cannot_be_stored(garage, store):
    embedder = _embedder("other")
    for corpus in ("garage", "no name"):
        with pytest.raises(ConfigError):
            await store.corpora(embedder).add(corpus, _documents(GARAGE))
    assert embedder.asked == []


async def test_vectors_are_forgotten_when_somebody_says_so(garage, store):
    assert await _near(garage, "car") == ["a", "d"]
    await garage.forget_vectors("garage")
    found = await garage.corpus("garage")
    assert (found.embedder, found.dimension, found.vectors, found.documents) == (None, None, 0, 4)
    assert await _found(garage, "car") == [("d", 1, None)]
    await store.corpora().add("garage", _documents({"e": "car"}))
    assert await garage.embed("garage") == 5
    assert await _near(garage, "car") == ["e", "a", "d"]
    with pytest.raises(UnknownNameError):
        await garage.forget_vectors("nope")


async def test_documents_are_read_by_their_ids(garage):
    assert await garage.named("garage", ["b", "nope", "a"]) == {one.id: one for one in _documents(GARAGE) if one.id in "ab"}
    for work in (garage.named("nope", ["a"]), garage.oldest("nope", limit=1)):
        with pytest.raises(UnknownNameError):
            await work


async def test_secrets_in_a_query_do_not_reach_the_embedder(garage):
    await garage.search("key sk-live" + "1234567890abcdef", corpus="garage")
    assert garage._embedder.asked[-1] == "key [redacted]"


class _Broken(HashEmbedder):
    def __init__(self, made):
        super().__init__(2)
        self.made = made

    async def embed(self, texts):
        return self.made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (np.zeros((1, 3), np.float32), r"vectors of shape \(1, 3\) where \(1, 2\) was due"),
        (np.zeros((2, 2), np.float32), r"vectors of shape \(2, 2\) where \(1, 2\) was due"),
        (np.array([[1, np.nan]]), "not finite"),
        (np.array([[np.inf, 0]]), "not finite"),
    ],
)
async def test_an_embedder_that_is_broken_stores_nothing(store, made, said):
    searched = store.corpora(_Broken(made))
    with pytest.raises(ConfigError, match=said):
        await searched.add("garage", _documents({"a": "x"}))
    assert await searched.every() == []


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(vectors, "BLOCK", 5)


@pytest.mark.usefixtures("small_blocks")
@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1)), max_size=12), st.integers(1, 20))
def test_the_matrix_is_the_plain_computation(seed, steps, limit):
    """Whatever is added and forgotten in whatever order: the nearest are those of a list that is searched one by one."""
    rng = np.random.default_rng(seed)
    matrix, kept, number = Matrix(4), {}, 0
    for amount, share in steps:
        rows = unit(rng.integers(-2, 3, (amount, 4)).astype(np.float32), amount, 4, "test")
        stored = [Stored(number + at, 7 * (number + at) % 1009, raw) for at, raw in enumerate(packed(rows), 1)]
        matrix.extend(stored)
        number += amount
        assert matrix.last == number
        kept |= {one.id: (one.document, row) for one, row in zip(stored, rows, strict=True)}
        gone = {key for key in kept if rng.random() > share}
        matrix.forget(gone)
        kept = {key: value for key, value in kept.items() if key not in gone}
        assert len(matrix) == len(kept)
    query = unit(rng.integers(-2, 3, (1, 4)).astype(np.float32), 1, 4, "test")[0]
    among = [document for document, _ in kept.values() if document % 2]
    for chosen in (None, among):
        scores = {id_: float(row @ query) for id_, (document, row) in kept.items() if chosen is None or document in chosen}
        found = matrix.nearest(query, limit, chosen)
        due = sorted((score for score in scores.values() if score > 1e-6), reverse=True)[:limit]
        assert [scores[id_] for id_ in found] == pytest.approx(due, abs=1e-6)
        assert len(set(found)) == len(found)


def test_a_vector_of_no_length_is_near_to_nothing():
    rows = unit(np.array([[0, 0], [3, 4]], np.float32), 2, 2, "test")
    assert rows.tolist() == [[0, 0], [np.float32(0.6), np.float32(0.8)]]
    matrix = Matrix(2)
    matrix.extend([Stored(at, at, raw) for at, raw in enumerate(packed(rows), 1)])
    assert matrix.nearest(rows[1], 9) == [2]
    assert matrix.nearest(rows[0], 9) == []


async def test_vectors_are_read_in_pages(store, small_blocks):
    searched = store.corpora(_embedder())
    await searched.add("garage", _documents({f"d{number}": f"car n{number}" for number in range(23)}))
    assert len(await _near(searched, "automobile", limit=50)) == 23


async def test_wordllama_knows_what_texts_are_about(filed):
    searched = filed.corpora(WordLlamaEmbedder())
    texts = {
        "proof": "A proof by induction on n.",
        "cake": "Whip the egg whites, then fold in the sugar.",
        "train": "The express leaves at noon.",
    }
    await searched.add("notes", _documents(texts))
    assert (await _near(searched, "we argue inductively", "notes"))[0] == "proof"
    assert (await _near(searched, "baking a dessert", "notes"))[0] == "cake"
    rows = await WordLlamaEmbedder().embed(["short", "short", "a much longer text that is padded to"])
    alone = await WordLlamaEmbedder().embed(["short"])
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows[0], alone[0], rtol=1e-5)


def test_wordllama_says_what_to_install(monkeypatch):
    monkeypatch.setattr("symposia.memory.retrieval.wordllama.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r'pip install "symposia\[embed\]"'):
        WordLlamaEmbedder()
    assert importlib.util.find_spec("wordllama")
