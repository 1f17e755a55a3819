"""The gateway around a transport: keys, retries, deadlines, limits."""

import asyncio
import random
import subprocess
import sys
import time
from typing import Any

import pytest

from symposia.core.calls import ChatRequest
from symposia.core.errors import (
    AuthError,
    BrokenReplyError,
    BudgetExhaustedError,
    MissingKeyError,
    ModelTimeoutError,
    RateLimitError,
    ServerError,
    UnreachableError,
)
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message
from symposia.models.gateway import ModelGateway, RetryPolicy, _is_local
from symposia.testing import Fault, LoopbackServer, ScriptedModel, fake_spec

ASK = ChatRequest(messages=(Message(role="user", content="q"),), max_tokens=10)
QUICK = RetryPolicy(base=0.01, unreachable_base=0.01)


class Keys(ScriptedModel):
    """Remembers the keys it was given."""

    def __init__(self):
        super().__init__()
        self.keys = []

    async def complete(self, spec, request, *, api_key, timeout, tag, on_text):
        self.keys.append(api_key)
        return await super().complete(spec, request, api_key=api_key, timeout=timeout, tag=tag, on_text=on_text)


def gateway_to(model: ScriptedModel, **options: Any) -> ModelGateway:
    return ModelGateway(transports={"direct": model}, **({"retry": QUICK} | options))


async def test_reply_passes_through():
    model = ScriptedModel(["42"])
    gateway = gateway_to(model)
    reply = await gateway.complete(fake_spec("mine"), ASK, tag="t")
    assert (reply.model, reply.choices[0].text, model.calls[0].tag) == ("FAKE/mine", "42", "t")
    await gateway.close()
    assert model.closed


async def test_key_is_read_from_the_variable_the_catalogue_names():
    model = Keys()
    gateway = gateway_to(model, environ={"MY_KEY": " k\n", "EMPTY": " "})
    await gateway.complete(fake_spec(key_env="MY_KEY"), ASK, tag="t")
    await gateway.complete(fake_spec(), ASK, tag="t")
    assert model.keys == ["k", None]
    for name in ("EMPTY", "UNSET"):
        with pytest.raises(MissingKeyError, match=name):
            await gateway.complete(fake_spec(key_env=name), ASK, tag="t")
    assert len(model.calls) == 2


async def test_passing_errors_are_tried_again():
    model = ScriptedModel()
    model.fail_next(ServerError("a"), BrokenReplyError("b"), RateLimitError("c"))
    assert (await gateway_to(model).complete(fake_spec(), ASK, tag="t")).choices
    assert len(model.calls) == 4


async def test_attempts_are_bounded_and_the_last_error_raised():
    model = ScriptedModel()
    model.fail_next(*(ServerError(str(number)) for number in range(9)))
    with pytest.raises(ServerError, match="3"):
        await gateway_to(model).complete(fake_spec(), ASK, tag="t")
    assert len(model.calls) == 4


async def test_lasting_errors_are_not_tried_again():
    model = ScriptedModel()
    model.fail_next(AuthError("no"))
    with pytest.raises(AuthError):
        await gateway_to(model).complete(fake_spec(), ASK, tag="t")
    assert len(model.calls) == 1


async def test_before_every_attempt_the_caller_is_asked():
    model, heard = ScriptedModel(), []
    model.fail_next(RateLimitError("a"), BrokenReplyError("b"))

    async def on_attempt(error):
        heard.append((error, len(model.calls)))

    await gateway_to(model).complete(fake_spec(), ASK, tag="t", on_attempt=on_attempt)
    assert [(type(error), made) for error, made in heard] == [
        (type(None), 0),
        (RateLimitError, 1),
        (BrokenReplyError, 2),
    ]


async def test_the_caller_can_forbid_an_attempt():
    model = ScriptedModel()
    model.fail_next(BrokenReplyError("b"))

    async def on_attempt(error):
        if error is not None:
            raise BudgetExhaustedError("nothing left")

    gateway = gateway_to(model)
    with pytest.raises(BudgetExhaustedError):
        await gateway.complete(fake_spec(concurrency=1), ASK, tag="t", on_attempt=on_attempt)
    assert len(model.calls) == 1
    assert (await gateway.complete(fake_spec(concurrency=1), ASK, tag="t")).choices, "its slot was given back"


async def test_retry_after_is_waited_for_by_everybody_at_the_endpoint():
    model = ScriptedModel()
    model.fail_next(RateLimitError("slow down", retry_after=0.3))
    gateway, began = gateway_to(model), time.perf_counter()
    first = asyncio.create_task(gateway.complete(fake_spec("a"), ASK, tag="t"))
    await asyncio.sleep(0.05)
    other = fake_spec("elsewhere", endpoint="http://127.0.0.1:10/v1")
    await gateway.complete(other, ASK, tag="t")
    assert time.perf_counter() - began < 0.25, "another endpoint does not wait"
    await gateway.complete(fake_spec("b"), ASK, tag="t")
    assert time.perf_counter() - began >= 0.29
    assert (await first).choices


async def test_a_wait_that_does_not_fit_fails_now():
    model = ScriptedModel()
    model.fail_next(RateLimitError("slow down", retry_after=30))
    gateway, began = gateway_to(model), time.perf_counter()
    with pytest.raises(RateLimitError, match="slow down"):
        await gateway.complete(fake_spec(), ASK, tag="t", timeout=5)
    with pytest.raises(RateLimitError, match="pause"):  # the next one does not even ask
        await gateway.complete(fake_spec(), ASK, tag="t", timeout=5)
    assert len(model.calls) == 1
    assert time.perf_counter() - began < 2


async def test_deadline_covers_every_attempt():
    model = ScriptedModel(latency=0.2, fail=lambda call: ServerError("again"))
    began = time.perf_counter()
    with pytest.raises((ServerError, ModelTimeoutError)):
        await gateway_to(model, retry=RetryPolicy(max_attempts=99, base=0.01)).complete(fake_spec(), ASK, tag="t", timeout=0.5)
    assert time.perf_counter() - began < 1


async def test_time_out_of_an_attempt_may_be_billed_in_the_queue_it_is_not():
    gateway = gateway_to(ScriptedModel(latency=30))
    spec = fake_spec(concurrency=1)
    first = asyncio.create_task(gateway.complete(spec, ASK, tag="t", timeout=0.4))
    await asyncio.sleep(0.05)
    with pytest.raises(ModelTimeoutError, match="was not sent") as queued:
        await gateway.complete(spec, ASK, tag="t", timeout=0.1)
    with pytest.raises(ModelTimeoutError) as sent:
        await first
    assert (queued.value.billed, sent.value.billed) == (False, True)


async def test_call_timeout_holds_where_none_is_given():
    with pytest.raises(ModelTimeoutError):
        await gateway_to(ScriptedModel(latency=30), call_timeout=0.1).complete(fake_spec(), ASK, tag="t")


async def test_wrong_endpoint_fails_soon(unused_tcp_port):
    gateway, began = ModelGateway(), time.perf_counter()
    with pytest.raises(UnreachableError):
        await gateway.complete(fake_spec(endpoint=f"http://127.0.0.1:{unused_tcp_port}/v1"), ASK, tag="t")
    assert time.perf_counter() - began < 2.5
    await gateway.close()


async def test_concurrency_of_an_endpoint():
    for spec, most in ((fake_spec(concurrency=3), 3), (fake_spec(), 64), (fake_spec(endpoint="https://api.example.org/v1"), 16)):
        model = ScriptedModel(latency=0.01)
        gateway = gateway_to(model)
        await asyncio.gather(*(gateway.complete(spec, ASK, tag="t") for _ in range(100)))
        assert model.max_in_flight == most


@pytest.mark.parametrize(
    ("error", "limit"), [(RateLimitError("slow"), 4), (ModelTimeoutError("silent"), 4), (ServerError("broken"), 8)]
)
async def test_what_lowers_the_concurrency(error, limit):
    model, spec = ScriptedModel(), fake_spec(concurrency=8)
    model.fail_next(error)
    gateway = gateway_to(model, retry=RetryPolicy(max_attempts=1))
    with pytest.raises(type(error)):
        await gateway.complete(spec, ASK, tag="t")
    assert gateway._limiter(asyncio.get_running_loop(), spec).limit == limit


async def test_refused_calls_all_get_through_in_the_end():
    model = ScriptedModel(latency=0.01, fail=lambda call: RateLimitError("slow") if model.in_flight >= 4 else None)
    gateway = gateway_to(model, retry=RetryPolicy(max_attempts=50, base=0.02))
    replies = await asyncio.gather(*(gateway.complete(fake_spec(concurrency=32), ASK, tag="t") for _ in range(60)))
    assert len(replies) == 60


async def test_cancelled_calls_give_their_slot_back():
    model = ScriptedModel(latency=lambda rng: 30.0 if len(model.calls) <= 2 else 0.0)
    gateway, spec = gateway_to(model), fake_spec(concurrency=2)
    tasks = [asyncio.create_task(gateway.complete(spec, ASK, tag="t")) for _ in range(6)]
    await asyncio.sleep(0.05)
    for task in tasks[:4]:  # two in flight, two in the queue
        task.cancel()
    done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [isinstance(result, asyncio.CancelledError) for result in done] == [True] * 4 + [False] * 2
    assert [call.cancelled for call in model.calls] == [True, True, False, False]


async def test_over_the_wire_with_every_passing_fault():
    faults = [Fault.rate_limit(0.05), Fault.server_error(), Fault.reset()]
    async with LoopbackServer(["42"], faults=faults) as server:
        gateway = ModelGateway(retry=QUICK)
        reply = await gateway.complete(server.spec(), ASK, tag="t")
        await gateway.close()
    assert reply.choices[0].text == "42"
    assert [request.state for request in server.requests] == ["failed", "failed", "failed", "replied"]


def test_delays():
    policy, rng = RetryPolicy(), random.Random(1)
    server, refused = ServerError("s"), UnreachableError("u")
    drawn = [[policy.delay(server, failures, rng) for _ in range(200)] for failures in (1, 2, 3)]
    for bound, delays in zip((0.5, 1.0, 2.0), drawn, strict=True):
        assert all(delay is not None and 0 <= delay <= bound for delay in delays)
        assert max(delay for delay in delays if delay is not None) > 0.8 * bound
    assert policy.delay(server, 4, rng) is None
    assert policy.delay(refused, 3, rng) is None
    assert policy.delay(AuthError("a"), 1, rng) is None
    asked = policy.delay(RateLimitError("r", retry_after=8), 1, rng)
    assert asked is not None
    assert 8 <= asked <= 8.5


def test_jitter_leaves_the_global_generator_alone():
    random.seed(3)
    before = random.getstate()
    ModelGateway()
    assert random.getstate() == before


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://192.168.1.5/v1", True),
        ("http://box.local/v1", True),
        ("https://api.example.org/v1", False),
        ("https://8.8.8.8/v1", False),
        (None, False),
    ],
)
def test_what_is_local(endpoint, local):
    assert _is_local(endpoint) is local


def test_litellm_is_imported_on_first_use_only():
    code = "import sys, symposia.models.gateway as g; g.ModelGateway(); print(sorted({'litellm', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_transport_follows_the_catalogue():
    gateway = ModelGateway()
    names = [type(gateway._transport(ModelSpec(name="m", transport=name), ASK)).__name__ for name in ("direct", "litellm")]
    assert names == ["DirectTransport", "LiteLLMTransport"]
