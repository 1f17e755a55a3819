"""Faults, deadlines and cancellation through every way to a model: the same errors, whatever the transport."""

import asyncio
import json
import time

import pytest

from symposia.core.errors import (
    AuthError,
    BrokenReplyError,
    ConfigError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    RateLimitError,
    RejectedError,
    ServerError,
    UnreachableError,
)
from symposia.core.model_spec import ModelSpec
from symposia.models.direct_transport import DirectTransport
from symposia.models.litellm_transport import LiteLLMTransport
from symposia.testing import Fault, LoopbackServer

from .ways import WAYS, send, spec_of

# The filters that LiteLLM installs when it is imported; pytest takes them away after the test that imported it.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{text}")
    for text in ("ReadOnly. qualifier", "conflict with protected namespace", "attribute on the instance is deprecated")
]
TOO_LONG = json.dumps({"error": {"message": "This model's maximum context length is 8 tokens.", "code": 400}})


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    [
        (Fault.rate_limit(), RateLimitError, None),
        (Fault.rate_limit(1.5), RateLimitError, 1.5),
        (Fault.server_error(500), ServerError, None),
        (Fault.html(502), ServerError, None),
        (Fault.answer(503, "", Retry_After="2"), ServerError, 2.0),
        (Fault.answer(504), ModelTimeoutError, None),
        (Fault.answer(401), AuthError, None),
        (Fault.answer(403), AuthError, None),
        (Fault.answer(400), RejectedError, None),
        (Fault.answer(404), RejectedError, None),
        (Fault.answer(400, TOO_LONG), ContextLengthError, None),
        (Fault.html(200), BrokenReplyError, None),
        (Fault.reset(), BrokenReplyError, None),
        (Fault.drop(), BrokenReplyError, None),
        (Fault.abort(), BrokenReplyError, None),
        (Fault.truncated(), BrokenReplyError, None),
        (Fault.choices(0), BrokenReplyError, None),
        (Fault.answer(200), BrokenReplyError, None),
    ],
    ids=lambda value: f"{value.kind}-{value.status}" if isinstance(value, Fault) else None,
)
async def test_faults(transport, way, stream, fault, error, retry_after):
    async with LoopbackServer(faults=[fault]) as server:
        with pytest.raises(ModelError) as caught:
            await send(transport, spec_of(server, way), stream=stream)
        assert type(caught.value) is error
        assert caught.value.retry_after == retry_after
        assert len(str(caught.value)) < 400
        assert "lorem" not in str(caught.value) or fault.status == 200
        assert len(server.requests) == 1, "a transport makes one attempt"
        assert (await send(transport, spec_of(server, way), stream=stream)).choices  # and works on


async def test_status_inside_a_reply_sent_with_200(transport, way):
    overloaded = Fault.answer(200, json.dumps({"error": {"message": "overloaded", "code": 429}}))
    async with LoopbackServer(faults=[overloaded]) as server:
        with pytest.raises(RateLimitError, match="overloaded"):
            await send(transport, spec_of(server, way))


async def test_deadline(transport, way, stream):
    async with LoopbackServer(faults=[Fault.stall()]) as server:
        began = time.perf_counter()
        with pytest.raises(ModelTimeoutError):
            await send(transport, spec_of(server, way), timeout=0.3, stream=stream)
        assert time.perf_counter() - began < 10  # LiteLLM's import is in it, where this test is the first
        await until(lambda: server.cancelled)
        assert len(server.requests) == 1


async def test_cancelling_closes_the_request(transport, way, stream):
    async with LoopbackServer(latency=60) as server:
        task = asyncio.create_task(send(transport, spec_of(server, way), timeout=120, stream=stream))
        await until(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.cancelled)
        assert server.in_flight == 0


async def test_cancelling_in_the_middle_of_a_stream(transport, way):
    heard: list[str] = []
    async with LoopbackServer(["word " * 40], pace=0.05) as server:
        task = asyncio.create_task(send(transport, spec_of(server, way), on_text=lambda _, text: heard.append(text)))
        await until(lambda: len(heard) > 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: server.cancelled)


async def test_nobody_there(transport, way, stream, unused_tcp_port):
    endpoint = f"http://127.0.0.1:{unused_tcp_port}/v1"
    spec = ModelSpec(name="mine", **({"endpoint": endpoint, "transport": "direct"} | WAYS[way][1]))
    with pytest.raises(UnreachableError, match="mine"):
        await send(transport, spec, stream=stream)


async def test_error_being_handled_by_the_caller_is_no_cause(transport, way):
    async with LoopbackServer(faults=[Fault.rate_limit()]) as server:
        try:
            raise ConnectionResetError("of the caller")  # noqa: TRY301
        except ConnectionResetError:
            with pytest.raises(RateLimitError):
                await send(transport, spec_of(server, way))


async def test_many_at_once(transport, way):
    async with LoopbackServer(latency=0.2) as server:
        spec = spec_of(server, way)
        await send(transport, spec)
        await asyncio.gather(*(send(transport, spec) for _ in range(64)))
        assert server.max_in_flight > 48


def test_one_transport_in_one_event_loop_after_another(way):
    transport = WAYS[way][0]()

    async def once(server: LoopbackServer) -> None:
        assert (await send(transport, spec_of(server, way))).choices
        await transport.close()

    with LoopbackServer().running() as server:
        asyncio.run(once(server))
        asyncio.run(once(server))
        assert len(server.requests) == 2


async def test_direct_needs_an_endpoint():
    with pytest.raises(ConfigError, match="mine has no endpoint"):
        await send(DirectTransport(), ModelSpec(name="mine", transport="direct"))


async def test_litellm_names_what_it_does_not_know():
    transport = LiteLLMTransport()
    with pytest.raises(RejectedError, match="mine"):
        await send(transport, ModelSpec(name="mine", litellm="no-such-provider/x"))
    await transport.close()


async def until(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
