"""The ways to a model that must look alike to a caller, and how the tests ask through one."""

from __future__ import annotations

from typing import Any

from symposia.core.calls import ChatRequest, Reply
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message
from symposia.core.protocols import OnText, Transport
from symposia.models.direct_transport import DirectTransport
from symposia.models.litellm_transport import LiteLLMTransport
from symposia.testing import LoopbackServer

WAYS = {
    "direct": (DirectTransport, {}),
    "litellm": (LiteLLMTransport, {"transport": "litellm"}),
    # OpenAI's own client inside LiteLLM: the connections are not ours there.
    "litellm-openai": (LiteLLMTransport, {"transport": "litellm", "litellm": "openai/fake"}),
}


def ask(text="What is 6 times 7?", **changes: Any) -> ChatRequest:
    return ChatRequest.model_validate({"messages": (Message(role="user", content=text),), "max_tokens": 50} | changes)


def spec_of(server: LoopbackServer, way: str, **changes: Any) -> ModelSpec:
    return server.spec("mine", **(WAYS[way][1] | changes))


async def send(
    transport: Transport,
    spec: ModelSpec,
    request: ChatRequest | None = None,
    *,
    api_key: str | None = None,
    timeout: float = 20.0,
    on_text: OnText | None = None,
    stream: bool = False,
) -> Reply:
    if stream and on_text is None:

        def on_text(index: int, text: str) -> None:
            assert isinstance(index, int)
            assert isinstance(text, str)

    return await transport.complete(
        spec, request or ask(), api_key=api_key, timeout=timeout, tag="run/propose.0.3", on_text=on_text
    )
