"""Corpora and finding documents by their words, on every kind of store alike."""

from __future__ import annotations

import pytest

from symposia.core.errors import ConfigError, StoreError, UnknownNameError, UsageError
from symposia.core.retrieval import Document, Retriever
from symposia.memory.retrieval import catalogue, corpora, labels
from symposia.memory.retrieval.corpora import LONGEST

LIBRARY = {
    "cats": "The cat sleeps all day and hunts mice at night.",
    "dogs": "A dog barks at the cat next door.",
    "trains": "The night train from Zürich to Kraków was delayed.",
    "study": "机器学习是人工智能的一个分支。",
    "novel": "A naïve young man visits a café in Paris.",
}


def _documents(texts=LIBRARY):
    return [Document(id=name, text=text) for name, text in texts.items()]


@pytest.fixture
async def library(store):
    found = store.corpora()
    assert await found.add("library", _documents()) == len(LIBRARY)
    return found


async def _ids(searched: Retriever, query: str, corpus: str = "library", **options):
    return [hit.document.id for hit in await searched.search(query, corpus=corpus, **options)]


FOUND = {
    "cat": {"cats", "dogs"},
    "CATS": {"cats", "dogs"},
    "sleeping": {"cats"},
    "zurich krakow": {"trains"},
    "Naive CAFÉ": {"novel"},
    "cafe\u0301": {"novel"},
    "学习": {"study"},
    "人工智能": {"study"},
    "支": {"study"},
    "智": {"study"},
    "猫": set(),
    "xyzzy": set(),
    "at all": {"cats", "dogs"},  # stop words are words
}


async def test_documents_are_found_by_their_words(library):
    for query, found in FOUND.items():
        assert set(await _ids(library, query)) == found, query


async def test_the_best_comes_first_and_says_why(library):
    hits = await library.search("cat at night", corpus="library")
    assert hits[0].document == Document(id="cats", text=LIBRARY["cats"])
    assert [hit.text_rank for hit in hits] == [1, 2, 3]
    assert [hit.vector_rank for hit in hits] == [None] * 3
    assert [hit.score for hit in hits] == [1 / 61, 1 / 62, 1 / 63]
    assert await _ids(library, "cat at night", limit=1) == ["cats"]


async def test_a_title_is_searched_too(library):
    await library.add("library", [Document(id="titled", title="Quantum chess", text="Rules of a game.")])
    hits = await library.search("quantum game", corpus="library")
    assert [(hit.document.id, hit.document.title) for hit in hits] == [("titled", "Quantum chess")]


HOSTILE = [
    '"cat',
    "cat'; DROP TABLE documents; --",
    "cat AND",
    "NOT cat",
    "NEAR(cat dog, 2)",
    "cat OR OR dog",
    "words : cat",
    "-cat ^cat cat* *",
    "((cat",
    "cat:* & | ! <->",
    "{cat} + cat",
    "\\ % _ \0 cat",
    "\ud800 cat",
    "a" * 5000 + " cat",
    "🎉 cat 🐈‍⬛",
    ":word :corpus $1 ? %s cat",
]


async def test_any_text_is_a_query(library):
    for query in HOSTILE:
        assert set(await _ids(library, query)) >= {"cats", "dogs"}, query


async def test_what_holds_no_word_finds_nothing(library):
    for query in ("", "   \n", "🎉", "…—“”", "\0", "\ud800", '"', "* : ()"):
        assert await _ids(library, query) == [], query


async def test_the_rare_word_of_ten_thousand_finds(library):
    assert await _ids(library, "cat " * 5000 + "train " * 5000, limit=1) == ["trains"]
    many = " ".join(f"filler{number}" for number in range(10_000))
    assert await _ids(library, f"{many} extraordinarilylongword") == []
    await library.add("library", [Document(id="rare", text="an extraordinarilylongword")])
    assert await _ids(library, f"{many} extraordinarilylongword") == ["rare"]


async def test_common_words_come_into_play_where_rare_ones_find_too_few(store, monkeypatch):
    searched = store.corpora()
    searched._index.most = 10
    texts = {f"c{number}": "common words" for number in range(30)} | {"rare": "common zebra"}
    await searched.add("library", _documents(texts))
    found = await _ids(searched, "zebra common", limit=200)
    assert found[0] == "rare"
    # Of a word in more documents than may be ranked, the newest are.
    assert set(found) == {"rare"} | {f"c{number}" for number in range(21, 30)}
    monkeypatch.setattr(corpora, "_DEPTH", 1)
    assert await _ids(searched, "zebra common", limit=1) == ["rare"]


async def test_a_document_of_the_same_id_replaces_the_old_one(library):
    await library.add("library", [Document(id="cats", text="Nothing about felines.")])
    assert await _ids(library, "mice sleeps") == []
    assert await _ids(library, "felines") == ["cats"]
    assert (await library.corpus("library")).documents == len(LIBRARY)
    twice = [Document(id="x", text="first version"), Document(id="x", text="second version")]
    assert await library.add("library", twice) == 1
    assert await _ids(library, "version first") == ["x"]
    assert [hit.document.text for hit in await library.search("version", corpus="library")] == ["second version"]
    assert await _ids(library, "first") == []


async def test_documents_are_removed(library):
    assert await library.remove("library", ["cats", "unheard-of"]) == 1
    assert await _ids(library, "cat") == ["dogs"]
    assert await library.remove("library", []) == 0
    assert await library.remove("library", list(LIBRARY)) == len(LIBRARY) - 1
    assert (await library.corpus("library")).documents == 0
    assert await _ids(library, "cat") == []
    await library.add("library", _documents())
    assert await _ids(library, "barks") == ["dogs"]


async def test_corpora_are_listed_and_do_not_see_each_other(library, store):
    await library.add("zoo", [Document(id="cats", text="A cat in a cage.")])
    assert [(one.name, one.documents, one.vectors, one.embedder) for one in await library.every()] == [
        ("library", 5, 0, None),
        ("zoo", 1, 0, None),
    ]
    assert await library.corpus("zoo") == (await store.corpora().every())[1]
    assert await _ids(library, "cage") == []
    assert await _ids(library, "cage", "zoo") == ["cats"]
    await library.remove("zoo", ["cats"])
    assert set(await _ids(library, "cat")) == {"cats", "dogs"}


async def test_a_dropped_corpus_is_gone_and_its_name_free(library):
    await library.drop("library")
    assert await library.every() == []
    with pytest.raises(UnknownNameError):
        await _ids(library, "cat")
    await library.add("library", [Document(id="new", text="Another cat.")])
    assert await _ids(library, "cat sleeps barks") == ["new"]


async def test_what_an_interrupted_removal_left_goes_with_the_next(library, store, monkeypatch):
    monkeypatch.setattr(catalogue, "_AT_A_TIME", 2)
    await store._writer.run(lambda connection: catalogue.begin_removal(connection, library._index, "library"))
    assert await library.every() == []
    await library.add("library", [Document(id="new", text="Another cat.")])
    assert await _ids(library, "cat sleeps barks") == ["new"]
    await library.drop("library")
    assert await store._database.read(lambda it: it.exec_driver_sql("SELECT count(*) FROM documents").scalar()) == 0
    assert await store._database.read(lambda it: it.exec_driver_sql("SELECT count(*) FROM corpora").scalar()) == 0


async def test_many_documents_go_in_by_batches(store, monkeypatch):
    searched = store.corpora()
    monkeypatch.setattr(corpora, "_AT_ONCE", 7)
    monkeypatch.setattr(corpora, "_CHARACTERS", 100)
    texts = {f"d{number}": f"number{number} " + "word " * (number % 30) for number in range(100)}
    assert await searched.add("library", iter(_documents(texts))) == 100
    for number in (0, 1, 50, 99):
        assert await _ids(searched, f"number{number}") == [f"d{number}"]
    assert len(await _ids(searched, "word", limit=200)) == 96
    assert await searched.remove("library", [f"d{number}" for number in range(50)]) == 50


LIMITS = [
    ({"year": 2001}, {"a"}),
    ({"year": 2001.0}, {"a"}),
    ({"year": "2001"}, {"b"}),
    ({"year": None}, {"c"}),
    ({"open": True}, {"a", "b"}),
    ({"open": 1}, {"c"}),
    ({"open": True, "year": 2001}, {"a"}),
    ({"open": True, "year": 1}, set()),
    ({"unheard-of": 1}, set()),
    ({"nested": "x"}, set()),
    ({"quote": 'it\'s "so" %s'}, {"c"}),
    ({}, {"a", "b", "c"}),
]


async def test_a_search_is_limited_to_equal_metadata(store):
    searched = store.corpora()
    metadata = {
        "a": {"year": 2001, "open": True, "nested": {"x": 1}},
        "b": {"year": "2001", "open": True},
        "c": {"year": None, "open": 1, "quote": 'it\'s "so" %s'},
    }
    await searched.add("library", [Document(id=key, text="a paper", metadata=value) for key, value in metadata.items()])
    await searched.add("other", [Document(id="z", text="a paper", metadata=metadata["a"])])
    for where, found in LIMITS:
        hits = await searched.search("paper", corpus="library", where=where)
        assert {hit.document.id for hit in hits} == found, where
        assert all(hit.document.metadata == metadata[hit.document.id] for hit in hits)


async def test_a_limit_reaches_behind_better_documents_that_do_not_fit(store):
    searched = store.corpora()
    searched._index.most = 10
    await searched.add("library", [Document(id=f"d{n}", text="zebra zebra", metadata={"kept": n == 0}) for n in range(40)])
    assert await _ids(searched, "zebra", where={"kept": True}) == ["d0"]


async def test_replacing_a_document_replaces_its_metadata(store):
    searched = store.corpora()
    await searched.add("library", [Document(id="a", text="paper", metadata={"year": 1})])
    await searched.add("library", [Document(id="a", text="paper", metadata={"year": 2})])
    assert await _ids(searched, "paper", where={"year": 1}) == []
    assert await _ids(searched, "paper", where={"year": 2}) == ["a"]


def test_a_label_is_a_signed_number_of_64_bits():
    found = {label for number in range(1000) for label in labels.labels_of("library", {"key": number})}
    assert len(found) == 1000
    assert all(-(2**63) <= label < 2**63 for label in found)
    assert labels.labels_of("library", {"key": 1}) != labels.labels_of("other", {"key": 1})


SECRET = "sk-live" + "1234567890abcdef"  # in two parts: no scanner should take it for a real one


async def test_secrets_never_reach_the_store(store, path):
    searched = store.corpora()
    document = Document(
        id=f"id {SECRET}", title=f"title {SECRET}", text=f"text {SECRET}", metadata={"api_key": SECRET, "by": [SECRET]}
    )
    await searched.add("library", [document])
    (hit,) = await searched.search("text", corpus="library")
    assert SECRET not in hit.model_dump_json()
    assert hit.document.text == "text [redacted]"
    assert await _ids(searched, "live1234567890abcdef") == []
    rows = await store._database.read(lambda it: it.exec_driver_sql("SELECT name, body FROM documents").all())
    assert SECRET not in repr(rows)
    assert await searched.remove("library", [f"id {SECRET}"]) == 1


async def test_a_zero_byte_does_no_harm(store):
    searched = store.corpora()
    await searched.add("library", [Document(id="nul\0", text="zero \0 half", metadata={"key\0": "\0"})])
    assert [hit.document.text for hit in await searched.search("half", corpus="library", where={"key\0": "\0"})] == [
        "zero \0 half"
    ]
    assert await searched.remove("library", ["nul\0"]) == 1


async def test_errors_say_what_is_wrong(library):
    with pytest.raises(UnknownNameError, match=r"unknown corpus 'librarry' \(did you mean 'library'\?\)"):
        await library.search("cat", corpus="librarry")
    for work in (library.corpus("nope"), library.remove("nope", ["a"]), library.drop("nope")):
        with pytest.raises(UnknownNameError, match="unknown corpus 'nope'"):
            await work
    with pytest.raises(ConfigError, match="'a corpus' cannot be the name of a corpus"):
        await library.add("a corpus", _documents())
    for limit in (0, -1, 1001):
        with pytest.raises(UsageError, match=f"{limit:,} documents cannot be searched for .ask for 1 to 1,000"):
            await library.search("cat", corpus="library", limit=limit)
    with pytest.raises(ConfigError, match=r"cannot be limited by tags = \['a'\]"):
        await library.search("cat", corpus="library", where={"tags": ["a"]})
    with pytest.raises(UsageError, match=r"document 'long' of the corpus 'library' has 64,001 characters, more than 64,000"):
        await library.add("library", [Document(id="before", text="zebra"), Document(id="long", text="x" * (LONGEST + 1))])
    assert await _ids(library, "zebra") == ["before"]


async def test_the_longest_document_can_be_indexed(store):
    """Nothing is longer in an index than Chinese of which no pair of letters comes twice."""
    searched = store.corpora()
    text = "".join(chr(0x20000 + (number * 7919) % 40_000) for number in range(LONGEST))
    await searched.add("library", [Document(id="long", text=text)])
    assert await _ids(searched, text[1000:1010]) == ["long"]


async def test_nothing_is_added_to_a_closed_store(store):
    searched = store.corpora()
    await store.close()
    with pytest.raises(StoreError):
        await searched.add("library", _documents())
