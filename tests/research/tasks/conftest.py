"""Files of problems written for the tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file: text or bytes as they are, a list of records as JSONL."""

    def write(name: str, content: str | bytes | list[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            lines = content if isinstance(content, str) else "".join(json.dumps(record) + "\n" for record in content)
            path.write_text(lines, encoding="utf-8")
        return path

    return write


@pytest.fixture
def sums() -> list[dict[str, Any]]:
    """40 problems in the form of GSM8K: about half of them are in either split."""
    return [{"question": f"How much is {n} + {n}?", "answer": f"Twice {n} is {2 * n}.\n#### {2 * n}"} for n in range(40)]
