"""The configuration for a LiteLLM proxy: its shape, and that it holds no secret."""

from __future__ import annotations

import pytest

from symposia.core.model_spec import ModelSpec
from symposia.models.litellm_proxy import proxy_config


def test_served_models_and_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    served = ModelSpec(name='m "x"', litellm="hosted_vllm/m", endpoint="http://127.0.0.1:1/v1", context=99)
    provider = ModelSpec(name="openai/gpt", litellm="openai/gpt", key_env="SOME_KEY")
    text = proxy_config([served, provider])
    assert "sk-secret" not in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines == [
        "",
        "model_list:",
        '  - model_name: "m \\"x\\""',
        "    litellm_params:",
        '      model: "hosted_vllm/m"',
        '      api_base: "http://127.0.0.1:1/v1"',
        '      api_key: "none"',
        "    model_info:",
        "      max_input_tokens: 99",
        '  - model_name: "openai/gpt"',
        "    litellm_params:",
        '      model: "openai/gpt"',
        '      api_key: "os.environ/SOME_KEY"',
        "    model_info:",
        "      max_input_tokens: 8192",
        "general_settings:",
        '  master_key: "os.environ/LITELLM_MASTER_KEY"',
    ]
