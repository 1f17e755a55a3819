"""Records of local files: JSONL, JSON, CSV, TSV (all of these also as ``.gz``) and Parquet. Every error says file and line."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ...core.errors import TaskError

Columns = tuple[str, ...]


class Row(NamedTuple):
    """A record, and where it stands: ``dev.jsonl, line 7``."""

    where: str
    record: dict[str, Any]


def read_rows(path: Path, columns: Columns = ()) -> Iterator[Row]:
    """The records of ``path`` in their order, blank lines left out; what they look like is told by the name of the file.

    ``columns`` names those of a CSV or TSV file without a header line. TSV has no quotes: a quotation mark is text.
    Raises :class:`TaskError` for a file that cannot be read and for a line that is no record.
    """
    try:
        yield from _READERS[form(path)](path, columns)
    except (OSError, EOFError, zlib.error) as error:
        raise TaskError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def form(path: Path) -> str:
    """The suffix that tells how to read ``path``. Raises :class:`TaskError` for one that is not known."""
    suffix = _suffix(path)
    if suffix not in _READERS:
        raise TaskError(f"{path} is no data file that can be read", hint=f"known suffixes: {', '.join(_READERS)}; .gz over text")
    return suffix


def is_data(path: Path) -> bool:
    """Whether ``path`` is a file whose name says that it can be read."""
    return path.is_file() and _suffix(path) in _READERS


def _suffix(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _lines(path: Path) -> Iterator[str]:
    """The lines with their ends. Split at line feeds only: texts may hold other characters that count as line ends."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise TaskError(
                    f"{path.name}, line {number}: not UTF-8 text ({error.reason} at its byte {error.start})",
                    hint="convert the file, for example by `iconv -f LATIN1 -t UTF-8`",
                ) from None
            yield line


def _jsonl(path: Path, _columns: Columns) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise TaskError(f"{where}: not valid JSON: {error}", hint="each line must be one object") from None
        yield _row(where, record)


def _json(path: Path, _columns: Columns) -> Iterator[Row]:
    try:
        records = json.loads("".join(_lines(path)))
    except json.JSONDecodeError as error:
        hint = "is it one object a line? then call it .jsonl" if error.msg == "Extra data" else None
        raise TaskError(f"{path.name}, line {error.lineno}: not valid JSON: {error.msg}", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{path.name}: not valid JSON: {error}") from None
    if not isinstance(records, list):
        raise TaskError(f"{path.name} holds no list of records", hint="write a list of objects, or one object a line as .jsonl")
    for number, record in enumerate(records, start=1):
        yield _row(f"{path.name}, record {number}", record)


def _row(where: str, record: Any) -> Row:
    if not isinstance(record, dict):
        raise TaskError(f"{where}: a record is an object with named fields, not {json.dumps(record)[:40]}")
    return Row(where, record)


def _table(delimiter: str, quoting: Literal[0, 3]) -> Callable[[Path, Columns], Iterator[Row]]:
    def read(path: Path, columns: Columns) -> Iterator[Row]:
        reader = csv.reader(_lines(path), delimiter=delimiter, quoting=quoting, strict=True)
        head = list(columns)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                raise TaskError(f"{path.name}, line {reader.line_num}: {error}") from None
            if cells is None:
                return
            where = f"{path.name}, line {reader.line_num}"
            if not any(cell.strip() for cell in cells) or cells == head:
                continue
            if not head:
                head = _head(cells, where)
                continue
            if len(cells) != len(head):
                raise TaskError(f"{where}: {len(cells)} columns instead of {len(head)} ({', '.join(head)})")
            yield Row(where, dict(zip(head, cells, strict=True)))

    return read


def _head(cells: list[str], where: str) -> list[str]:
    if twice := sorted({cell for cell in cells if cells.count(cell) > 1}):
        raise TaskError(f"{where}: two columns are called {twice[0]!r}", hint="the first line must name the columns")
    return cells


def _parquet(path: Path, _columns: Columns) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - heavy, and an extra
    except ImportError:
        raise TaskError(f"{path.name}: Parquet files need pyarrow", hint='pip install "symposia[tasks]"') from None
    try:
        number = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for record in batch.to_pylist():
                    number += 1
                    yield Row(f"{path.name}, row {number}", record)
    except ArrowException as error:
        raise TaskError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from None


_READERS: dict[str, Callable[[Path, Columns], Iterator[Row]]] = {
    ".jsonl": _jsonl,
    ".json": _json,
    ".csv": _table(",", csv.QUOTE_MINIMAL),
    ".tsv": _table("\t", csv.QUOTE_NONE),
    ".parquet": _parquet,
}
