from __future__ import annotations

import sqlite3
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.retrieval.words import Word, indexed, queried


def _texts(query: str) -> list[str]:
    return [word.text for word in queried(query)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat, the dog; NEAR(a b)*", "the cat the dog near a b"),
        ("snake_case and don't", "snake case and don t"),
        ("3.14 x2", "3 14 x2"),
        ("Café naïve Straße Œuvre ﬁne", "cafe naive strasse œuvre fine"),
        ("\uff21\uff22\uff23\uff11\uff12", "abc12"),  # of full width
        ("Москва й", "москва и"),
        ("Ἀθῆναι", "αθηναι"),
        ("हिन्दी में", "हिन्दी में"),
        ("مُحَمَّد", "محمد"),
        ("🎉 — “quoted” … ½", "quoted 1 2"),
        ("", ""),
    ],
)
def test_words_of_a_text(text, words):
    assert indexed(text) == words
    assert _texts(text) == list(dict.fromkeys(words.split()))


def test_scripts_without_spaces_are_indexed_by_pairs():
    assert indexed("用机器学习 now") == "用机 机器 器学 学习 习 now"
    assert queried("机器学习") == [Word("机器"), Word("器学"), Word("学习")]
    assert queried("智") == [Word("智", prefix=True)]
    assert indexed("がギ") == "がギ ギ"  # voiced kana stay: their marks are no accents
    assert indexed("한국어") == "한국 국어 어"


@given(st.text(alphabet="机器学习人工智能", min_size=1, max_size=12), st.data())
def test_every_part_of_a_run_is_found(run, data):
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    words = indexed(run).split()
    for word in queried(part):
        assert any(each.startswith(word.text) if word.prefix else each == word.text for each in words)


def test_long_queries_and_long_words_are_cut():
    words = [f"w{'x' * (n % 70)}{n}" for n in range(10_000)]
    found = queried(" ".join(words))
    assert len(found) == 64
    assert min(len(word.text) for word in found) == 64
    assert indexed("y" * 100) == "y" * 64 == _texts("y" * 100)[0]
    assert _texts("a bb ccc") == ["a", "bb", "ccc"]


@given(st.text(max_size=60))
def test_text_and_query_are_cut_into_the_same_words(text):
    words = indexed(text).split()
    assert all(any(each.startswith(word.text) if word.prefix else each == word.text for each in words) for word in queried(text))
    assert all(not char.isspace() and char not in "\"'*:()^-&|!<>\\\0" for word in queried(text) for char in word.text)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_text_takes_the_short_way_to_the_same_words(text):
    assert indexed(text).split() == indexed(text + " é").split()[:-1]


def test_accents_make_no_difference_however_they_are_spelt():
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert indexed(unicodedata.normalize(form, "Đường Ångström café")) == indexed("Đường Ångström café")


def test_sqlite_cuts_no_further():
    """Its tokenizer must leave words as they come: of whatever script, it sees letters between spaces."""
    words = indexed("用机器学习 हिन्दी में Ἀθῆναι Москва 한국어 ภาษาไทย 東京タワー")
    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE t USING fts5(words, content = '', tokenize = 'porter ascii')")
    base.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'row')")
    base.execute("INSERT INTO t (rowid, words) VALUES (1, ?)", (words,))
    assert {term for (term,) in base.execute("SELECT term FROM v")} == set(words.split())
    base.close()
