"""The llama.cpp engine: what it refuses, and with real weights how it serves, shares its slots and ends."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from symposia.core.errors import EngineError
from symposia.core.model_spec import ModelSpec
from symposia.models.catalogue import Catalogue
from symposia.models.discovery import identify
from symposia.models.engines import engine as engine_module
from symposia.models.engines.engine import EngineOptions
from symposia.models.engines.llamacpp import LlamaCppEngine
from symposia.models.engines.process import Waiting
from symposia.models.weights import installed

MODEL = "smollm2-135m"


# --- what it refuses (no weights needed) -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def spec() -> ModelSpec:
    return Catalogue.load().get(MODEL)


def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + bytes(1000))
    return path


async def refused(spec: ModelSpec, path: Path, **options: Any) -> str:
    engine = LlamaCppEngine()
    with pytest.raises(EngineError) as caught:
        await engine.start(spec, path, EngineOptions(**options))
    assert not engine.running
    assert engine.memory() == 0
    with pytest.raises(EngineError, match="has not been started"):
        _ = engine.served
    await engine.stop()
    return str(caught.value)


async def test_without_xllamacpp(spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert 'pip install "symposia[local]"' in await refused(spec, gguf(tmp_path))


async def test_files_that_are_no_models(spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    text = tmp_path / "text.gguf"
    text.write_text("hello")
    assert "text.gguf is not a GGUF model" in await refused(spec, text)
    assert "cannot be read: No such file" in await refused(spec, tmp_path / "none.gguf")


async def test_too_little_memory(spec: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(engine_module, "available_memory", lambda: 100_000_000)
    message = await refused(spec, gguf(tmp_path))
    assert "smollm2-135m needs about 590 MB of memory, 100 MB are free" in message


async def test_a_corrupt_model(spec: ModelSpec, tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    message = await refused(spec, gguf(tmp_path))
    assert message.startswith("llama.cpp did not start: m.gguf: ")
    assert "log: " in message


# --- with real weights -----------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(spec: ModelSpec) -> Path:
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    path = installed(spec)
    if path is None:
        pytest.fail(f"{MODEL} is not downloaded: `symposia models pull {MODEL}`, or set SYMPOSIA_MODELS_DIR to where it is")
    return path


@pytest.fixture
async def engine(spec: ModelSpec, weights: Path) -> AsyncIterator[LlamaCppEngine]:
    async with LlamaCppEngine() as running:
        await running.start(spec, weights, EngineOptions(parallel=2, context=2048))
        yield running


async def ask(engine: LlamaCppEngine, **body: Any) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": "Tell me about bees."}], "max_tokens": 24, **body}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{engine.served.endpoint}/chat/completions", json=body) as reply,
    ):
        return {"status": reply.status, **(await reply.json())}


def text(reply: dict[str, Any]) -> str:
    return str(reply["choices"][0]["message"]["content"])


@pytest.mark.integration
async def test_it_serves_and_ends(spec: ModelSpec, weights: Path) -> None:
    engine = LlamaCppEngine()
    seen: list[Waiting] = []
    served = await engine.start(spec, weights, EngineOptions(parallel=2, context=1024), on_wait=seen.append)
    endpoint = served.endpoint
    assert endpoint is not None
    assert endpoint.startswith("http://127.0.0.1:")
    assert endpoint.endswith("/v1")
    assert seen
    assert engine.served is served
    assert (served.engine, served.context, served.concurrency) == ("llama.cpp", 1024, 2)
    assert engine.process is not None
    pid = engine.process.pid
    assert engine.memory() > 100_000_000
    reply = await ask(engine)
    assert reply["model"] == MODEL
    assert reply["usage"]["completion_tokens"] == 24
    with pytest.raises(EngineError, match="already serves"):
        await engine.start(spec, weights)
    await engine.stop()
    assert not psutil.pid_exists(pid)
    assert not engine.running


@pytest.mark.integration
async def test_discovery_knows_it(engine: LlamaCppEngine) -> None:
    spec = await identify(Catalogue.load().get(str(engine.served.endpoint)))
    assert (spec.served_name, spec.context) == (MODEL, 2048)
    assert "n" not in spec.abilities


@pytest.mark.integration
async def test_a_seed_gives_the_same_text_alone_and_beside_others(engine: LlamaCppEngine) -> None:
    """True of this model; see the catalogue for larger ones."""
    alone = [text(await ask(engine, seed=seed, temperature=1.0)) for seed in (1, 2)]
    together = await asyncio.gather(*(ask(engine, seed=seed, temperature=1.0) for seed in (1, 2)))
    assert [text(reply) for reply in together] == alone
    assert alone[0] != alone[1]


@pytest.mark.integration
async def test_what_n_is_worth(engine: LlamaCppEngine) -> None:
    """Why the catalogue leaves `n` out. If this fails, llama.cpp has mended it."""
    both = await ask(engine, n=2, seed=5, temperature=1.0)
    assert len(both["choices"]) == 2
    assert both["usage"]["completion_tokens"] == 24, "the tokens of one choice only"
    assert (await ask(engine, n=3))["status"] == 400


@pytest.mark.integration
async def test_logprobs(engine: LlamaCppEngine) -> None:
    reply = await ask(engine, logprobs=True, top_logprobs=2, temperature=0.0, max_tokens=4)
    tokens = reply["choices"][0]["logprobs"]["content"]
    assert len(tokens) == 4
    assert all(token["logprob"] <= 0 for token in tokens)


@pytest.mark.integration
async def test_requests_sample_from_the_models_own_distribution(engine: LlamaCppEngine) -> None:
    async with aiohttp.ClientSession() as session, session.get(str(engine.served.endpoint)[:-3] + "/props") as reply:
        defaults = (await reply.json())["default_generation_settings"]["params"]
    assert (defaults["top_k"], defaults["top_p"], defaults["min_p"], defaults["temperature"]) == (0, 1.0, 0.0, 1.0)


@pytest.mark.integration
@pytest.mark.parametrize("stream", [True, False])
async def test_a_closed_connection_frees_its_slot(spec: ModelSpec, weights: Path, stream: bool) -> None:
    async with LlamaCppEngine() as engine:
        await engine.start(spec, weights, EngineOptions(parallel=1, context=8192))
        long = asyncio.create_task(ask(engine, max_tokens=6000, ignore_eos=True, stream=stream))
        await asyncio.sleep(1.0)
        assert not long.done()
        long.cancel()
        await asyncio.wait({long})
        began = time.monotonic()
        await ask(engine, max_tokens=1)
        assert time.monotonic() - began < 15.0, "the slot went on generating"


@pytest.mark.integration
async def test_a_port_that_is_taken(spec: ModelSpec, weights: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "couldn't bind" in await refused(spec, weights, port=taken.getsockname()[1])


@pytest.mark.integration
async def test_a_cancelled_start_leaves_no_process(spec: ModelSpec, weights: Path) -> None:
    before = {child.pid for child in psutil.Process().children()}
    task = asyncio.create_task(LlamaCppEngine().start(spec, weights))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {child.pid for child in psutil.Process().children()} <= before


@pytest.mark.integration
async def test_it_survives_the_terminals_interrupt(engine: LlamaCppEngine) -> None:
    assert engine.process is not None
    os.killpg(engine.process.pid, signal.SIGINT)
    await asyncio.sleep(0.3)
    assert engine.running
    assert (await ask(engine, max_tokens=1))["status"] == 200


PARENT = """
import asyncio, os, sys, threading, time
from pathlib import Path
from symposia.models.catalogue import Catalogue
from symposia.models.engines.engine import EngineOptions
from symposia.models.engines.llamacpp import LlamaCppEngine

engine = LlamaCppEngine()
def serve():
    asyncio.run(engine.start(Catalogue.load().get(sys.argv[1]), Path(sys.argv[2]), EngineOptions(parallel=1, context=512)))
    print(engine.process.pid, flush=True)
thread = threading.Thread(target=serve)
thread.start()
thread.join()
time.sleep(0.5)
print(engine.running, flush=True)
if sys.argv[3] == "kill":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.integration
@pytest.mark.parametrize("end", ["kill", "leave"])
def test_no_orphan_is_left(weights: Path, end: str) -> None:
    """Nor does the engine end with the thread and the event loop that it was started from."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PARENT), MODEL, str(weights), end],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    pid, running = done.stdout.split()
    assert running == "True"
    deadline = time.monotonic() + 5
    while psutil.pid_exists(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pid))
