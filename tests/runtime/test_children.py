"""64 scopes inside one run, working at once on one budget."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symposia.core.answers import SymbolicWorker
from symposia.core.budget import Budget
from symposia.core.calls import CallResult, ChatRequest, ModelCall
from symposia.core.errors import UsageError
from symposia.core.model_spec import Price
from symposia.core.problem import Message
from symposia.core.result import StopReason
from symposia.memory.store import Store
from symposia.models.gateway import ModelGateway
from symposia.runtime.control import Control
from symposia.runtime.journal import Journal
from symposia.runtime.ledger import Ledger
from symposia.runtime.scope import RunScope
from symposia.runtime.services import Clock, EventLog, Services
from symposia.runtime.settings import Settings
from symposia.runtime.steering import Steering
from symposia.runtime.workshop import Workshop
from symposia.testing import ScriptedModel, fake_spec

CHILDREN = 64


async def keep(entries):
    return entries


def services(model: ScriptedModel) -> Services:
    journal, log, clock = Journal([], keep), EventLog([], None, None), Clock(0.0)
    return Services(
        run_id="r",
        seed=0,
        models={"policy": fake_spec(price=Price(input=1.0, output=2.0))},
        prompts={},
        gateway=ModelGateway(transports={"direct": model}),
        journal=journal,
        log=log,
        control=Control(),
        clock=clock,
        steering=Steering("r", journal, log, clock, None),
        workshop=Workshop(Settings(), _no_store),
        tools={},
        sandbox=None,
        judge=SymbolicWorker(),
        call_timeout=30,
    )


def _no_store() -> Store:
    raise AssertionError("no tool is called")


async def ignore(result: CallResult) -> bool:
    return False


def calls(index: int, count: int, max_tokens: int) -> list[ModelCall]:
    message = Message(role="user", content=f"question {index}")
    request = ChatRequest(messages=(message,), max_tokens=max_tokens)
    return [ModelCall(role="policy", request=request) for _ in range(count)]


caps = st.builds(
    Budget,
    calls=st.none() | st.integers(1, 150),
    completion_tokens=st.none() | st.integers(1, 4000),
    tokens=st.none() | st.integers(1, 20_000),
    dollars=st.none() | st.floats(0.0001, 0.02),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(caps, st.integers(0, 1000), st.integers(1, 4), st.integers(16, 80))
def test_children_together_never_pass_a_cap(budget: Budget, seed: int, count: int, max_tokens: int) -> None:
    async def scenario() -> None:
        model = ScriptedModel(lambda prompt, sample: "word " * 60, latency=(0, 0.002), seed=seed)
        shared, ledger = services(model), Ledger(budget)
        root = RunScope(shared, "root", ledger)
        waves = await asyncio.gather(
            *(
                root.child(f"child{i}").wave("work", calls(i, count, max_tokens), consume=ignore, window=2)
                for i in range(CHILDREN)
            )
        )
        spent = ledger.spent
        assert not ledger.holding
        assert budget.calls is None or len(model.calls) == spent.calls <= budget.calls
        assert budget.completion_tokens is None or spent.completion_tokens <= budget.completion_tokens
        assert budget.tokens is None or spent.completion_tokens + spent.prompt_tokens <= budget.tokens
        assert budget.dollars is None or spent.dollars <= budget.dollars + 1e-9
        assert sum(len(wave.results) for wave in waves) == len(model.calls)
        cut = any(wave.stop_reason is StopReason.BUDGET for wave in waves)
        assert cut or len(model.calls) == CHILDREN * count
        await shared.gateway.close()

    asyncio.run(scenario())


async def test_a_childs_own_cap_holds_inside_the_parents() -> None:
    model = ScriptedModel()
    root = RunScope(services(model), "root", Ledger(Budget(calls=10)))
    wave = await root.child("small", Budget(calls=2)).wave("work", calls(0, 5, 50), consume=ignore)
    assert (len(wave.results), wave.stop_reason) == (2, StopReason.BUDGET)
    wave = await root.child("large").wave("work", calls(0, 20, 50), consume=ignore)
    assert len(wave.results) == 8


async def test_nesting_has_an_end() -> None:
    scope = RunScope(services(ScriptedModel()), "a", Ledger(Budget()))
    for name in "bcd":
        scope = scope.child(name)
    with pytest.raises(UsageError, match="nested deeper"):
        scope.child("e")
