"""Data files of every form, whole and broken."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from symposia.core.errors import TaskError
from symposia.research.tasks.files import is_data, read_rows
from symposia.research.tasks.load import load_task

RECORDS = [{"q": "Wie groß?", "a": "1"}, {"q": "two,\tthree\u2028four", "a": "2"}]


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def lines() -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in RECORDS)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_jsonl_with_or_without_a_byte_order_mark_and_blank_lines(tmp_path: Path, mark: bytes, ends: str) -> None:
    path = write(tmp_path / "a.jsonl", mark + lines().replace("\n", f"{ends}{ends}").encode())
    assert [row.record for row in read_rows(path)] == RECORDS
    assert [row.where for row in read_rows(path)] == ["a.jsonl, line 1", "a.jsonl, line 3"]


def test_json_csv_tsv_and_their_gz_forms(tmp_path: Path) -> None:
    for path in [
        write(tmp_path / "a.json", json.dumps(RECORDS)),
        write(tmp_path / "a.csv", '\ufeffq,a\r\nWie groß?,1\r\n\r\n"two,\tthree\u2028four",2\r\n'),
        write(tmp_path / "A.JSONL", lines()),
        write(tmp_path / "a.jsonl.gz", gzip.compress(lines().encode())),
        write(tmp_path / "b.csv.gz", gzip.compress('q,a\nWie groß?,1\n"two,\tthree\u2028four",2\n'.encode())),
    ]:
        assert [row.record for row in read_rows(path)] == RECORDS, path.name


def test_tsv_has_no_quotes_and_perhaps_no_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", 'He said "no". How often?\t1\n\nAnd "yes?\t2\n')
    assert [row.record["a"] for row in read_rows(path, ("q", "a"))] == ["1", "2"]
    assert next(read_rows(path, ("q", "a"))).record["q"] == 'He said "no". How often?'
    headed = write(tmp_path / "b.tsv", "q\ta\nHow many?\t2\n")
    expected = [{"q": "How many?", "a": "2"}]
    assert [row.record for row in read_rows(headed)] == expected
    assert [row.record for row in read_rows(headed, ("q", "a"))] == expected, "a header line that says the same is none"


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.Table.from_pylist(RECORDS), path)
    assert [row.record for row in read_rows(path)] == RECORDS
    assert next(read_rows(path)).where == "a.parquet, row 1"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"q": 1}\n{"q": \n', "a.jsonl, line 2: not valid JSON"),
        ("a.jsonl", '{"q": 1}\n[1, 2]\n', "a.jsonl, line 2: a record is an object"),
        ("a.jsonl", b'{"q": 1}\n{"q": "Gr\xf6\xdfe"}\n', "a.jsonl, line 2: not UTF-8 text"),
        ("a.json", '[{"q": 1},\n{"q" 2}]', "a.json, line 2: not valid JSON"),
        ("a.json", '{"q": 1}', "a.json holds no list of records"),
        ("a.json", '[{"q": 1}, 7]', "a.json, record 2: a record is an object"),
        ("a.csv", "q,a\nx,1\ny\n", "a.csv, line 3: 1 columns instead of 2"),
        ("a.csv", "q,q\nx,1\n", "a.csv, line 1: two columns are called 'q'"),
        ("a.csv", 'q,a\n"x,1\n', "a.csv, line 2: "),
        ("a.parquet", "PAR1 no", "not a readable Parquet file"),
        ("a.jsonl.gz", "no gzip", "a.jsonl.gz cannot be read"),
        ("a.jsonl.gz", gzip.compress(mtime=0, data=b'{"q": 1}\n' * 99)[:-9], "a.jsonl.gz cannot be read"),
        ("a.xlsx", "", "a.xlsx is no data file that can be read"),
    ],
)
def test_what_is_broken_is_said_with_its_place(tmp_path: Path, name: str, content: bytes | str, said: str) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(TaskError) as caught:
        list(read_rows(path))
    assert said in str(caught.value)


def test_objects_one_a_line_in_a_json_file_are_recognised(tmp_path: Path) -> None:
    with pytest.raises(TaskError) as caught:
        list(read_rows(write(tmp_path / "a.json", lines())))
    assert "call it .jsonl" in str(caught.value.hint)


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(TaskError, match="Parquet files need pyarrow") as caught:
        list(read_rows(write(tmp_path / "a.parquet", "")))
    assert "symposia[tasks]" in str(caught.value.hint)


def test_what_is_a_data_file(tmp_path: Path) -> None:
    assert is_data(write(tmp_path / "a.tsv.gz", ""))
    assert not is_data(write(tmp_path / "README.md", ""))
    assert not is_data(tmp_path / "b.jsonl")


def test_a_file_that_is_not_there_is_compared_with_those_that_are(tmp_path: Path) -> None:
    write(tmp_path / "problems.jsonl", "")
    with pytest.raises(TaskError, match="is not there") as caught:
        load_task("gsm8k", tmp_path / "problem.jsonl")
    assert "'problems.jsonl'" in str(caught.value.hint)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match="holds no data file"):
        load_task("gsm8k", tmp_path / "empty")


def test_a_folder_of_several_files_is_not_pooled(tmp_path: Path) -> None:
    """A publisher's train and test file in one folder would be mixed."""
    one = "".join(json.dumps({"question": f"Is {n} it?", "answer": f"#### {n}"}) + "\n" for n in range(20))
    write(tmp_path / "train.jsonl", one)
    assert sum(load_task("gsm8k", tmp_path).counts.values()) == 20
    write(tmp_path / "test.jsonl", one)
    with pytest.raises(TaskError, match=r"several data files: test\.jsonl, train\.jsonl"):
        load_task("gsm8k", tmp_path)
    assert load_task("gsm8k", f"{tmp_path}/t*.jsonl").duplicates == 20
