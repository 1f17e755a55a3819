"""What addresses serve, told apart from whatever else may listen there, and quickly."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from symposia.core.errors import ConfigError, UnknownNameError, UnreachableError
from symposia.core.model_spec import Ability
from symposia.models.catalogue import Catalogue
from symposia.models.discovery import identify, probe_loopback, served
from symposia.models.reward_forms import QWEN_PRM, STEP_CLASSIFIER

Serve = Callable[..., Any]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server whose /v1/models answers with ``body``; gives its address."""
    servers: list[TestServer] = []

    async def start(body: Any = None, *, text: str | None = None, status: int = 200, delay: float = 0.0) -> str:
        async def models(_: web.Request) -> web.Response:
            await asyncio.sleep(delay)
            return web.json_response(body, status=status) if text is None else web.Response(text=text, status=status)

        app = web.Application()
        app.router.add_get("/v1/models", models)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/v1"))

    yield start
    for server in servers:
        await server.close()


def listing(*items: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(items)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_what_a_server_offers(serve: Serve) -> None:
    url = await serve(
        listing(
            {"id": "qwen", "owned_by": "vllm", "max_model_len": 4096},
            {"id": "tiny", "owned_by": "llamacpp", "meta": {"n_ctx": 2048, "n_ctx_train": 8192}},
            {"id": 3},
            "junk",
        )
    )
    models = await served(url)
    assert models is not None
    assert [(model.name, model.owner, model.context) for model in models] == [
        ("qwen", "vllm", 4096),
        ("tiny", "llamacpp", 2048),
    ]
    assert models[0].url == url


@pytest.mark.parametrize(
    "reply",
    [
        {"text": "<html>hello</html>"},
        {"body": listing({"id": "m"}), "status": 401},
        {"body": ["m"]},
        {"body": {"data": "m"}},
        {"text": '{"data": [{"id": "' + "m" * (2 << 20) + '"}]}'},
    ],
)
async def test_something_else_that_answers_is_no_model_server(serve: Serve, reply: dict[str, Any]) -> None:
    assert await served(await serve(**reply), timeout=2) is None


async def test_nobody_answers() -> None:
    assert await served(f"http://127.0.0.1:{free_port()}/v1") is None


async def test_a_proxy_is_never_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert await served(await serve(listing({"id": "m"}))) is not None


async def test_ports_are_probed_at_once(serve: Serve) -> None:
    slow = await serve(listing({"id": "slow"}), delay=5)
    quick = [await serve(listing({"id": name})) for name in ("a", "b")]
    ports = [int(url.rsplit(":", 1)[1].split("/")[0]) for url in (slow, quick[0], slow, quick[1])]
    began = time.perf_counter()
    found = await probe_loopback([*ports, free_port()])
    assert [model.name for model in found] == ["a", "b"]
    assert time.perf_counter() - began < 0.6  # 0.3 s and what the loaded test machine adds


async def test_identify_completes_an_address(serve: Serve) -> None:
    url = await serve(listing({"id": "qwen", "owned_by": "vllm", "max_model_len": 4096}))
    spec = await identify(Catalogue.load().get(url))
    assert (spec.served_name, spec.litellm, spec.context) == ("qwen", "hosted_vllm/qwen", 4096)
    assert {Ability.PROMPT_LOGPROBS, Ability.N} <= spec.abilities


async def test_identify_drops_what_the_server_cannot_do(serve: Serve) -> None:
    url = await serve(listing({"id": "m", "owned_by": "llamacpp"}))
    assert Ability.N not in (await identify(Catalogue.load().get(url))).abilities


async def test_identify_learns_from_our_own_server_how_a_model_is_asked(serve: Serve) -> None:
    meta = {"kind": "process", "labels": 2, "step_tag": "<extra_0>", "hidden_size": 64}
    url = await serve(listing({"id": "prm", "owned_by": "symposia-heads", "max_model_len": 256, "meta": meta}))
    spec = await identify(Catalogue.load().get(url))
    assert (spec.reward, spec.engine, spec.context) == (QWEN_PRM, "transformers", 256)
    assert spec.abilities == {Ability.REWARD, Ability.EMBED}
    own = spec.model_copy(update={"reward": STEP_CLASSIFIER})
    assert (await identify(own)).reward == STEP_CLASSIFIER


@pytest.mark.parametrize("meta", [None, [], {}, {"kind": "poem", "labels": 1, "step_tag": ""}])
async def test_what_our_server_says_in_other_words_is_left_out(serve: Serve, meta: Any) -> None:
    url = await serve(listing({"id": "prm", "owned_by": "symposia-heads", "meta": meta}))
    assert [model.reward for model in await served(url) or ()] == [None]


async def test_identify_keeps_what_is_declared_for_unknown_servers(serve: Serve) -> None:
    spec = Catalogue.load().get(f"{await serve(listing({'id': 'm'}))}#m")
    assert (await identify(spec)).abilities == spec.abilities


async def test_identify_leaves_api_models_alone() -> None:
    spec = Catalogue.load().get("openai/gpt-4o-mini")
    assert await identify(spec) is spec


async def test_identify_says_what_is_wrong(serve: Serve) -> None:
    catalogue = Catalogue.load()
    two = await serve(listing({"id": "alpha"}, {"id": "beta"}))
    with pytest.raises(ConfigError, match=r"offers 2 models and none was named .*#alpha"):
        await identify(catalogue.get(two))
    with pytest.raises(UnknownNameError, match=r"unknown model 'alhpa' in the server at .*'alpha'"):
        await identify(catalogue.get(f"{two}#alhpa"))
    with pytest.raises(ConfigError, match="offers no model"):
        await identify(catalogue.get(await serve(listing())))
    with pytest.raises(UnreachableError, match="no model server answers"):
        await identify(catalogue.get(f"http://127.0.0.1:{free_port()}/v1"))
