"""Documents out of files: cut where texts may be cut, named so that the same files give the same ids, refused by line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.retrieval import Document
from symposia.memory.retrieval.files import Reader, part_id, sources
from symposia.memory.retrieval.parts import parts


def read(*paths: Path, chars: int = 2000) -> list[Document]:
    return list(Reader(sources(paths).files, chars))


# --- parts ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("", 10, []),
        (" \n\n \n", 10, []),
        ("one\n\n\ntwo\n", 10, ["one\n\ntwo"]),
        ("one two\n\nthree four", 12, ["one two", "three four"]),
        ("a\nb\n\nc", 4, ["a\nb", "c"]),
        ("One is. Two is. Three is.", 16, ["One is. Two is.", "Three is."]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("word " * 5, 12, ["word word", "word word", "word"]),
        ("  code\n    more", 80, ["  code\n    more"]),
    ],
)
def test_texts_are_cut_between_paragraphs_else_lines_sentences_words(text: str, most: int, found: list[str]) -> None:
    assert list(parts(text.splitlines(), most)) == found


@given(st.text(alphabet="ab .\n\t", max_size=300), st.integers(2, 40))
def test_nothing_but_white_space_is_lost(text: str, most: int) -> None:
    found = list(parts(text.split("\n"), most))
    assert all(0 < len(part) <= most and part.strip() for part in found)
    assert "".join("".join(found).split()) == "".join(text.split())


# --- files ------------------------------------------------------------------------------------------------------------------


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.md", ".hidden/x.txt", ".x.md", "picture.png", "a.jsonl"):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        place.write_text('{"id": "j", "text": "t"}\n' if name.endswith("jsonl") else "words\n")
    found = sources([tmp_path])
    assert ([source.name for source in found.files], found.others) == (["a.jsonl", "b.txt", "sub/a.md"], 1)
    assert found.bytes == 25 + 6 + 6
    reader = Reader(found.files, 2000)
    assert [document.id for document in reader] == ["j", "b.txt", "sub/a.md"]
    assert (reader.bytes, reader.parts) == (found.bytes, {"b.txt": 1, "sub/a.md": 1})


def test_lines_of_json_are_documents_as_they_stand(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "long " * 1000, "title": "T", "metadata": {"year": 2024}}, {"id": "b", "text": ""}]
    place = tmp_path / "rows.jsonl"
    place.write_text("\ufeff" + "\n\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert read(place, chars=100) == [Document.model_validate(row) for row in rows]


def test_texts_are_named_titled_and_numbered(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text("---\n\n## The plan ##\n\nBuild.\n\n# Later\n\nRest.\n")
    first, second = read(tmp_path, chars=24)
    assert (first.id, first.title, first.metadata) == ("plan.md", "The plan", {"file": "plan.md", "part": 1})
    assert (second.id, second.text, second.metadata["part"]) == (part_id("plan.md", 2), "Build.\n\n# Later\n\nRest.", 2)
    (tmp_path / "plan.txt").write_text("# no heading here\n")
    assert read(tmp_path / "plan.txt")[0].title == "plan"
    (tmp_path / "empty.txt").write_text(" \n")
    reader = Reader(sources([tmp_path / "empty.txt"]).files, 100)
    assert (list(reader), reader.parts) == ([], {"empty.txt": 0})


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "none").mkdir()
    for name, says in (("gone", "there is no file"), ("a.csv", "a kind that is read"), ("none", "nothing to read")):
        with pytest.raises(ConfigError, match=says):
            sources([tmp_path / name])


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        (b'{"id": "b"', ConfigError, r"no JSON: .*\(write one object a line"),
        (b"[1]", ConfigError, "no JSON object"),
        (b'{"id": "b", "text": "x", "titel": "y"}', UnknownNameError, r"unknown key 'titel' in .*did you mean 'title'"),
        (b'{"text": "x"}', ConfigError, "id: Field required"),
        (b'{"id": "b"}', ConfigError, "text: Field required"),
        (b'{"id": "", "text": "x"}', ConfigError, "id: String should have at least 1 character"),
        (b'{"id": "b", "text": 5}', ConfigError, "text: Input should be a valid string"),
        (b'{"id": "b", "text": "x", "metadata": {"n": NaN}}', ConfigError, "NaN is no number of JSON"),
        (b'{"id": "a", "text": "x"}', ConfigError, r"the id 'a' is that of .*rows\.jsonl:1 too"),
        (b"[" * 100_000, ConfigError, "no JSON"),
        (b'{"id": "b", "text": "\xff"}', ConfigError, "not UTF-8 text: invalid start byte at byte 21 of the line"),
        (b'{"id": "b", "text": "' + b"x" * 2**22 + b'"}', ConfigError, "the line is longer than 4,194,304 bytes"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: bytes, error: type[Exception], says: str) -> None:
    place = tmp_path / "rows.jsonl"
    place.write_bytes(b'{"id": "a", "text": "x"}\n\n' + line + b"\n")
    with pytest.raises(error, match=says) as raised:
        read(place)
    assert f"{place}:3" in str(raised.value)


def test_two_files_of_one_name_are_not_mixed(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text("words")
    with pytest.raises(ConfigError, match=r"two/a\.txt: the id 'a\.txt' is that of .*one/a\.txt too"):
        read(tmp_path / "one", tmp_path / "two")
