"""Whether a served model does what is declared of it: one tiny request for each ability, through the gateway."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.base import Frozen
from ..core.calls import ChatRequest, EmbedRequest, LabelRequest, Prefix, Reply, ScoreRequest, ToolSpec
from ..core.errors import SymposiaError
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message
from ..core.protocols import Gateway

_SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
_TOOL = ToolSpec(
    name="add",
    description="Adds two numbers.",
    parameters={
        "type": "object",
        "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        "required": ["a", "b"],
    },
)


class Checked(Frozen):
    """What became of one ability's request."""

    ability: Ability
    ok: bool
    detail: str
    """What came back, or why it does not do."""


async def check_abilities(gateway: Gateway, spec: ModelSpec, *, timeout: float) -> list[Checked]:
    """Ask ``spec`` for each of its declared abilities, one after the other; ``timeout`` in seconds holds for each request."""
    found = []
    for ability in sorted(spec.abilities):
        try:
            detail, ok = await _PROBES[ability](_Asker(gateway, spec, timeout))
        except SymposiaError as error:
            detail, ok = str(error), False
        found.append(Checked(ability=ability, ok=ok, detail=detail))
    return found


class _Asker:
    def __init__(self, gateway: Gateway, spec: ModelSpec, timeout: float) -> None:
        self._gateway, self._spec, self._timeout = gateway, spec, timeout

    async def ask(self, text: str, **fields: Any) -> Reply:
        fields = {"max_tokens": 8, **fields}
        request = ChatRequest(messages=(Message(role="user", content=text),), **fields)
        return await self._gateway.complete(self._spec, request, tag="check", timeout=self._timeout)

    async def score(self, *, hidden_states: bool = False) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
        messages = (Message(role="user", content="What is 2 + 3?"),)
        request = ScoreRequest(messages=messages, steps=("2 + 3 = 5.", "The answer is 5."), hidden_states=hidden_states)
        reply = await self._gateway.score(self._spec, request, tag="check", timeout=self._timeout)
        return reply.raw, reply.hidden_states

    async def labels(self, *texts: str) -> Reply:
        conversations = tuple((Message(role="user", content=text),) for text in texts)
        request = LabelRequest(conversations=conversations, labels=("Yes", "No"))
        return await self._gateway.labels(self._spec, request, tag="check", timeout=self._timeout)

    async def vectors(self, *texts: str) -> tuple[tuple[float, ...], ...]:
        """Of the texts; of a solution's two steps where the model is asked by a reward form."""
        if self._spec.reward is not None:
            return (await self.score(hidden_states=True))[1]
        reply = await self._gateway.embed(self._spec, EmbedRequest(texts=texts), tag="check", timeout=self._timeout)
        return reply.vectors


_Verdict = tuple[str, bool]


async def _chat(asker: _Asker) -> _Verdict:
    reply = await asker.ask("Say hello.")
    return f"{reply.model} said {reply.choices[0].text!r}", bool(reply.choices[0].text or reply.choices[0].thinking)


async def _n(asker: _Asker) -> _Verdict:
    reply = await asker.ask("Name an animal.", n=2, temperature=1.0)
    return f"{len(reply.choices)} of 2 samples", len(reply.choices) == 2


async def _logprobs(asker: _Asker) -> _Verdict:
    tokens = (await asker.ask("Say hello.", logprobs=2)).choices[0].logprobs
    ok = bool(tokens) and all(token.logprob <= 0 and token.top for token in tokens)
    return f"{len(tokens)} tokens with alternatives" if ok else f"{len(tokens)} tokens, not all with alternatives", ok


async def _prompt_logprobs(asker: _Asker) -> _Verdict:
    tokens = (await asker.ask("Say hello.", prompt_logprobs=True, max_tokens=1)).prompt_logprobs
    return f"{len(tokens)} prompt tokens", bool(tokens)


async def _prefix(asker: _Asker) -> _Verdict:
    reply = await asker.ask("Count to nine.", prefix=Prefix(text="1, 2, 3,"))
    text = reply.choices[0].text
    ok = bool(text.strip()) and not text.startswith("1, 2, 3")
    return f"by {reply.fidelity}: '1, 2, 3,' goes on as {text!r}", ok


async def _json_schema(asker: _Asker) -> _Verdict:
    text = (await asker.ask("What colour is the sky?", json_schema=_SCHEMA, max_tokens=64)).choices[0].text
    try:
        colour = json.loads(text)["colour"]
    except (ValueError, TypeError, KeyError):
        return f"{text!r} is not of the schema", False
    return text, colour in {"red", "blue"}


async def _seed(asker: _Asker) -> _Verdict:
    texts = [(await asker.ask("Tell a story.", seed=7, temperature=1.0)).choices[0].text for _ in range(2)]
    return "one seed gave one text" if texts[0] == texts[1] else f"one seed gave {texts[0]!r} and {texts[1]!r}", texts[
        0
    ] == texts[1]


async def _tools(asker: _Asker) -> _Verdict:
    fields = {"tools": (_TOOL,), "tool_choice": "required", "max_tokens": 128}
    choice = (await asker.ask("Use the tool to add 2 and 3.", **fields)).choices[0]
    names = [call.function.name for call in choice.tool_calls]
    return f"called {', '.join(names)}" if names else f"no call in {choice.text!r}", names[:1] == ["add"]


async def _reward(asker: _Asker) -> _Verdict:
    raw, _ = await asker.score()
    return f"scores {', '.join(f'{value:.3g}' for value in raw)}", bool(raw)


async def _scoring(asker: _Asker) -> _Verdict:
    told = [choice.labels for choice in (await asker.labels("Is 2 + 3 = 5? Yes or No?", "Is 2 + 3 = 6? Yes or No?")).choices]
    return f"labels of {len(told)} of 2 conversations", len(told) == 2 and all(told)


async def _embed(asker: _Asker) -> _Verdict:
    vectors = await asker.vectors("2 + 3 = 5.", "The answer is 5.")
    return f"{len(vectors)} vectors of {len(vectors[0]) if vectors else 0} numbers", len(vectors) == 2


_PROBES: dict[Ability, Callable[[_Asker], Awaitable[_Verdict]]] = {
    Ability.CHAT: _chat,
    Ability.PREFIX: _prefix,
    Ability.LOGPROBS: _logprobs,
    Ability.PROMPT_LOGPROBS: _prompt_logprobs,
    Ability.N: _n,
    Ability.SEED: _seed,
    Ability.JSON_SCHEMA: _json_schema,
    Ability.TOOLS: _tools,
    Ability.REWARD: _reward,
    Ability.SCORING: _scoring,
    Ability.EMBED: _embed,
}
