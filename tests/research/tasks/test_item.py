from __future__ import annotations

import pytest

from symposia.research.tasks.item import Split, content_hash, item_id, split_of


def test_ids_and_splits_never_change() -> None:
    """Runs, journals and committed results refer to them. Another value here orphans everything that was recorded."""
    assert item_id("How much is 9 + 9?") == content_hash("How much is 9 + 9?")[:12] == "ddf8e1de1d5d"
    assert [str(split_of(str(n))) for n in range(8)] == ["test", "test", "test", "dev", "test", "test", "dev", "dev"]


def test_white_space_and_forms_of_characters_make_no_other_problem() -> None:
    assert item_id(" How  much\nis 9 + 9?") == item_id("How much is 9 + 9?")
    assert item_id("\ufb01ve \uff13") == item_id("five 3")
    assert item_id("How much is 9 + 8?") != item_id("How much is 9 + 9?")


def test_half_of_all_problems_are_for_testing() -> None:
    tested = sum(split_of(f"problem {n}") is Split.TEST for n in range(10_000))
    assert tested / 10_000 == pytest.approx(0.5, abs=0.02)
