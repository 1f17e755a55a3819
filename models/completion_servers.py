"""How vLLM and llama.cpp render conversations, cut text into tokens and complete token ids.

Measured on vLLM 0.32 and llama.cpp as of xllamacpp 2026.10: both end a piece's token ids with the end-of-answer token where the
model ended by itself; vLLM keeps a stop string if told so, llama.cpp takes it off and says which it was.
"""

from __future__ import annotations

from typing import Any

from ..core.calls import ChatRequest, Choice, FinishReason, Reply
from ..core.errors import LabelTokensError, RejectedError
from ..core.model_spec import Ability, ModelSpec
from . import logprobs
from .http_session import Call, Http
from .reading import Counts, broken, charges, choices_of, counts, finish_reason
from .wire import MOST_ALTERNATIVES, message_fields


class VllmServer:
    """vLLM: ``/tokenize`` renders too, ``/v1/completions`` takes and gives token ids."""

    async def render(self, http: Http, call: Call, request: ChatRequest) -> tuple[int, ...]:
        """The conversation with a generation prompt, as token ids."""
        body: dict[str, Any] = {
            "model": call.spec.remote_name,
            "messages": [message_fields(message) for message in request.messages],
            "add_generation_prompt": True,
        }
        body |= template_arguments(call.spec, request)
        return _tokens(await http.json(call, "/tokenize", body), call.spec)

    async def tokenize(self, http: Http, call: Call, text: str) -> tuple[int, ...]:
        """Token ids of a piece of text, nothing added."""
        body = {"model": call.spec.remote_name, "prompt": text, "add_special_tokens": False}
        return _tokens(await http.json(call, "/tokenize", body), call.spec)

    async def detokenize(self, http: Http, call: Call, tokens: tuple[int, ...]) -> str:
        """The text of token ids, special ones included."""
        body = {"model": call.spec.remote_name, "tokens": tokens}
        return _text(await http.json(call, "/detokenize", body), "prompt", call.spec)

    def body(self, spec: ModelSpec, request: ChatRequest, prompt: tuple[int, ...] | str) -> tuple[str, dict[str, Any]]:
        """Path and body of the completion."""
        fields: dict[str, Any] = {
            "model": spec.remote_name,
            "prompt": prompt,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "n": request.n,
            "add_special_tokens": False,
            "return_token_ids": True,
        }
        if request.stop:
            fields |= {"stop": list(request.stop), "include_stop_str_in_output": True}
        if request.seed is not None and Ability.SEED in spec.abilities:
            fields["seed"] = request.seed
        if request.logprobs is not None or request.labels:
            fields["logprobs"] = request.logprobs or 0
        if request.prompt_logprobs:
            fields["prompt_logprobs"] = 0
        return "completions", fields | _plain_extra(spec, request)

    def reply(self, payload: object, spec: ModelSpec, request: ChatRequest, seconds: float) -> Reply:
        """Read the completion. Raises :class:`BrokenReplyError`."""
        items = choices_of(payload, spec)[: request.n]
        assert isinstance(payload, dict)  # noqa: S101 - by the line above
        prompt = items[0].get("prompt_logprobs") if request.prompt_logprobs else None
        return Reply(
            model=str(payload.get("model") or spec.remote_name),
            choices=tuple(self._choice(item, spec, request) for item in items),
            **charges(counts(payload.get("usage")), request),
            prompt_logprobs=logprobs.of_prompt(prompt),
            seconds=seconds,
        )

    def _choice(self, item: dict[str, Any], spec: ModelSpec, request: ChatRequest) -> Choice:
        text, reason = item.get("text"), item.get("stop_reason")
        if not isinstance(text, str):
            raise broken(spec, "holds a text that is not text", item)
        finish = finish_reason(item.get("finish_reason"))
        stop = reason if isinstance(reason, str) else None
        tokens = _ids(item.get("token_ids"), spec)
        if finish is FinishReason.STOP and stop is None:
            tokens = tokens[:-1]
        told = logprobs.of_completion(item.get("logprobs"))
        return _piece(request, text=text, finish=finish, stop=stop, tokens=tokens, told=told)


class LlamaCppServer:
    """llama.cpp: its own ``/completion`` tells what ended a piece, which its OpenAI-compatible route does not."""

    async def render(self, http: Http, call: Call, request: ChatRequest) -> tuple[int, ...]:
        """The conversation with a generation prompt, as token ids."""
        body: dict[str, Any] = {"messages": [message_fields(message) for message in request.messages]}
        body |= template_arguments(call.spec, request)
        text = _text(await http.json(call, "/apply-template", body), "prompt", call.spec)
        cut = {"content": text, "add_special": True, "parse_special": True}
        return _tokens(await http.json(call, "/tokenize", cut), call.spec)

    async def tokenize(self, http: Http, call: Call, text: str) -> tuple[int, ...]:
        """Token ids of a piece of text, nothing added."""
        body = {"content": text, "add_special": False, "parse_special": True}
        return _tokens(await http.json(call, "/tokenize", body), call.spec)

    async def detokenize(self, http: Http, call: Call, tokens: tuple[int, ...]) -> str:
        """The text of token ids, special ones included."""
        return _text(await http.json(call, "/detokenize", {"tokens": tokens}), "content", call.spec)

    def body(self, spec: ModelSpec, request: ChatRequest, prompt: tuple[int, ...] | str) -> tuple[str, dict[str, Any]]:
        """Path and body of the completion. Raises :class:`RejectedError` for several samples, which the route does not give."""
        if request.n > 1:
            raise RejectedError(f"{spec.name} is asked for {request.n} samples at once; llama.cpp continues one a call")
        fields: dict[str, Any] = {
            "prompt": prompt,
            "n_predict": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "return_tokens": True,
            "n_probs": MOST_ALTERNATIVES if request.labels else max(1, request.logprobs or 0),
            "cache_prompt": True,
        }
        if request.stop:
            fields["stop"] = list(request.stop)
        if request.seed is not None and Ability.SEED in spec.abilities:
            fields["seed"] = request.seed
        return "/completion", fields | _plain_extra(spec, request)

    def reply(self, payload: object, spec: ModelSpec, request: ChatRequest, seconds: float) -> Reply:
        """Read the completion. Raises :class:`BrokenReplyError`."""
        if not isinstance(payload, dict) or not isinstance(payload.get("content"), str):
            raise broken(spec, "holds no text", payload)
        word = payload.get("stopping_word")
        stop = word if payload.get("stop_type") == "word" and isinstance(word, str) and word else None
        ended = payload.get("stop_type") in {"eos", "word"}
        tokens = _ids(payload.get("tokens"), spec)
        choice = _piece(
            request,
            text=payload["content"] + (stop or ""),
            finish=FinishReason.STOP if ended else FinishReason.LENGTH,
            stop=stop,
            tokens=tokens[:-1] if payload.get("stop_type") == "eos" else tokens,
            told=logprobs.of_items(payload.get("completion_probabilities")),
        )
        prompt, written = payload.get("tokens_evaluated"), payload.get("tokens_predicted")
        timings = payload.get("timings")
        cached = timings.get("cache_n") if isinstance(timings, dict) else None
        told = None
        if isinstance(prompt, int) and isinstance(written, int):
            told = Counts(prompt, min(cached, prompt) if isinstance(cached, int) else 0, written, 0)
        return Reply(
            model=str(payload.get("model") or spec.remote_name), choices=(choice,), **charges(told, request), seconds=seconds
        )


def _piece(
    request: ChatRequest,
    *,
    text: str,
    finish: FinishReason,
    stop: str | None,
    tokens: tuple[int, ...],
    told: tuple[Any, ...],
) -> Choice:
    return Choice(
        text=text,
        finish_reason=finish,
        stop=stop,
        tokens=tokens,
        logprob=logprobs.summed(token.logprob for token in told) if told else None,
        logprobs=told if request.logprobs is not None else (),
        labels=logprobs.labels(request.labels, told[0] if told else None),
    )


async def one_token(server: VllmServer, http: Http, call: Call, label: str) -> int:
    """The token id of a label. Raises :class:`LabelTokensError` for one that is not one token of the model."""
    tokens = await server.tokenize(http, call, label)
    if len(tokens) != 1:
        raise LabelTokensError(f"the label {label!r} is {len(tokens)} tokens of {call.spec.name}", hint="use labels of one token")
    return tokens[0]


_FOR_TEMPLATE = "chat_template_kwargs"


def template_arguments(spec: ModelSpec, request: ChatRequest) -> dict[str, Any]:
    """What the request tells the chat template beyond the messages, such as ``enable_thinking``, as a field of a body."""
    return {key: value for key, value in {**spec.extra, **request.extra}.items() if key == _FOR_TEMPLATE}


def _plain_extra(spec: ModelSpec, request: ChatRequest) -> dict[str, Any]:
    return {key: value for key, value in {**spec.extra, **request.extra}.items() if key != _FOR_TEMPLATE}


def _tokens(payload: object, spec: ModelSpec) -> tuple[int, ...]:
    return _ids(payload.get("tokens") if isinstance(payload, dict) else None, spec)


def _ids(value: object, spec: ModelSpec) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
        raise broken(spec, "holds no token ids", value)
    return tuple(value)


def _text(payload: object, field: str, spec: ModelSpec) -> str:
    text = payload.get(field) if isinstance(payload, dict) else None
    if not isinstance(text, str):
        raise broken(spec, f"holds no {field}", payload)
    return text
