"""A LiteLLM proxy's configuration for models that are served here. Holds addresses and names, never a key."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ..core.model_spec import ModelSpec

_NO_KEY_NEEDED = "none"  # LiteLLM insists on some text
_HEAD = "# For `litellm --config THIS_FILE`. The proxy's own key is read from the environment: export LITELLM_MASTER_KEY=sk-…\n"


def proxy_config(specs: Iterable[ModelSpec]) -> str:
    """The YAML text that lets a LiteLLM proxy pass calls on to ``specs``, each under its own name.

    Where a model needs a key, and for the proxy itself, the file names the environment variable.
    """
    lines = [_HEAD, "model_list:"]
    for spec in specs:
        key = f"os.environ/{spec.key_env}" if spec.key_env else _NO_KEY_NEEDED
        lines += [
            f"  - model_name: {_quoted(spec.name)}",
            "    litellm_params:",
            f"      model: {_quoted(spec.litellm or f'hosted_vllm/{spec.remote_name}')}",
            *([f"      api_base: {_quoted(spec.endpoint)}"] if spec.endpoint else []),
            f"      api_key: {_quoted(key)}",
            "    model_info:",
            f"      max_input_tokens: {spec.context}",
        ]
    lines += ["general_settings:", f"  master_key: {_quoted('os.environ/LITELLM_MASTER_KEY')}", ""]
    return "\n".join(lines)


def _quoted(value: Any) -> str:
    return json.dumps(value)  # a JSON string is a YAML string
