"""Files that hold solutions to be judged: plain text, or JSON that says what was asked too."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from ..core.errors import ProblemError
from ..core.problem import MAX_QUESTION_CHARS, Problem, Solution

_QUESTION = ("question", "problem")
_SOLUTION = ("solution", "answer", "text")
_SHAPE = 'write {"question": "…", "solution": "…"}, or "steps": ["…", "…"] in place of the solution'


class Given(NamedTuple):
    """A solution and where it came from."""

    source: str
    solution: Solution
    question: str | None


def read_solutions(files: Sequence[str]) -> list[Given]:
    """The solutions in ``files``; ``-`` is standard input. Raises :class:`ProblemError` for one that cannot be used."""
    return [given for file in files for given in _read(file)]


def posed(given: Sequence[Given], question: str | None, answer_kind: str | None, language: str | None) -> Problem:
    """The problem that the solutions are of: ``question``, else the one that the files name.

    Raises :class:`ProblemError` where there is none, or several.
    """
    asked = list(dict.fromkeys([question] if question else [one.question for one in given if one.question]))
    if len(asked) != 1:
        several = f"the solutions are of {len(asked)} questions" if asked else "nobody says what the solution is of"
        raise ProblemError(several, hint="add --question TEXT|@FILE, or judge the solutions of one question at a time")
    problem = Problem.of(asked[0], answer_kind=answer_kind, language=language)
    return problem.model_copy(update={"solutions": tuple(one.solution for one in given)})


def _read(file: str) -> list[Given]:
    text = _text(file)
    if file.endswith((".jsonl", ".json")):
        rows = [(f"{file}:{number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [_row(*row) for row in (rows if file.endswith(".jsonl") else [(file, text)])]
    if not text.strip():
        raise ProblemError(f"{file} holds no solution: it is empty")
    return [Given(file, Solution(text=text.strip("\n")), None)]


def _text(file: str) -> str:
    if file == "-":
        return sys.stdin.buffer.read(4 * MAX_QUESTION_CHARS + 4).decode("utf-8", errors="replace")
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        hint = None if Path(file).suffix else "a solution is read from a file; - reads standard input"
        raise ProblemError(f"the solution file {file} cannot be read: {error.strerror or error}", hint=hint) from None
    if len(text) > MAX_QUESTION_CHARS:
        raise ProblemError(f"{file} has {len(text):,} characters, more than the {MAX_QUESTION_CHARS:,} allowed")
    return text


def _row(source: str, text: str) -> Given:
    try:
        row = json.loads(text)
    except ValueError as error:
        raise ProblemError(f"{source} is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ProblemError(f"{source} holds no object", hint=_SHAPE)
    question = next((row[key] for key in _QUESTION if isinstance(row.get(key), str)), None)
    try:
        return Given(source, _solution(row), question)
    except (ValidationError, TypeError):
        raise ProblemError(f"{source} holds no solution", hint=_SHAPE) from None


def _solution(row: dict[str, Any]) -> Solution:
    if steps := row.get("steps"):
        return Solution.of_steps(steps)
    return Solution(text=next((row[key] for key in _SOLUTION if key in row), ""))
