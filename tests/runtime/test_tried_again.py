"""A run that failed and is tried again: a call that succeeds now changes what is asked after it, and what was paid stays paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.core.errors import ModelTimeoutError, ReplayDiverged
from symposia.core.records import EntryKind, EntryStatus, JournalEntry
from symposia.core.result import Result, Status
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.journal import Journal
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedCall, ScriptedModel, fake_spec
from symposia.testing.sandbox import ScriptedSandbox, bound_answer


class Flaky:
    """A policy whose first attempts hold no program; the first call of all times out once."""

    def __init__(self) -> None:
        self.broken = True
        self.model = ScriptedModel(self.reply, fail=self.fail)

    @staticmethod
    def reply(prompt: str, sample: int) -> str:
        if "gave no answer" not in prompt and "no Python program" not in prompt:
            return f"FAKE sample {sample} without a program"
        return f"```python\nanswer = {7 if 'sample 0' in prompt else 8}\n```"

    def fail(self, call: ScriptedCall) -> ModelTimeoutError | None:
        return ModelTimeoutError("FAKE time-out") if self.broken and call.index == 0 else None


async def solved(flaky: Flaky, folder: Path, *, again: bool = False) -> tuple[Result, list[JournalEntry]]:
    settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": flaky.model}, retry=RetryPolicy(max_attempts=1))
    session = Session(
        settings=settings,
        store=folder / "runs.db",
        gateway=gateway,
        models={"fake": fake_spec()},
        sandbox=ScriptedSandbox(bound_answer),
    )
    async with session:
        if again:
            record = await session.store.run("flaky")
            execution = await session.execution(record, again=True)
            result = await execution.execute()
        else:
            options = {"n": 2, "batched": False, "repairs": 1}
            result = await session.solve("?", strategy="program-of-thought", options=options, team="fake", run_id="flaky")
        replayed = await session.replay("flaky")
        assert [each.text for each in replayed.candidates] == [each.text for each in result.candidates]
        assert replayed.usage == result.usage
        return result, list(await session.store.journal("flaky"))


async def test_what_is_asked_after_a_call_that_succeeds_now_may_differ(tmp_path: Path) -> None:
    flaky = Flaky()
    first, _ = await solved(flaky, tmp_path)
    assert [each.answer.value for each in first.candidates if each.answer] == ["8"], "the second sample's repair had number 0"
    flaky.broken = False
    second, journal = await solved(flaky, tmp_path, again=True)
    assert second.status is Status.ANSWERED
    assert sorted(each.answer.value for each in second.candidates if each.answer) == ["7", "8"]
    at_zero = [entry for entry in journal if entry.key.endswith("repair.1.0")]
    assert [entry.status for entry in at_zero] == [EntryStatus.DONE, EntryStatus.DONE], "the first try's stays, and stays charged"
    assert second.total_usage.calls == first.total_usage.calls + 3


async def test_without_a_failure_another_request_is_refused_as_ever(tmp_path: Path) -> None:
    flaky = Flaky()
    flaky.broken = False
    await solved(flaky, tmp_path)
    flaky.model = ScriptedModel(lambda prompt, sample: "FAKE, something else")
    async with Session(
        settings=load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml"),
        store=tmp_path / "runs.db",
        gateway=ModelGateway(transports={"direct": flaky.model}),
        models={"fake": fake_spec()},
    ) as session:
        record = await session.store.run("flaky")
        changed = record.model_copy(update={"spec": record.spec.model_copy(update={"seed": 9})})
        with pytest.raises(ReplayDiverged):
            await (await session.execution(changed, again=True)).execute()


def entry(key: str, attempt: int, request_hash: str, *, failed: bool = False) -> JournalEntry:
    failure = {"code": "timeout", "message": "FAKE", "retryable": True}
    return JournalEntry(
        key=key,
        attempt=attempt,
        kind=EntryKind.CALL,
        status=EntryStatus.FAILED if failed else EntryStatus.DONE,
        request_hash=request_hash,
        request={},
        response=failure if failed else {},
        elapsed=0.0,
    )


def test_a_second_try_that_was_broken_off_goes_on_as_one() -> None:
    beyond = [entry("write.0.0", 0, "a", failed=True), entry("write.0.0", 1, "a"), entry("repair.1.0", 0, "b")]
    assert Journal(beyond, None).find("repair.1.0", "c") is None
    with pytest.raises(ReplayDiverged):
        Journal(beyond[1:], None).find("repair.1.0", "c")
