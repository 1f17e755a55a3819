"""What `models serve` can be asked for: a catalogue model, a GGUF file, a model folder, or a model of a hub."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ...core.errors import ConfigError, WeightsError
from ...core.model_spec import Ability, ModelSpec
from ..catalogue import Catalogue
from ..reward_forms import form_of_config
from ..weights import installed

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_CONTEXT = 4096  # where a folder does not tell what its model was trained on


class Target(NamedTuple):
    """A model to serve: what is known of it, and where its weights are."""

    spec: ModelSpec
    """Named as it will be served; ``engine`` says by what."""
    weights: Path | str
    """A local path, or the id of a model on a hub, which the engine downloads itself."""


def find_target(name: str, catalogue: Catalogue, folder: Path, *, engine: str | None = None, alias: str | None = None) -> Target:
    """What ``name`` stands for, to be served by ``engine`` (by default the catalogue's, vLLM for folders and hub models).

    ``folder`` holds downloaded weights; ``alias`` is the name that the model is served under. Raises
    :class:`UnknownNameError`, :class:`ConfigError` for a folder without a model or a model that runs at its provider,
    :class:`WeightsError` for weights that are not downloaded.
    """
    place = Path(name).expanduser()
    if name in catalogue or name.endswith(".gguf"):
        target = _known(catalogue.get(name), folder)
    elif place.is_dir():
        target = _of_folder(place.resolve())
    elif _HUB_ID.fullmatch(name):
        target = Target(ModelSpec(name=name, litellm=f"hosted_vllm/{name}", transport="direct", engine="vllm"), name)
    elif name.startswith((".", "/", "~")):
        raise ConfigError(f"there is no folder {name}")
    else:
        target = _known(catalogue.get(name), folder)
    served = alias or target.spec.remote_name
    changes = {"name": alias or target.spec.name, "served_name": served, "litellm": f"hosted_vllm/{served}"}
    return target._replace(spec=target.spec.model_copy(update={**changes, "engine": engine or target.spec.engine}))


def _known(spec: ModelSpec, folder: Path) -> Target:
    if spec.engine is None or spec.endpoint is not None:
        raise ConfigError(f"{spec.name} runs elsewhere already: there is nothing to serve", hint="`symposia models list`")
    path = installed(spec, folder)
    if path is None:
        raise WeightsError(f"the weights of {spec.name} are not here", hint=f"run `symposia models pull {spec.name}`")
    return Target(spec, path)


def _of_folder(folder: Path) -> Target:
    config = _config(folder)
    text = config.get("text_config")
    context = config.get("max_position_embeddings") or (text or {}).get("max_position_embeddings")
    reward = form_of_config(config)
    spec = ModelSpec(
        name=folder.name,
        transport="direct",
        engine="vllm",
        context=context if isinstance(context, int) and context > 0 else _CONTEXT,
        abilities=frozenset({Ability.REWARD if reward else Ability.CHAT}),
        reward=reward,
    )
    return Target(spec, folder)


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder} holds no model: its config.json cannot be read ({error})") from error
    return config if isinstance(config, dict) else {}
