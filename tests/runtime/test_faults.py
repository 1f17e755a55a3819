"""Faults at a real server, through a whole run: survivors carry on, usage stays right, and the run ends with a status."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from symposia.core.result import Result, Status, StopReason
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.models.litellm_transport import LiteLLMTransport
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Fault, LoopbackServer

N = 6
WORDS = 4
TOKENS = 50

FAULTS = {
    "429": Fault.rate_limit(),
    "429 with Retry-After": Fault.rate_limit(0.05),
    "500": Fault.server_error(),
    "reset": Fault.reset(),
    "drop": Fault.drop(),
    "stall": Fault.stall(),
    "truncated JSON": Fault.truncated(),
    "no choices": Fault.choices(0),
    "HTML with 200": Fault.html(),
    "HTML with 502": Fault.html(502),
}
BILLED = {"reset", "drop", "stall", "truncated JSON", "no choices", "HTML with 200"}
"""After these the provider may have generated: the call stays charged as lost."""


def reply(prompt: str, sample: int) -> str:
    return r"We get \boxed{18} now"


async def run(
    server: LoopbackServer, folder: Path, *, batched: bool = False, budget: str | None = None, transport: str = "direct"
) -> Result:
    timeout = 4.0  # beyond what a call takes on a busy machine, LiteLLM's own work included; only the stalled ones wait for it
    settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml", flags={"call_timeout": timeout})
    retry = RetryPolicy(max_attempts=2, base=0.01, cap=0.05, unreachable_base=0.01)
    gateway = ModelGateway(retry=retry, call_timeout=timeout)
    models = {"fake": server.spec(transport=transport)}
    async with Session(settings=settings, store=folder / "runs.db", gateway=gateway, models=models) as session:
        options = {"n": N, "batched": batched, "max_tokens": TOKENS}
        result = await session.solve("6 + 12?", team="fake", options=options, budget=budget)
        replayed = await session.replay(result.run_id)
    changes = {"seconds": result.seconds}
    assert replayed.model_copy(update=changes) == result
    return result


@pytest.fixture(scope="module")
def litellm() -> None:
    """Imported once, since that takes seconds and the calls here have seconds only."""

    async def once() -> None:
        transport = LiteLLMTransport()
        await transport._load()
        await transport.close()

    asyncio.run(once())


@pytest.mark.filterwarnings("ignore:.*(ReadOnly. qualifier|conflict with protected|attribute on the instance is deprecated)")
@pytest.mark.parametrize("transport", ["direct", "litellm"])
@pytest.mark.parametrize("name", FAULTS)
async def test_one_call_fails_once(tmp_path: Path, name: str, transport: str, litellm: None) -> None:
    async with LoopbackServer(reply, faults={2: FAULTS[name]}) as server:
        result = await run(server, tmp_path, transport=transport)
    usage = result.total_usage
    assert (result.status, result.answer, result.stop_reason) == (Status.ANSWERED, "18", StopReason.FINISHED)
    # A stalled call has used up its own deadline: it is not asked again, and the others carry on.
    lost = int(name in BILLED)
    answered = N - (name == "stall")
    assert len(result.candidates) == answered
    assert usage.completion_tokens == answered * WORDS
    assert (usage.lost_calls, usage.lost_completion_tokens) == (lost, lost * TOKENS)
    assert usage.calls == answered + lost
    assert len(server.requests) == N + (name != "stall")


@pytest.mark.parametrize("name", FAULTS)
async def test_one_call_fails_for_good(tmp_path: Path, name: str) -> None:
    async with LoopbackServer(reply) as server:
        victim: list[str] = []

        def always(request) -> Fault | None:
            victim.append(request.tag) if not victim else None
            return FAULTS[name] if request.tag == victim[0] else None

        server._faults = always
        result = await run(server, tmp_path)
    assert (result.status, len(result.candidates)) == (Status.ANSWERED, N - 1)
    assert sum(result.failures.values()) == 1
    assert result.total_usage.completion_tokens == (N - 1) * WORDS


@pytest.mark.parametrize("name", FAULTS)
async def test_every_call_fails(tmp_path: Path, name: str) -> None:
    async with LoopbackServer(reply, faults=lambda request: FAULTS[name]) as server:
        result = await run(server, tmp_path)
    assert (result.status, result.stop_reason, result.answer) == (Status.FAILED, StopReason.ERROR, None)
    assert result.exit_code == 5
    assert result.error
    assert sum(result.failures.values()) == N
    assert result.total_usage.completion_tokens == 0


@pytest.mark.parametrize(("count", "got"), [(2, 2), (9, N), (0, None)])
async def test_wrong_n(tmp_path: Path, count: int, got: int | None) -> None:
    async with LoopbackServer(reply, faults=lambda request: Fault.choices(count)) as server:
        result = await run(server, tmp_path, batched=True)
    if got is None:
        assert result.status is Status.FAILED
        return
    assert (result.status, len(result.candidates)) == (Status.ANSWERED, got)
    # The server says what it wrote, wanted or not, and that is what was spent.
    assert result.total_usage.completion_tokens == max(1, count) * WORDS


async def test_faults_never_pass_a_budget(tmp_path: Path) -> None:
    kinds = list(FAULTS.values())
    faults = lambda request: kinds[request.index % len(kinds)] if request.index % 3 else None  # noqa: E731
    async with LoopbackServer(reply, faults=faults) as server:
        result = await run(server, tmp_path, budget=f"calls=5,completion_tokens={4 * TOKENS}")
    usage = result.total_usage
    assert usage.calls <= 5
    assert usage.completion_tokens + usage.lost_completion_tokens <= 4 * TOKENS
