"""Where the records of a task come from: local files, the library itself, a generator, or the hub."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

from ...core.errors import TaskError, UnknownNameError, nearest
from .files import Row, form, is_data, read_rows
from .hub import hub_rows, hub_split
from .item import Split
from .task import PART, ROW, Parts, Task, TaskOptions


class Source(NamedTuple):
    """Records, where they are from, and whose split they are in."""

    label: str
    """For people: the path, the repository, or how the problems are made."""
    rows: Iterator[Row]
    split: Split | None
    """The split of every record; None where each one's content decides."""


class _Place(NamedTuple):
    part: str | None
    path: Path


def open_source(task: Task, options: TaskOptions, data: str | Path | None, split: Split) -> Source:
    """The records of ``task``. Parts take turns, one record of each, so that the first ones are of all parts.

    Raises :class:`TaskError` where there are none: no such file, no part of that name, no way to get them.
    """
    if data is not None:
        places = _places(task, options, Path(data).expanduser())
        return Source(str(data), _in_turn(_numbered(read_rows(path, task.columns), part) for part, path in places), None)
    if task.file is not None:
        return Source("the library", _numbered(read_rows(task.file, task.columns), None), None)
    if task.generate is not None:
        made = (Row(f"{task.name}, problem {n}", dict(record)) for n, record in enumerate(task.generate(options), start=1))
        return Source("generated", _numbered(made, None), None)
    if task.hub is not None:
        hub, names = task.hub, _chosen(task.parts, options) if task.parts else (None,)
        rows = _in_turn(_numbered(hub_rows(task, hub, part, split), part) for part in names)
        return Source(hub.repo, rows, hub_split(hub, split))
    raise TaskError(f"task {task.name} has no public source", hint="give a local file: --data FILE")


def _numbered(rows: Iterable[Row], part: str | None) -> Iterator[Row]:
    here = {} if part is None else {PART: part}
    return (Row(where, {**record, **here, ROW: number}) for number, (where, record) in enumerate(rows))


def _in_turn(streams: Iterable[Iterator[Row]]) -> Iterator[Row]:
    return (row for row in chain.from_iterable(zip_longest(*streams)) if row is not None)


def _chosen(parts: Parts, options: TaskOptions) -> tuple[str, ...]:
    """The parts asked for, in the task's order."""
    wanted = getattr(options, parts.option)
    for name in wanted:
        if name not in parts.names:
            raise UnknownNameError(parts.option, name, parts.names)
    return tuple(name for name in parts.names if name in wanted or not wanted)


def _places(task: Task, options: TaskOptions, data: Path) -> list[_Place]:
    files = _files(data)
    if task.parts is not None:
        return _places_of_parts(task.parts, options, data, files)
    if data.is_dir() and len(files) > 1:  # pooling a publisher's train and test files would mix what must stay apart
        names = ", ".join(path.name for path in files)
        raise TaskError(f"{data} holds several data files: {names}", hint="name one of them, or several by a pattern in quotes")
    return [_Place(None, path) for path in files]


def _files(data: Path) -> list[Path]:
    """The data files that a path means: a file, those of a folder, or those that match a pattern."""
    if data.is_dir():
        found = sorted(filter(is_data, data.iterdir()))
    elif data.exists():
        form(data)
        found = [data]
    else:
        found = [path for path in map(Path, sorted(glob.glob(str(data)))) if is_data(path)]  # noqa: PTH207 - absolute ones too
    if not found:
        near = nearest(data.name, (path.name for path in data.parent.iterdir())) if data.parent.is_dir() else None
        what = "holds no data file" if data.is_dir() else "is not there"
        raise TaskError(f"{data} {what}", hint=f"did you mean {near!r}?" if near and near != data.name else None)
    return found


def _places_of_parts(parts: Parts, options: TaskOptions, data: Path, files: list[Path]) -> list[_Place]:
    chosen = _chosen(parts, options)
    places = [_Place(part, path) for part in parts.names for path in files if fnmatch(path.name, _pattern(parts, part))]
    if len(files) == 1 and not places and len(chosen) == 1:
        return [_Place(chosen[0], files[0])]
    if not places:
        raise TaskError(
            f"{data}: the names of its files do not tell their {parts.option}",
            hint=f"say it: --task-option {parts.option}={parts.names[0]}, or call a file {_pattern(parts, parts.names[0])}",
        )
    if data.is_file() and parts.option not in options.model_fields_set:
        return places  # who names a file has chosen its part
    there = {place.part for place in places}
    if lacking := [part for part in chosen if part not in there] if getattr(options, parts.option) else []:
        raise TaskError(
            f"{data} has no file for {parts.option} {', '.join(lacking)}", hint=f"its name would be {_pattern(parts, lacking[0])}"
        )
    return [place for place in places if place.part in chosen]


def _pattern(parts: Parts, part: str) -> str:
    return parts.file.replace("{part}", part)
