"""Answers written in pieces: continue an unfinished one with nothing read anew, or with as little as the server allows.

With fidelity ``tokens`` the conversation is rendered once by the server's own template and cut into tokens by its own
tokenizer; the pieces of the answer then travel as the token ids that the model wrote. Cutting a greedy answer at a step and
going on gives the uncut answer, but for the rounding of kernels. With fidelity ``text`` the pieces are cut into tokens anew.

A stop string stays at the end of its piece, with whatever else its last token holds: tokens are what a piece is made of.
These routes have no wrapper in LiteLLM, so that they go over HTTP directly, whatever transport the model has otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ..core.calls import ChatRequest, Fidelity, Prefix, Reply
from ..core.errors import ConfigError
from ..core.model_spec import ModelSpec
from ..core.protocols import OnText
from .completion_servers import LlamaCppServer, VllmServer, one_token, template_arguments
from .http_session import Call, Http
from .reading import broken

_KEPT = 256
"""Conversations whose token ids are kept: a search renders its problem once, not once a step."""


class Prompt(NamedTuple):
    """What a completion goes on from: token ids, or one text."""

    content: tuple[int, ...] | str
    fidelity: Fidelity


class CompletionServer(Protocol):
    """How one kind of server renders, cuts and completes."""

    async def render(self, http: Http, call: Call, request: ChatRequest) -> tuple[int, ...]:
        """The conversation with a generation prompt, as token ids."""
        ...

    async def tokenize(self, http: Http, call: Call, text: str) -> tuple[int, ...]:
        """Token ids of a piece of text, nothing added."""
        ...

    async def detokenize(self, http: Http, call: Call, tokens: tuple[int, ...]) -> str:
        """The text of token ids, special ones included."""
        ...

    def body(self, spec: ModelSpec, request: ChatRequest, prompt: tuple[int, ...] | str) -> tuple[str, dict[str, Any]]:
        """Path and body of the completion."""
        ...

    def reply(self, payload: object, spec: ModelSpec, request: ChatRequest, seconds: float) -> Reply:
        """Read the completion. Raises :class:`BrokenReplyError`."""
        ...


_SERVERS: Mapping[str, CompletionServer] = {"vllm": VllmServer(), "llama.cpp": LlamaCppServer()}


class ContinuationTransport:
    """One attempt at the next piece of an answer. Implements :class:`~symposia.core.protocols.Transport`."""

    def __init__(self, http: Http | None = None) -> None:
        self._http = http or Http()
        self._known: dict[tuple[object, ...], tuple[int, ...]] = {}
        """Token ids of conversations and labels."""

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Write the next piece; see :class:`~symposia.core.protocols.Transport`. ``on_text`` hears of it when it is whole.

        Raises :class:`ModelError`, and :class:`ConfigError` for a server that has no such routes.
        """
        server = _SERVERS.get(spec.engine or "")
        if server is None:
            raise ConfigError(
                f"{spec.name} cannot continue answers by {spec.continues_by}: no vLLM or llama.cpp serves it",
                hint="set fidelity = 'chat', or engine to the software that serves it",
            )
        began = time.perf_counter()
        call = Call(spec, api_key, timeout, tag)
        prompt = await self._prompt(server, call, request)
        path, body = server.body(spec, request, prompt.content)
        payload = await self._http.json(call, path, body)
        reply = server.reply(payload, spec, request, time.perf_counter() - began)
        reply = await self._whole(server, call, reply)
        if on_text is not None:
            for index, choice in enumerate(reply.choices):
                on_text(index, choice.text)
        return reply.model_copy(update={"fidelity": prompt.fidelity, "seconds": time.perf_counter() - began})

    async def label_tokens(self, call: Call, labels: tuple[str, ...]) -> list[int]:
        """The token id of each label at a vLLM server, which can be asked for tokens by id.

        Raises :class:`LabelTokensError` for a label that is not one token of the model.
        """
        server, found = VllmServer(), []
        for label in labels:
            key = (call.spec.endpoint, call.spec.remote_name, label)
            tokens = self._known.get(key) or self._remember(key, (await one_token(server, self._http, call, label),))
            found.append(tokens[0])
        return found

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def _prompt(self, server: CompletionServer, call: Call, request: ChatRequest) -> Prompt:
        prefix = request.prefix or Prefix()
        key = (call.spec.endpoint, call.spec.remote_name, request.messages, repr(template_arguments(call.spec, request)))
        rendered = self._known.get(key)
        if rendered is None:
            rendered = self._remember(key, await server.render(self._http, call, request))
        if call.spec.continues_by is Fidelity.TEXT:
            return Prompt(await server.detokenize(self._http, call, rendered) + prefix.text, Fidelity.TEXT)
        if prefix.tokens or not prefix.text:
            return Prompt(rendered + prefix.tokens, Fidelity.TOKENS)
        return Prompt(rendered + await server.tokenize(self._http, call, prefix.text), Fidelity.TEXT)

    def _remember(self, key: tuple[object, ...], tokens: tuple[int, ...]) -> tuple[int, ...]:
        while len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = tokens
        return tokens

    async def _whole(self, server: CompletionServer, call: Call, reply: Reply) -> Reply:
        """The reply with each text up to the end of its last token, where a stop string ended it in the middle of one."""
        choices = []
        for choice in reply.choices:
            text = choice.text
            if choice.stop is not None and choice.tokens:
                said = await server.detokenize(self._http, call, choice.tokens)
                if choice.stop not in said:
                    raise broken(call.spec, f"stopped at {choice.stop!r}, which its tokens do not hold", said)
                text += said.partition(choice.stop)[2]
            choices.append(choice.model_copy(update={"text": text}))
        return reply.model_copy(update={"choices": tuple(choices)})
