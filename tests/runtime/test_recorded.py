"""A run of a real model (Qwen2.5-Coder-1.5B on two CPU cores), kept as it happened, replays with no model."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.core.errors import ReplayDiverged
from symposia.core.result import Result
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings

RECORDED = Path(__file__).parent.parent / "data" / "baker.jsonl"


async def test_the_recorded_run_replays_to_the_letter(tmp_path: Path) -> None:
    settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
    async with Session(settings=settings, store=":memory:") as session:
        record = await session.store.import_run(RECORDED.read_text(encoding="utf-8").splitlines())
        replayed = await session.replay(record.id)
    assert record.result is not None
    # The answers are read anew from the recorded texts: a change of extraction or voting that alters them shows here.
    same = {"run_id": replayed.run_id, "seconds": replayed.seconds}
    assert _without_tokens(replayed) == record.result.model_copy(update=same)
    assert (replayed.answer, replayed.confidence) == ("59", 0.8)
    assert [one.completion_tokens for one in replayed.candidates] == [278, 287, 294, 245, 335]


def _without_tokens(result: Result) -> Result:
    """The run was recorded before candidates told their tokens."""
    candidates = tuple(one.model_copy(update={"completion_tokens": None}) for one in result.candidates)
    chosen = next((one for one in candidates if result.candidate is not None and one.id == result.candidate.id), None)
    return result.model_copy(update={"candidates": candidates, "candidate": chosen})


async def test_a_changed_prompt_is_noticed(tmp_path: Path) -> None:
    settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
    async with Session(settings=settings, store=":memory:") as session:
        changed = RECORDED.read_text(encoding="utf-8").replace("step by step. Keep", "carefully. Keep", 1)
        record = await session.store.import_run(changed.splitlines())
        with pytest.raises(ReplayDiverged, match="another request"):
            await session.replay(record.id)
