"""Evidence in a folder: ``experiment.json``, ``problems.csv``, ``trials.csv`` and ``candidates.csv``.

What must stay true: what was written is read again unchanged, the same evidence gives the same bytes whatever order its runs
ended in, each row is one line (so that an error can name it), and there is no question's text in any file. The columns are the
fields of :mod:`.records`, in their order.

How cells are written: numbers as Python does, without ``.0``; nothing for None; mappings as JSON, or nothing where empty; step
scores with blanks between them, ``-`` for None. A text is written as it is, unless it holds line breaks or other characters that
cannot be seen, begins with a quotation mark, or is empty where None could stand: then as a JSON string.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, NamedTuple, TextIO, TypeVar

from pydantic import ValidationError

from ...core.errors import ConfigError, EvidenceError
from ...core.files import whole_file
from .records import Arm, Evidence, ProblemRow, Sample, Trial

FORMAT = 1
"""Grows when an older symposia could no longer read the files."""

_LARGEST_CELL = 2**31 - 1
_HEAD, _PROBLEMS, _TRIALS, _SAMPLES = "experiment.json", "problems.csv", "trials.csv", "candidates.csv"
_Row = TypeVar("_Row", ProblemRow, Trial, Sample)


def is_evidence(folder: Path) -> bool:
    """Whether a folder holds an experiment's files."""
    return (folder / _HEAD).is_file()


def save(evidence: Evidence, folder: Path) -> None:
    """Write the four files, all or none; those of an earlier save are replaced.

    Raises:
        ConfigError: where the folder or a file cannot be written.
        StoreFullError: where the disk is full; the old files stay.
    """
    evidence = in_order(evidence)
    head = {
        "format": FORMAT,
        "name": evidence.name,
        "plan": evidence.plan,
        "arms": [arm.model_dump(mode="json") for arm in evidence.arms],
    }
    make_folder(folder)
    with ExitStack() as stack:
        # First in, last moved into place: a folder without the head is no experiment yet.
        files = [stack.enter_context(whole_file(folder / name)) for name in (_HEAD, _PROBLEMS, _TRIALS, _SAMPLES)]
        json.dump(head, files[0], indent=2, sort_keys=True)
        files[0].write("\n")
        _write_rows(files[1], ProblemRow, evidence.problems)
        _write_rows(files[2], Trial, evidence.trials)
        _write_rows(files[3], Sample, evidence.samples)
        for file in files:
            file.flush()


def load(folder: Path) -> Evidence:
    """Read what :func:`save` wrote; rows may have been brought into another order since.

    Raises:
        EvidenceError: for a missing file, one of a newer symposia, an unknown or missing column, and a row that cannot be
            right; it names file, line and column.
    """
    head, arms = _read_head(folder / _HEAD)
    evidence = Evidence(
        name=head["name"],
        plan=head["plan"],
        arms=arms,
        problems=tuple(_read_rows(folder / _PROBLEMS, ProblemRow)),
        trials=tuple(_read_rows(folder / _TRIALS, Trial)),
        samples=tuple(_read_rows(folder / _SAMPLES, Sample)),
    )
    _check(evidence, folder)
    return in_order(evidence)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it.

    Raises:
        ConfigError: where it cannot be made, or a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder {folder} cannot be made: {error.strerror or error}") from error


def in_order(evidence: Evidence) -> Evidence:
    """The same evidence with trials and samples in the order of problems, arms, seeds and indices."""
    problem = {row.id: place for place, row in enumerate(evidence.problems)}
    arm = {each.label: place for place, each in enumerate(evidence.arms)}
    return Evidence(
        name=evidence.name,
        plan=evidence.plan,
        arms=evidence.arms,
        problems=evidence.problems,
        trials=tuple(sorted(evidence.trials, key=lambda row: (problem[row.problem], arm[row.arm], row.seed))),
        samples=tuple(sorted(evidence.samples, key=lambda row: (problem[row.problem], arm[row.arm], row.seed, row.index))),
    )


class _Codec(NamedTuple):
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    means: str
    """What a cell must be, for the error."""


def _write_number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _write_text(text: str) -> str:
    return text if text.isprintable() and not text.startswith('"') else json.dumps(text)


def _read_text(cell: str) -> str:
    if not cell.startswith('"'):
        return sys.intern(cell)
    text = json.loads(cell)
    if not isinstance(text, str):
        raise ValueError(cell)  # noqa: TRY004 - one kind of failure for the caller: the cell is wrong
    return text


def _write_mapping(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":")) if value else ""


def _mapping(kind: type | tuple[type, ...], means: str) -> _Codec:
    def read(cell: str) -> dict[str, Any]:
        value = json.loads(cell) if cell else {}
        if not isinstance(value, dict) or not all(isinstance(each, kind) for each in value.values()):
            raise ValueError(cell)
        return value

    return _Codec(_write_mapping, read, f"a JSON object of {means}")


def _or_none(codec: _Codec) -> _Codec:
    def write(value: Any) -> str:
        return "" if value is None else codec.write(value) or '""'

    return _Codec(write, lambda cell: codec.read(cell) if cell else None, codec.means)


def _write_steps(values: tuple[float | None, ...]) -> str:
    return " ".join("-" if value is None else _write_number(value) for value in values)


def _read_steps(cell: str) -> tuple[float | None, ...]:
    return tuple(None if part == "-" else float(part) for part in cell.split())


_TEXT = _Codec(_write_text, _read_text, "a text")
_INTEGER = _Codec(str, int, "a whole number")
_NUMBER = _Codec(_write_number, float, "a number")
_CODECS = {
    "str": _TEXT,
    "int": _INTEGER,
    "float": _NUMBER,
    "str | None": _or_none(_TEXT),
    "int | None": _or_none(_INTEGER),
    "float | None": _or_none(_NUMBER),
    "dict[str, str]": _mapping(str, "texts"),
    "dict[str, int]": _mapping(int, "whole numbers"),
    "dict[str, float]": _mapping((int, float), "numbers"),
    "tuple[float | None, ...]": _Codec(_write_steps, _read_steps, "numbers with blanks between them"),
}


def _columns(kind: type[ProblemRow | Trial | Sample]) -> dict[str, _Codec]:
    return {field.name: _CODECS[str(field.type)] for field in fields(kind)}


def _write_rows(file: TextIO, kind: type[_Row], rows: Iterable[_Row]) -> None:
    columns = _columns(kind)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([codec.write(getattr(row, name)) for name, codec in columns.items()] for row in rows)


def _read_rows(path: Path, kind: type[_Row]) -> Iterator[_Row]:
    columns = _columns(kind)
    needed = sum(field.default is MISSING and field.default_factory is MISSING for field in fields(kind))
    readers = [codec.read for codec in columns.values()]
    for line, cells in _read_cells(path, list(columns), needed):
        try:
            yield kind(*[read(cell) for read, cell in zip(readers, cells, strict=False)])
        except ValueError as error:
            raise _wrong_cell(path, line, columns, cells) from error


def _read_cells(path: Path, columns: list[str], needed: int) -> Iterator[tuple[int, list[str]]]:
    """The rows below the head, with their lines. An older symposia did not write the columns beyond the first ``needed``."""
    csv.field_size_limit(_LARGEST_CELL)  # of the whole process; the default is below what an answer of code may have
    line = 1
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            head = next(reader, [])
            _check_columns(path, head, columns[: max(needed, len(head))])
            for line, cells in enumerate(reader, 2):
                if len(cells) != len(head):
                    raise EvidenceError(f"{path}, line {line}: {len(cells)} cells where there are {len(head)} columns")
                yield line, cells
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise EvidenceError(f"{path} is no UTF-8 text") from error
    except csv.Error as error:
        raise EvidenceError(f"{path}, line {line + 1}: {error}") from error


def _check_columns(path: Path, found: Sequence[str], wanted: list[str]) -> None:
    if found == wanted:
        return
    unknown, missing = [name for name in found if name not in wanted], [name for name in wanted if name not in found]
    said = [f"unknown column {name!r}" for name in unknown] + [f"no column {name!r}" for name in missing]
    raise EvidenceError(f"{path}, line 1: {', '.join(said) or 'columns in another order'}", hint=f"wanted: {','.join(wanted)}")


def _wrong_cell(path: Path, line: int, columns: dict[str, _Codec], cells: list[str]) -> EvidenceError:
    for (name, codec), cell in zip(columns.items(), cells, strict=False):
        try:
            codec.read(cell)
        except ValueError:
            return EvidenceError(f"{path}, line {line}, column {name}: {cell[:40]!r} is not {codec.means}")
    return EvidenceError(f"{path}, line {line} cannot be read")


def _read_head(path: Path) -> tuple[dict[str, Any], tuple[Arm, ...]]:
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        version = head["format"]
        if isinstance(version, int) and version > FORMAT:
            raise EvidenceError(
                f"{path} has format {version}, and this symposia reads {FORMAT}", hint="it was written by a newer one: upgrade"
            )
        arms = tuple(Arm.model_validate(each) for each in head["arms"])
        if set(head) != {"format", "name", "plan", "arms"} or not isinstance(head["plan"], dict):
            raise EvidenceError(f"{path} holds something else than format, name, plan and arms")
    except OSError as error:
        raise EvidenceError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise EvidenceError(f"{path}: arms, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except json.JSONDecodeError as error:
        raise EvidenceError(f"{path}, line {error.lineno}: no JSON: {error.msg}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"{path} is not the head of an experiment: {error}") from error
    return head, arms


def _check(evidence: Evidence, folder: Path) -> None:
    """Names that lead nowhere and rows that stand twice."""
    arms = {arm.label for arm in evidence.arms}
    problems: set[str] = set()
    trials: set[tuple[str, str, int]] = set()
    samples: set[tuple[tuple[str, str, int], int]] = set()
    for line, row in enumerate(evidence.problems, 2):
        _once(row.id, problems, folder / _PROBLEMS, line)
    for line, trial in enumerate(evidence.trials, 2):
        if trial.arm not in arms:
            raise EvidenceError(f"{folder / _TRIALS}, line {line}: no arm {trial.arm!r} in {_HEAD}")
        if trial.problem not in problems:
            raise EvidenceError(f"{folder / _TRIALS}, line {line}: no problem {trial.problem!r} in {_PROBLEMS}")
        _once((trial.problem, trial.arm, trial.seed), trials, folder / _TRIALS, line)
    for line, sample in enumerate(evidence.samples, 2):
        key = (sample.problem, sample.arm, sample.seed)
        if key not in trials:
            raise EvidenceError(f"{folder / _SAMPLES}, line {line}: no trial {', '.join(map(str, key))} in {_TRIALS}")
        _once((key, sample.index), samples, folder / _SAMPLES, line)


_Key = TypeVar("_Key")


def _once(key: _Key, seen: set[_Key], path: Path, line: int) -> None:
    if key in seen:
        raise EvidenceError(f"{path}, line {line}: the same row stands above")
    seen.add(key)
