"""Providers that LiteLLM reaches by ``provider/model``: the variable that holds the API key of each, and what some refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import RejectedError

KEY_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "codestral": "CODESTRAL_API_KEY",
    "dashscope": "DASHSCOPE_API_KEY",
    "deepinfra": "DEEPINFRA_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "moonshot": "MOONSHOT_API_KEY",
    "nebius": "NEBIUS_API_KEY",
    "novita": "NOVITA_API_KEY",
    "nvidia_nim": "NVIDIA_NIM_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "sambanova": "SAMBANOVA_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
    "zai": "ZAI_API_KEY",
}
"""Cohere is not among them: LiteLLM cannot read its streams, and calls a text ``stop`` that ``max_tokens`` cut."""

Translate = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""What LiteLLM makes of fields for one model; None where it knows that the model refuses them."""

_SAMPLING = ("temperature", "top_p")
_FIXED_SAMPLING = re.compile(r"moonshot/kimi-k(?:2\.[5-9]|[3-9])")
"""Models that LiteLLM does not know to refuse every temperature but their own."""
_LEAST_THINKING = 1024
"""Tokens; Claude refuses a smaller budget of thinking, and one that is not below ``max_tokens``."""


def fit(model: str, fields: Mapping[str, Any], translate: Translate) -> dict[str, Any]:
    """The fields of a request as ``model`` takes them.

    Models that always reason (OpenAI's o series and GPT-5, the newer Claude and Kimi), and Claude while it thinks, sample with
    their own temperature and refuse any other: temperature and ``top_p`` are left out for them. Raises :class:`RejectedError`
    where Claude is to think within a ``max_tokens`` that leaves no room for it.
    """
    fitted = dict(fields)
    asked = {"reasoning_effort": fields["reasoning_effort"]} if "reasoning_effort" in fields else {}
    thinking = (translate(asked) or {}).get("thinking") or {} if asked and "claude" in model else {}
    for name in _SAMPLING:
        if name not in fitted:
            continue
        if thinking or _FIXED_SAMPLING.match(model) or translate(asked | {name: fields[name]}) is None:
            del fitted[name]
    budget, room = thinking.get("budget_tokens"), fields["max_tokens"]
    if budget is None or budget < room:
        return fitted
    if room <= _LEAST_THINKING:
        said = f"{model} cannot think within {room} tokens"
        raise RejectedError(said, hint=f"give more than {_LEAST_THINKING} as max_tokens, or no effort")
    del fitted["reasoning_effort"]
    return fitted | {"thinking": {**thinking, "budget_tokens": max(_LEAST_THINKING, room // 2)}}
