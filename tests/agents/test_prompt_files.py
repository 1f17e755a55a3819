"""Prompts are found by name: ours, and those of other packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.agents.prompt_files import load_prompt
from symposia.core.errors import UnknownNameError


def test_ours() -> None:
    assert load_prompt("policy.number")
    with pytest.raises(UnknownNameError, match=r"did you mean 'policy\.number'"):
        load_prompt("policy.numbr")


def test_another_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "guest_prompts" / "texts"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "doubt.md").write_text("Doubt it.\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_prompt("guest_prompts.texts:doubt") == "Doubt it."
    with pytest.raises(UnknownNameError, match=r"unknown prompt 'guest_prompts\.texts:doupt'"):
        load_prompt("guest_prompts.texts:doupt")
    with pytest.raises(UnknownNameError, match="unknown package of prompts 'no_guest'"):
        load_prompt("no_guest:doubt")


def test_an_edited_prompt_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "edited_prompts"
    folder.mkdir()
    (folder / "__init__.py").touch()
    prompt = folder / "doubt.md"
    prompt.write_text("Doubt it.", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_prompt("edited_prompts:doubt") == load_prompt("edited_prompts:doubt") == "Doubt it."
    prompt.write_text("Doubt it twice.", encoding="utf-8")
    assert load_prompt("edited_prompts:doubt") == "Doubt it twice."
    prompt.unlink()
    with pytest.raises(UnknownNameError, match="unknown prompt"):
        load_prompt("edited_prompts:doubt")
