"""Registries find what entry points name, one by one, and say what is wrong with one without harm to the others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.registry import Registry


@pytest.fixture
def numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    metadata = tmp_path / "numbers-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: numbers\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[test.numbers]\none = numbers_one:ONE\ntext = numbers_one:TEXT\ngone = numbers_one:GONE\nlost = numbers_lost:X\n"
        "raises = numbers_raises:X\n"
    )
    (tmp_path / "numbers_one.py").write_text("ONE = 1\nTEXT = 'one'\n")
    (tmp_path / "numbers_raises.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Registry("test.numbers", "number", int)


def test_names_load_nothing(numbers: Registry[int]) -> None:
    assert numbers.names() == ["gone", "lost", "one", "raises", "text"]
    assert "numbers_one" not in sys.modules


def test_an_entry_is_loaded_when_asked_for(numbers: Registry[int]) -> None:
    assert numbers.get("one") == 1


def test_an_unknown_name_gets_the_nearest(numbers: Registry[int]) -> None:
    with pytest.raises(UnknownNameError, match="unknown number 'onne' \\(did you mean 'one'\\?\\)"):
        numbers.get("onne")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", "number 'text' (numbers_one:TEXT) is not a int"),
        ("gone", "number 'gone' (numbers_one:GONE) cannot be loaded: module 'numbers_one' has no attribute 'GONE'"),
        ("lost", "number 'lost' (numbers_lost:X) cannot be loaded: No module named 'numbers_lost'"),
        ("raises", "number 'raises' (numbers_raises:X) cannot be loaded: RuntimeError"),
    ],
)
def test_a_broken_entry_is_one_sentence(numbers: Registry[int], name: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        numbers.get(name)
    assert str(caught.value) == said
    assert str(numbers.broken()[name]) == said


def test_all_leaves_out_what_is_broken(numbers: Registry[int]) -> None:
    assert numbers.all() == {"one": 1}
    assert set(numbers.broken()) == {"gone", "lost", "raises", "text"}


def test_entries_known_for_a_while_hide_others_and_end_in_any_order(numbers: Registry[int]) -> None:
    first, second = numbers.having("one", 10), numbers.having("one", 20)
    first.__enter__()
    second.__enter__()
    assert numbers.get("one") == 20
    first.__exit__(None, None, None)
    assert numbers.get("one") == 20
    second.__exit__(None, None, None)
    assert numbers.get("one") == 1
    with numbers.having("ten", 10):
        assert numbers.names() == ["gone", "lost", "one", "raises", "ten", "text"]
    assert "ten" not in numbers.names()


def test_an_entry_that_must_be_a_class(numbers: Registry[int]) -> None:
    classes: Registry[type[int]] = Registry("test.numbers", "number", int, classes=True)
    with pytest.raises(ConfigError, match="is not a subclass of int"):
        classes.get("one")
    with classes.having("bool", bool):
        assert classes.get("bool") is bool
