"""Model servers that answer: what an address serves, and which servers run on this machine.

Only ``GET /v1/models`` is asked, which every OpenAI-compatible server answers without running a model.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import aiohttp

from ..core.base import Frozen
from ..core.errors import ConfigError, UnknownNameError, UnreachableError
from ..core.model_spec import Ability, ModelSpec, RewardForm
from .reward_forms import abilities_of, default_form

PORTS = (8000, 8080, 8101, 11434, 1234, 30000)
"""Where vLLM, llama.cpp, symposia's examples, Ollama, LM Studio and SGLang listen by default."""
PROBE_TIMEOUT = 0.3
_REPLY_BYTES = 1 << 20

# What a server's own signature ("owned_by") tells beyond the protocol. Ollama ignores `n`. llama.cpp refuses it beyond its
# slots and counts the tokens of one choice only.
_ABILITIES = {
    "vllm": {"chat", "prefix", "logprobs", "prompt_logprobs", "n", "seed", "json_schema", "scoring"},
    "llamacpp": {"chat", "prefix", "logprobs", "seed", "json_schema"},
    "library": {"chat", "seed"},
}
_ENGINES = {"vllm": "vllm", "llamacpp": "llama.cpp", "symposia-heads": "transformers"}


class ServedModel(Frozen):
    """A model that a server offers."""

    url: str
    """Base address of the server, ending in ``/v1``."""
    name: str
    """What requests have to call it."""
    owner: str = ""
    """The server's signature: ``vllm``, ``llamacpp``, ``library`` (Ollama) …"""
    context: int | None = None
    """Tokens of one call, where the server says so."""
    reward: RewardForm | None = None
    """How the model is asked for scores; told by our transformers engine only."""


async def served(url: str, timeout: float = PROBE_TIMEOUT) -> list[ServedModel] | None:
    """The models that the server at ``url`` (ending in ``/v1``) offers; None where no model server answers in time.

    ``timeout`` in seconds covers everything. No key is sent, so a server that wants one counts as absent.
    """
    limit = aiohttp.ClientTimeout(total=timeout)
    # trust_env stays off: a proxy must not be asked for a loopback address.
    async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
        return await _ask(session, url.rstrip("/"))


async def probe_loopback(ports: Sequence[int] = PORTS, timeout: float = PROBE_TIMEOUT) -> list[ServedModel]:
    """Every model served on one of ``ports`` of this machine, in the order of the ports. Takes ``timeout`` at most."""
    limit = aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(timeout=limit, trust_env=False) as session:
        answers = await asyncio.gather(*(_ask(session, f"http://127.0.0.1:{port}/v1") for port in ports))
    return [model for answer in answers for model in answer or ()]


async def identify(spec: ModelSpec, timeout: float = 2.0) -> ModelSpec:
    """Complete the spec of an address by what its server says: the served name, and where known context and abilities.

    Raises :class:`UnreachableError` where no model server answers, :class:`UnknownNameError` where it serves no model of the
    name in the spec, :class:`ConfigError` where the spec names none and the server offers several.
    """
    if spec.endpoint is None:
        return spec
    models = await served(spec.endpoint, timeout)
    if models is None:
        raise UnreachableError(f"no model server answers at {spec.endpoint}")
    by_name = {model.name: model for model in models}
    if spec.served_name is not None and spec.served_name not in by_name:
        raise UnknownNameError("model", spec.served_name, by_name, where=f"the server at {spec.endpoint}")
    if spec.served_name is None and len(models) != 1:
        offer = f"offers {len(models)} models" if models else "offers no model"
        example = f"write {spec.endpoint}#{models[0].name}" if models else None
        raise ConfigError(f"the server at {spec.endpoint} {offer} and none was named", hint=example)
    model = by_name[spec.served_name] if spec.served_name else models[0]
    changes: dict[str, Any] = {"served_name": model.name, "litellm": spec.litellm or f"hosted_vllm/{model.name}"}
    if model.context is not None:
        changes["context"] = model.context
    changes["engine"] = spec.engine or _ENGINES.get(model.owner)
    if model.owner in _ABILITIES:
        changes["abilities"] = frozenset(Ability(ability) for ability in _ABILITIES[model.owner])
    if model.reward is not None:
        form = changes["reward"] = spec.reward or model.reward
        changes["abilities"] = abilities_of(form)
    return spec.model_copy(update=changes)


async def _ask(session: aiohttp.ClientSession, url: str) -> list[ServedModel] | None:
    try:
        async with session.get(f"{url}/models", allow_redirects=False) as reply:
            if reply.status != 200:
                return None
            body = bytearray()
            while len(body) < _REPLY_BYTES and (piece := await reply.content.readany()):
                body += piece
        return _models(url, json.loads(body))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None


def _models(url: str, data: Any) -> list[ServedModel] | None:
    listed = data.get("data") if isinstance(data, dict) else None
    if not isinstance(listed, list):
        return None  # something else answers on this port
    return [_model(url, item) for item in listed if isinstance(item, dict) and isinstance(item.get("id"), str)]


def _model(url: str, item: dict[str, Any]) -> ServedModel:
    meta = item.get("meta")
    context = item.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
    return ServedModel(
        url=url,
        name=item["id"],
        owner=str(item.get("owned_by") or ""),
        context=context if isinstance(context, int) and context > 0 else None,
        reward=_reward(meta) if item.get("owned_by") == "symposia-heads" else None,
    )


def _reward(meta: Any) -> RewardForm | None:
    try:
        return default_form(meta["kind"], meta["labels"], meta["step_tag"])
    except (LookupError, TypeError, ValueError):
        return None  # another version's words
