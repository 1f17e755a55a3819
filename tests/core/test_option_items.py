"""``--set KEY=VALUE``: values as JSON or text, and out of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.core.errors import ConfigError
from symposia.core.option_items import LARGEST_FILE, parse_options


def test_options_are_read_from_text() -> None:
    assert parse_options(["n=3", "stop=beta", "batched=false", "inner.n=8", "top-p=0.5"]) == {
        "n": 3,
        "stop": "beta",
        "batched": False,
        "inner": {"n": 8},
        "top_p": 0.5,
    }


@pytest.mark.parametrize("items", [["n"], ["=3"], ["n=1", "n=2"], ["a=1", "a.b=2"]])
def test_options_that_make_no_sense(items: list[str]) -> None:
    with pytest.raises(ConfigError):
        parse_options(items)


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rubric.md"
    file.write_text("Units must be given.\nn = 3\n")
    assert parse_options([f"rubric=@{file}", "name=@@home"]) == {"rubric": "Units must be given.\nn = 3", "name": "@home"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "rubric.md, given for option rubric, cannot be read: No such file"),
        (b"\xff\xfe\x00", "it is no text"),
        (b" \n", "is empty"),
        (b"x" * (LARGEST_FILE + 1), "has more than 200,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_had(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "rubric.md"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        parse_options([f"rubric=@{file}"])
