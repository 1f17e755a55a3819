"""Runs of several sessions on one shared ledger: together they never pass its caps, and what is left is always usable."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.model_spec import Ability, Price
from symposia.core.result import Result, StopReason
from symposia.core.usage import Amounts
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

Opened = Callable[..., AbstractAsyncContextManager[Session]]

_POSTGRES = pytest.param("postgres", marks=pytest.mark.integration)
OPTIONS = {"n": 16, "batched": False, "max_tokens": 100}


def settings(folder: Path) -> Any:
    return load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")


@pytest.fixture(params=["file", _POSTGRES])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "runs.db") if request.param == "file" else request.getfixturevalue("postgres_url")


@pytest.fixture
def opened(place: str, tmp_path: Path) -> Opened:
    """Opens a session on the one store, with a model of its own."""

    @asynccontextmanager
    async def opener(model: ScriptedModel | None = None, *, price: Price | None = None) -> AsyncIterator[Session]:
        gateway = ModelGateway(transports={"direct": model or ScriptedModel(latency=(0.0, 0.02))}, call_timeout=30)
        spec = fake_spec(abilities=(Ability.CHAT, Ability.SEED), price=price or Price(input=1.0, output=2.0))
        async with Session(settings=settings(tmp_path), store=place, gateway=gateway, models={"fake": spec}) as session:
            yield session

    return opener


async def solve(session: Session, **options: Any) -> Result:
    return await session.solve(
        "9 + 9?", strategy="self-consistency", team="fake", ledger="all", options=OPTIONS | options.pop("options", {}), **options
    )


def amounts(results: list[Result]) -> Amounts:
    total = Amounts()
    for result in results:
        total = total.plus(Amounts.of(result.total_usage))
    return total


@pytest.mark.parametrize(
    "caps",
    [Budget(calls=50), Budget(completion_tokens=500), Budget(dollars=0.0012), Budget(calls=60, tokens=3000)],
    ids=["calls", "completion tokens", "dollars", "calls and tokens"],
)
async def test_eight_sessions_share_a_budget(opened, caps) -> None:
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(opened()) for _ in range(8)]
        await sessions[0].store.create_ledger("all", caps)
        results = await asyncio.gather(*(solve(session) for session in sessions))
        found = await sessions[0].store.ledger("all")
        assert found.spent == pytest.approx(amounts(results)), "the ledger and the runs agree to the last token"
        assert (found.held, found.lost) == (Amounts(), Amounts())
        for name in ("calls", "tokens", "completion_tokens", "dollars"):
            cap = getattr(caps, name)
            assert cap is None or getattr(found.spent, name) <= cap + 1e-9
        if caps.tokens is None and caps.calls is not None:
            assert found.spent.calls == caps.calls, "whoever lacked a call waited for what the others gave back"
        assert StopReason.BUDGET in {result.stop_reason for result in results}


async def test_a_runs_own_budget_holds_beside_the_shared_one(opened) -> None:
    async with opened() as session:
        await session.store.create_ledger("all", Budget(calls=50))
        result = await solve(session, budget="calls=5")
        assert (result.total_usage.calls, result.stop_reason) == (5, StopReason.BUDGET)
        assert (await solve(session)).stop_reason is StopReason.FINISHED
        assert (await session.store.ledger("all")).spent.calls == 21


async def test_the_last_call_is_cut_down_to_what_is_left(opened) -> None:
    async with opened(ScriptedModel("and so " * 30 + "\\boxed{18}")) as session:
        await session.store.create_ledger("all", Budget(completion_tokens=130))
        result = await solve(session, options={"n": 2})
        journal = await session.store.journal(result.run_id)
        asked = [entry.request["max_tokens"] for entry in journal if "max_tokens" in entry.request]
        assert asked[0] == 100
        assert 16 <= asked[-1] < 100
        assert (await session.store.ledger("all")).spent.completion_tokens <= 130


async def test_a_ledger_that_is_not_there_or_cannot_be_kept(opened) -> None:
    async with opened(price=Price()) as session:
        with pytest.raises(UnknownNameError, match="unknown ledger 'all'"):
            await solve(session)
        await session.store.create_ledger("all", Budget(dollars=1))
        with pytest.raises(ConfigError, match="a budget in dollars cannot be kept"):
            await solve(session)
        assert await session.store.runs() == []


async def test_a_fork_is_not_charged_for_what_its_parent_paid(opened) -> None:
    async with opened() as session:
        await session.store.create_ledger("all", Budget(calls=20))
        result = await solve(session)
        fork = await session.fork(result.run_id, options={"n": 18})
        forked = await (await session.execution(fork)).execute()
        assert forked.total_usage.calls == 18
        assert (await session.store.ledger("all")).spent.calls == 18


async def test_a_cancelled_run_gives_back_what_it_held(opened) -> None:
    async with opened(ScriptedModel(latency=30)) as session:
        await session.store.create_ledger("all", Budget(calls=40))
        task = asyncio.create_task(solve(session))
        while not (await session.store.ledger("all")).held.calls:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        found = await session.store.ledger("all")
        assert (found.held, found.lost) == (Amounts(), Amounts())
        assert found.spent.calls <= 16, "calls in flight are charged as lost, idle ones are not"


_CRASHES = """
import asyncio, sys
from pathlib import Path
from symposia.core.model_spec import Ability, Price
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

async def main(place, folder):
    settings = load_settings(environ={}, cwd=Path(folder), user_file=Path(folder) / "none.toml")
    gateway = ModelGateway(transports={"direct": ScriptedModel(latency=(0.0, 0.02))}, call_timeout=30)
    spec = fake_spec(abilities=(Ability.CHAT, Ability.SEED), price=Price(input=1.0, output=2.0))
    async with Session(settings=settings, store=place, gateway=gateway, models={"fake": spec}) as session:
        options = {"n": 16, "batched": False, "max_tokens": 100}
        await session.solve("9 + 9?", strategy="self-consistency", team="fake", ledger="all", options=options)

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_a_crash_loses_a_tranche_until_the_run_is_resumed(opened, place, tmp_path) -> None:
    async with opened() as session:
        await session.store.create_ledger("all", Budget(calls=60))
        command = [sys.executable, "-W", "error", "-c", _CRASHES, place, str(tmp_path)]
        environment = os.environ | {"SYMPOSIA_FAILPOINT": "replied:6"}
        crashed = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=False)
        assert crashed.returncode == -signal.SIGKILL, crashed.stderr
        found = await session.store.ledger("all")
        assert found.lost.calls > 0
        others = [await solve(session, options={"n": 8}) for _ in range(2)]
        (broken,) = [run for run in await session.store.runs() if run.result is None]
        resumed = await session.resume(broken.id)
        found = await session.store.ledger("all")
        assert found.lost == Amounts()
        assert found.spent == pytest.approx(amounts([*others, resumed]))
