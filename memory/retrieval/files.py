"""Documents out of files: JSON lines as they are given, plain text and Markdown cut into parts.

A line of JSON has ``id`` and ``text``, and may have ``title`` and ``metadata``. A text's documents are named after its file, seen
from the folder that was given: ``notes/plan.md``, ``notes/plan.md#2``. So the same files give the same ids again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from pydantic import ValidationError

from ...core.errors import ConfigError, UnknownNameError
from ...core.retrieval import Document
from .parts import parts

SUFFIXES = (".jsonl", ".md", ".txt")
_LONGEST_LINE = 4 * 2**20
"""Bytes: the longest document with every character escaped, and room for its metadata."""
_HEADING = re.compile(r"#{1,6}\s+(?P<title>.*?)[\s#]*$")


class Source(NamedTuple):
    """A file to read."""

    path: Path
    name: str
    """From the folder that was given; of a file that was given, its own."""


class Sources(NamedTuple):
    """Files to read, each folder's in the order of their names."""

    files: list[Source]
    others: int
    """Files in the folders that are of no kind that is read."""

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(source.path.stat().st_size for source in self.files)


def sources(paths: Iterable[Path]) -> Sources:
    """The files that ``paths`` name, and those below folders among them but for hidden ones.

    Raises :class:`ConfigError` for a path that is not there, a file of another kind, and where there is nothing to read.
    """
    files: list[Source] = []
    others = 0
    for path in paths:
        if path.is_dir():
            below = list(_below(path))
            found = [Source(file, file.relative_to(path).as_posix()) for file in below if file.suffix in SUFFIXES]
            files += found
            others += len(below) - len(found)
        elif not path.is_file():
            raise ConfigError(f"there is no file {path}")
        elif path.suffix not in SUFFIXES:
            raise ConfigError(f"{path} is not of a kind that is read", hint=f"give {', '.join(SUFFIXES)}, or a folder with such")
        else:
            files.append(Source(path, path.name))
    if not files:
        raise ConfigError("there is nothing to read", hint=f"give files that end in {', '.join(SUFFIXES)}, or a folder with such")
    return Sources(files, others)


def part_id(name: str, number: int) -> str:
    """The id of a text's part, counted from 1."""
    return name if number == 1 else f"{name}#{number}"


class Reader:
    """Iterate it once: the documents of ``files``, texts cut into parts of at most ``chars`` characters.

    Iterating raises :class:`ConfigError` and :class:`UnknownNameError` with file and line for what cannot be read, and for an
    id that was there before.
    """

    def __init__(self, files: Iterable[Source], chars: int) -> None:
        self._files = files
        self._chars = chars
        self._places: dict[str, str] = {}
        self.bytes = 0
        """Read so far."""
        self.parts: dict[str, int] = {}
        """How many parts each text has, by name."""

    def __iter__(self) -> Iterator[Document]:
        for source in self._files:
            read = self._objects if source.path.suffix == ".jsonl" else self._text
            for document, place in read(source):
                if (known := self._places.get(document.id)) is not None:
                    raise ConfigError(f"{place}: the id {document.id!r} is that of {known} too", hint="ids must differ")
                self._places[document.id] = place
                yield document

    def _objects(self, source: Source) -> Iterator[tuple[Document, str]]:
        for number, line in self._lines(source.path):
            if line.strip():
                place = f"{source.path}:{number}"
                yield _document(_object(line, place), place), place

    def _text(self, source: Source) -> Iterator[tuple[Document, str]]:
        titles = [source.path.stem]
        markdown = source.path.suffix == ".md"

        def heard() -> Iterator[str]:
            for _, line in self._lines(source.path):
                if markdown and len(titles) == 1 and (heading := _HEADING.match(line)):
                    titles.append(heading["title"])
                yield line

        place, number = str(source.path), 0
        for number, text in enumerate(parts(heard(), self._chars), 1):
            metadata = {"file": source.name, "part": number}
            fields = {"id": part_id(source.name, number), "text": text, "title": titles[-1], "metadata": metadata}
            yield _document(fields, place), place
        self.parts[source.name] = number

    def _lines(self, path: Path) -> Iterator[tuple[int, str]]:
        number = 0
        try:
            with path.open("rb") as file:
                while line := file.readline(_LONGEST_LINE + 1):
                    number += 1
                    if len(line) > _LONGEST_LINE:
                        raise ConfigError(f"{path}:{number}: the line is longer than {_LONGEST_LINE:,} bytes")
                    self.bytes += len(line)
                    yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}:{number}: not UTF-8 text: {error.reason} at byte {error.start} of the line") from error
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _refuse(error: OSError) -> NoReturn:
    raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from error


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        found = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{place}: no JSON: {error}", hint="write one object a line") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{place}: no JSON object", hint='write one a line, as {"id": "a", "text": "…"}')
    for key in found:
        if key not in Document.model_fields:
            raise UnknownNameError("key", key, Document.model_fields, where=place)
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _document(fields: dict[str, Any], place: str) -> Document:
    try:
        return Document.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{place}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
