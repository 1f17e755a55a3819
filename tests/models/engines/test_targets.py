"""What `models serve` takes a name for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from symposia.core.errors import ConfigError, UnknownNameError, WeightsError
from symposia.core.model_spec import Ability
from symposia.models.catalogue import Catalogue
from symposia.models.engines.targets import Target, find_target


def find(name: str, folder: Path, **options: str) -> Target:
    return find_target(name, Catalogue.load(), folder, **options)


def model_folder(folder: Path, **config: object) -> Path:
    path = folder / "some-model"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_a_model_of_the_catalogue(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="symposia models pull smollm2-135m"):
        find("smollm2-135m", tmp_path)
    weights = Catalogue.load().get("smollm2-135m").weights
    assert weights is not None
    with (tmp_path / weights.file).open("wb") as file:
        file.truncate(weights.size)
    target = find("smollm2-135m", tmp_path)
    assert (target.spec.engine, target.weights) == ("llama.cpp", tmp_path / weights.file)
    chosen = find("smollm2-135m", tmp_path, engine="vllm", alias="policy").spec
    assert (chosen.name, chosen.served_name, chosen.litellm, chosen.engine) == ("policy", "policy", "hosted_vllm/policy", "vllm")


def test_a_file_is_served_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(b"GGUF")
    target = find(str(path), tmp_path)
    assert (target.spec.remote_name, target.weights) == ("own", path)


def test_a_folder(tmp_path: Path) -> None:
    path = model_folder(tmp_path, max_position_embeddings=1234, architectures=["Qwen2ForCausalLM"])
    target = find(str(path), tmp_path)
    assert target.weights == path
    assert (target.spec.name, target.spec.engine, target.spec.context) == ("some-model", "vllm", 1234)
    assert target.spec.abilities == {Ability.CHAT}


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("Qwen2ForProcessRewardModel", "process"),
        ("InternLM2ForRewardModel", "outcome"),
        ("LlamaForSequenceClassification", "outcome"),
    ],
)
def test_a_folder_of_a_reward_model(tmp_path: Path, architecture: str, kind: str) -> None:
    path = model_folder(tmp_path, text_config={"max_position_embeddings": 99}, architectures=[architecture])
    spec = find(str(path), tmp_path).spec
    assert (spec.abilities, spec.context) == ({Ability.REWARD}, 99)
    assert spec.reward is not None
    assert spec.reward.kind == kind


def test_a_model_of_a_hub(tmp_path: Path) -> None:
    target = find("org/some-Model_1.5B", tmp_path)
    assert (target.weights, target.spec.engine, target.spec.name) == ("org/some-Model_1.5B", "vllm", "org/some-Model_1.5B")


def test_what_is_none_of_these(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'smollm2-135m'"):
        find("smollm-135m", tmp_path)
    with pytest.raises(ConfigError, match="there is no folder"):
        find(str(tmp_path / "none"), tmp_path)
    with pytest.raises(ConfigError, match=r"holds no model: its config\.json cannot be read"):
        find(str(tmp_path), tmp_path)
    with pytest.raises(ConfigError, match="runs elsewhere already"):
        find("openai/gpt-4o-mini", tmp_path)
