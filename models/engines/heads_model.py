"""From the weights of a reward or value model to numbers at chosen tokens; the inner half of :mod:`.heads_server`.

Runs in a Python that has torch and transformers and need not have symposia, so it imports nothing of ours. Code that comes
with a checkpoint is never run: the body is one of transformers' own classes, the head is built here from its weights. What a
checkpoint is follows from its ``config.json`` and the names of its tensors:

=============================  =========  ===================================================================================
``*ForSequenceClassification``  outcome    its classifier, at the last token
``*ForRewardModel``             outcome    ``score`` (Linear, ReLU, Linear), at the last token
``*ForProcessRewardModel``      process    ``score`` (Linear, ReLU, Linear to 2 labels), at the step tag
``*ForTokenClassification``     process    ``score`` or ``classifier`` (Linear), at the last token of each step
``v_head``, ``value_head``      value      Linear to 1 number, or several with ReLU between them (TRL's layout)
labels given                    labels     the language model's own logits of these tokens, at the step tag (Math-Shepherd)
anything else                   states     no head
=============================  =========  ===================================================================================

Every kind also gives the states of the last layer.
"""

from __future__ import annotations

import importlib
import json
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

KINDS = ("outcome", "process", "value", "labels", "states")
QWEN_STEP_TAG = "<extra_0>"

_HEAD = re.compile(r"(?P<head>v_head|value_head|score|classifier)(?P<layer>(?:\.\w+)*)\.(?P<part>weight|bias)")
_FILES = ["*.json", "*.jinja", "*.model", "*.txt", "*.safetensors", "*.bin"]
_HEADS = {"value": ("v_head", "value_head"), "process": ("score", "classifier"), "outcome": ("score",)}


class UnusableError(Exception):
    """The folder or an option cannot be used; the message is one sentence."""


class Item(NamedTuple):
    """A text to be judged, as token ids, and the positions to be judged at."""

    ids: tuple[int, ...]
    positions: tuple[int, ...]


def local_folder(model: str) -> Path:
    """The folder of ``model``: the one it names, or that of a download from the hub. Raises :class:`UnusableError`."""
    if Path(model).is_dir():
        return Path(model)
    hub = importlib.import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(model, allow_patterns=_FILES))
    except (OSError, ValueError) as error:
        raise UnusableError(f"{model} is no folder here and cannot be had from the hub: {error}") from error


def architecture(config: Mapping[str, Any]) -> str:
    """The name of the model's class; empty where the configuration names none."""
    return str((config.get("architectures") or [""])[0])


def detect(config: Mapping[str, Any], heads: Sequence[str], labels: Sequence[str]) -> str:
    """The kind of a checkpoint, by its configuration, the names of the heads it has weights of, and the labels asked for."""
    name = architecture(config)
    if labels:
        return "labels"
    if name.endswith(("ForProcessRewardModel", "ForTokenClassification")):
        return "process"
    if name.endswith(("ForSequenceClassification", "ForRewardModel")):
        return "outcome"
    return "value" if {"v_head", "value_head"} & set(heads) else "states"


class Heads:
    """A loaded model. Raises :class:`UnusableError` where the folder holds no such model, or not all of its weights."""

    def __init__(
        self,
        folder: Path,
        *,
        kind: str | None = None,
        step_tag: str | None = None,
        labels: Sequence[str] = (),
        dtype: str = "auto",
    ) -> None:
        self._torch = importlib.import_module("torch")
        transformers = importlib.import_module("transformers")
        config = _config(folder)
        heads = _head_tensors(folder)
        self.kind = kind or detect(config, list(heads), labels)
        try:
            self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise UnusableError(f"{folder.name} has no tokenizer that transformers knows: {error}") from error
        if step_tag is None and architecture(config).endswith("ForProcessRewardModel"):
            step_tag = QWEN_STEP_TAG
        self.step_tag = step_tag or ""
        self.tag_id = self._one_token(self.step_tag) if self.step_tag else None
        self._label_ids = [self._one_token(label) for label in labels]
        if (self.kind == "labels") != bool(labels):
            raise UnusableError(
                f"a model of the kind {self.kind!r} takes {'the labels to compare' if not labels else 'no labels'}"
            )
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._whole = self.kind == "labels" or (self.kind == "outcome" and "score" not in heads)
        self._model = self._load(transformers, folder, dtype)
        self._layers = self._head(heads) if self.kind in _HEADS and not self._whole else []
        body = self._model.config.get_text_config()
        self.hidden_size = int(body.hidden_size)
        self.max_length = _context(body, self.tokenizer)
        self._pad = self.tokenizer.pad_token_id or 0

    @property
    def labels(self) -> int:
        """How many numbers the head gives; 0 without a head."""
        if self.kind == "labels":
            return len(self._label_ids)
        if self.kind == "states":
            return 0
        return int(self._model.config.num_labels if self._whole else self._layers[-1][0].shape[0])

    def scores(self, items: Sequence[Item]) -> list[Any]:
        """What the head says, before any activation: one tensor [positions, labels] an item, in 32-bit floats."""
        with self._torch.inference_mode():
            if self.kind == "labels":
                return self._label_logits(items)
            if self._whole:
                ids, mask = self._padded(items)
                return list(self._model(input_ids=ids, attention_mask=mask).logits.float().unsqueeze(1).cpu())
            return [self._apply(states).cpu() for states in self._states(items)]

    def states(self, items: Sequence[Item]) -> list[Any]:
        """The last layer's states, as the head would see them: one tensor [positions, width] an item, in 32-bit floats."""
        with self._torch.inference_mode():
            return [states.cpu() for states in self._states(items)]

    def activate(self, rows: Any, *, states: bool) -> Any:
        """Rows made comparable: states to length 1, labels to probabilities (softmax; sigmoid where there is only one)."""
        if states:
            return self._torch.nn.functional.normalize(rows, dim=-1)
        return rows.softmax(-1) if rows.shape[-1] > 1 else rows.sigmoid()

    def _states(self, items: Sequence[Item]) -> list[Any]:
        ids, mask = self._padded(items)
        body = self._model.base_model if self._whole else self._model
        hidden = body(input_ids=ids, attention_mask=mask).last_hidden_state
        return [hidden[row, list(item.positions)].float() for row, item in enumerate(items)]

    def _label_logits(self, items: Sequence[Item]) -> list[Any]:
        """By the model's own forward pass, which may scale or cap its logits, but only where somebody asks."""
        ids, mask = self._padded(items)
        kept = sorted({position for item in items for position in item.positions})
        place = {position: index for index, position in enumerate(kept)}
        keep = self._torch.tensor(kept, device=self._device)
        logits = self._model(input_ids=ids, attention_mask=mask, logits_to_keep=keep).logits[..., self._label_ids].float()
        return [logits[row, [place[position] for position in item.positions]].cpu() for row, item in enumerate(items)]

    def _padded(self, items: Sequence[Item]) -> tuple[Any, Any]:
        """Padded on the right, so that every token keeps its place and sees nothing but what comes before it."""
        longest = max(len(item.ids) for item in items)
        ids = self._torch.tensor([[*item.ids, *[self._pad] * (longest - len(item.ids))] for item in items])
        mask = self._torch.tensor([[1] * len(item.ids) + [0] * (longest - len(item.ids)) for item in items])
        return ids.to(self._device), mask.to(self._device)

    def _apply(self, rows: Any) -> Any:
        for index, (weight, bias) in enumerate(self._layers):
            rows = self._torch.nn.functional.linear(self._torch.relu(rows) if index else rows, weight, bias)
        return rows

    def _load(self, transformers: Any, folder: Path, dtype: str) -> Any:
        name = (
            {"labels": "AutoModelForCausalLM", "outcome": "AutoModelForSequenceClassification"}[self.kind]
            if self._whole
            else "AutoModel"
        )
        try:
            model, report = getattr(transformers, name).from_pretrained(
                folder, dtype=dtype, trust_remote_code=False, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UnusableError(f"{folder.name} is no model that transformers can load: {error}") from error
        # What is missing would be random. Encoders have a pooler that only their own classifiers use.
        missing = sorted(key for key in report["missing_keys"] if self._whole or not key.startswith("pooler."))
        if missing:
            raise UnusableError(f"{folder.name} lacks {len(missing)} weights of its model, {missing[0]} among them")
        model.config.use_cache = False
        return model.to(self._device).eval()

    def _head(self, heads: dict[str, dict[str, dict[str, Any]]]) -> list[tuple[Any, Any]]:
        """The layers of the head, first to last, as (weight, bias); bias may be None."""
        wanted = _HEADS[self.kind]
        name = next((name for name in wanted if name in heads), None)
        if name is None:
            raise UnusableError(
                f"the checkpoint has no {' or '.join(wanted)} weights, so it is no model of the kind {self.kind!r}"
            )
        layers = [
            (layer["weight"], layer.get("bias")) for _, layer in sorted(heads[name].items(), key=lambda each: _natural(each[0]))
        ]
        width = int(self._model.config.get_text_config().hidden_size)
        for weight, _ in layers:
            if weight.dim() != 2 or weight.shape[1] != width:
                raise UnusableError(
                    f"the head {name} is no row of linear layers: {tuple(weight.shape)} follows a width of {width}"
                )
            width = int(weight.shape[0])
        return [tuple(None if part is None else part.float().to(self._device) for part in layer) for layer in layers]  # type: ignore[misc]

    def _one_token(self, text: str) -> int:
        ids = self.tokenizer.encode(text, add_special_tokens=False)
        if len(ids) != 1:
            raise UnusableError(f"{text!r} must be one token of the model, it is {len(ids)}")
        return int(ids[0])


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableError(f"{folder} holds no model: config.json cannot be read ({error})") from error
    if not isinstance(config, dict):
        raise UnusableError(f"{folder} holds no model: config.json is no object")
    return config


def _context(config: Any, tokenizer: Any) -> int:
    """Tokens that a text may have: the model's positions, or fewer where its tokenizer says so (it may say 10^30)."""
    return min(int(getattr(config, "max_position_embeddings", None) or 2**30), int(tokenizer.model_max_length))


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]


def _head_tensors(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Tensors of heads, by head, layer (such as ``.summary`` or ``.0``) and part. Reads no others from safetensors."""
    found: dict[str, dict[str, dict[str, Any]]] = {}

    def take(name: str, tensor: Any) -> None:
        if match := _HEAD.fullmatch(name):
            found.setdefault(match["head"], {}).setdefault(match["layer"], {})[match["part"]] = tensor

    for path in sorted(folder.glob("*.safetensors")):
        with importlib.import_module("safetensors").safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                if _HEAD.fullmatch(name):
                    take(name, file.get_tensor(name))
    torch = importlib.import_module("torch")
    for path in sorted(path for path in folder.iterdir() if path.suffix in {".bin", ".pth", ".pt"}):
        if "model" not in path.name and "head" not in path.name:
            continue  # an optimiser's or a trainer's state
        try:
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, pickle.UnpicklingError) as error:
            raise UnusableError(f"{path.name} holds no tensors that can be read safely") from error
        for name, tensor in tensors.items() if isinstance(tensors, dict) else ():
            take(name, tensor)
    return found
