"""The loopback server: replies by prompt and sample, a record of every request, faults on demand."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import urllib.request

import aiohttp
import pytest

from symposia.testing import Fault, LoopbackServer


async def post(server, session, **body):
    messages = [{"role": "user", "content": "q"}]
    async with session.post(f"{server.url}/chat/completions", json={"messages": messages} | body) as response:
        return response.status, await response.json()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def texts(server, session, **body):
    return [choice["message"]["content"] for choice in (await post(server, session, **body))[1]["choices"]]


async def test_replies_depend_on_prompt_and_sample_only(session):
    async with LoopbackServer(lambda prompt, sample: f"{prompt}{sample}", latency=(0.0, 0.03)) as server:
        together = await asyncio.gather(*(texts(server, session, seed=1024 * 7 + index) for index in range(8)))
        assert [text for (text,) in together] == [f"q{index}" for index in range(8)]
        assert await texts(server, session, seed=1024 * 7, n=8) == [f"q{index}" for index in range(8)]


async def test_latencies_are_reproducible(session):
    drawn = []
    for _ in range(2):
        draws = []
        async with LoopbackServer(latency=lambda rng, draws=draws: draws.append(rng.random()) or 0.0, seed=5) as server:
            for _ in range(3):
                await post(server, session)
        drawn.append(draws)
    assert drawn[0] == drawn[1]


async def test_record(session):
    async with LoopbackServer(latency=0.1, faults={1: Fault.server_error()}) as server:
        answers = await asyncio.gather(*(post(server, session) for _ in range(3)))
        assert sorted(status for status, _ in answers) == [200, 200, 500]
        assert (server.max_in_flight, server.in_flight) == (3, 0)
        assert [request.index for request in server.requests] == [0, 1, 2]
        assert sorted(request.state for request in server.requests) == ["failed", "replied", "replied"]
        assert all(request.ended is not None and request.ended - request.arrived >= 0.09 for request in server.requests)
        assert server.requests[0].prompt == "q"


async def test_faults_by_predicate_and_on_the_spot(session):
    async with LoopbackServer(faults=lambda request: Fault.rate_limit(3) if request.index == 1 else None) as server:
        server.fail_next(Fault.answer(418, "{}"))
        assert [(await post(server, session))[0] for _ in range(3)] == [418, 429, 200]


async def test_stop_and_max_tokens(session):
    async with LoopbackServer(["one two three\n\nfour"]) as server:
        _, payload = await post(server, session, stop=["\n\n"], max_tokens=2)
        assert payload["choices"][0]["message"]["content"] == "one two"
        assert payload["choices"][0]["finish_reason"] == "length"
        assert payload["usage"]["completion_tokens"] == 2
        _, payload = await post(server, session, stop="two")
        assert payload["choices"][0]["message"]["content"] == "one "
        assert payload["choices"][0]["finish_reason"] == "stop"


async def test_models_and_health(session):
    async with LoopbackServer(model="llama") as server:
        async with session.get(f"{server.url}/models") as response:
            assert (await response.json())["data"][0]["id"] == "llama"
        async with session.get(server.url.removesuffix("/v1") + "/health") as response:
            assert response.status == 200


async def test_hooks_count_requests_and_replies(session):
    requests, replies = [], []
    async with LoopbackServer(on_request=requests.append, on_reply=replies.append, faults={0: Fault.drop()}) as server:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await post(server, session)
        await post(server, session)
        await post(server, session)
    assert (requests, replies) == ([1, 2, 3], [1, 2])


def test_beside_synchronous_code():
    with LoopbackServer(["42"]).running() as server:
        request = urllib.request.Request(
            f"{server.url}/chat/completions", json.dumps({"messages": []}).encode(), {"X-Request-Id": "t"}
        )
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["choices"][0]["message"]["content"] == "42"
        assert server.requests[0].tag == "t"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(request)


def test_taken_port_is_said():
    with LoopbackServer().running() as server:
        other = LoopbackServer(port=server.port).running()
        with pytest.raises(OSError, match=str(server.port)):
            other.__enter__()


def test_client_killed_after_the_second_reply():
    code = """
import sys, urllib.request
while True:
    request = urllib.request.Request(sys.argv[1] + "/chat/completions", b'{"messages": []}')
    urllib.request.urlopen(request).read()
"""
    clients = []
    started = threading.Event()

    def on_reply(count: int) -> None:
        if count == 2 and started.wait(20):
            clients[0].kill()

    server = LoopbackServer(on_reply=on_reply)
    with server.running():
        clients.append(subprocess.Popen([sys.executable, "-c", code, server.url]))
        started.set()
        assert clients[0].wait(20) == -signal.SIGKILL
    # The second reply is out when the hook is called: a quick client may have asked, and even been told, once more.
    assert sum(request.state == "replied" for request in server.requests) in {2, 3}


def test_as_a_process_of_its_own():
    command = [sys.executable, "-m", "symposia.testing.server", "--reply", "a", "--reply", "b", "--latency", "0,0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        request = urllib.request.Request(f"{url}/chat/completions", b'{"messages": [], "n": 2}')
        with urllib.request.urlopen(request) as response:
            assert [choice["message"]["content"] for choice in json.load(response)["choices"]] == ["a", "b"]
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as response:
            stats = json.load(response)
        process.terminate()
        assert process.wait(10) == 0
    assert stats == {"requests": 1, "max_in_flight": 1, "open": 0, "replied": 1, "failed": 0, "cancelled": 0}
