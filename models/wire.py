"""A chat completion's request on the wire. Shared by every transport; :mod:`.reading` is the other direction."""

from __future__ import annotations

from typing import Any

from ..core.calls import ChatRequest, ToolSpec
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message

MOST_ALTERNATIVES = 20
"""Alternatives that every API gives; labels are looked for among them where a server cannot be asked for tokens by id."""


def body(spec: ModelSpec, request: ChatRequest, *, stream: bool) -> dict[str, Any]:
    """The JSON body of ``/v1/chat/completions``.

    ``spec.extra`` and then ``request.extra`` are merged in last and win. ``seed`` is sent only to models with that ability.
    With ``stream`` the server is asked to report usage at the end of the stream. A prefix goes as an unfinished assistant
    message in the way of vLLM (fidelity ``chat``).
    """
    fields: dict[str, Any] = {
        "model": spec.remote_name,
        "messages": [message_fields(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if request.n > 1:
        fields["n"] = request.n
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.seed is not None and Ability.SEED in spec.abilities:
        fields["seed"] = request.seed
    if request.effort is not None:
        fields["reasoning_effort"] = request.effort
    fields.update(_logprobs(request))
    if request.json_schema is not None:
        schema = {"name": "answer", "schema": request.json_schema, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice is not None:
        fields["tool_choice"] = _tool_choice(request.tool_choice)
    if request.prefix is not None and request.prefix.text:
        fields["messages"].append({"role": "assistant", "content": request.prefix.text})
        fields |= {"continue_final_message": True, "add_generation_prompt": False}
    if request.prefix is not None and request.stop:
        fields["include_stop_str_in_output"] = True
    if stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    fields.update(spec.extra)
    fields.update(request.extra)
    return fields


def message_fields(message: Message) -> dict[str, object]:
    """A message as the protocol spells it."""
    # The plain message is nearly every message, and dumping a pydantic model costs ten times as much as this.
    if isinstance(message.content, str) and not message.tool_calls and message.name is None and message.tool_call_id is None:
        return {"role": message.role, "content": message.content}
    return message.wire()


def _logprobs(request: ChatRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    by_id = "logprob_token_ids" in request.extra
    alternatives = MOST_ALTERNATIVES if request.labels and not by_id else request.logprobs
    if alternatives is not None or by_id:
        fields["logprobs"] = True
    if alternatives:
        fields["top_logprobs"] = alternatives
    if request.prompt_logprobs:
        fields["prompt_logprobs"] = 0
    return fields


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {"type": "function", "function": tool.model_dump()}


def _tool_choice(choice: str) -> str | dict[str, Any]:
    if choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}
