"""Run in a Python with torch: makes a small process reward model whose scores differ much from step to step.

``spread_prm.py FOLDER`` reads solutions (``[{"messages", "steps"}, …]``) and writes two Qwen2 of 32-bit random weights: into
``FOLDER/process`` with the head of Qwen2.5-Math-PRM, scaled for these solutions, into ``FOLDER/outcome`` with one of one label.
Prints what the process model says of every step, computed one prefix at a time by transformers' own classes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "engines"))
import heads_reference as reference

CONTEXT = 1024
LAST = "score.2"
"""The head's last layer: two labels."""


def write(folder: Path) -> None:
    """The random model, and the outcome model."""
    words = reference.tokenizer()
    shape = {**reference.SHAPE, "max_position_embeddings": CONTEXT, "vocab_size": len(words), "pad_token_id": words.pad_token_id}
    config = transformers.Qwen2Config(**shape)
    torch.manual_seed(3)
    width = reference.WIDTH
    head = {"score.0.weight": torch.randn(width, width) / 8, "score.0.bias": torch.randn(width) / 8}
    head |= {f"{LAST}.weight": torch.randn(2, width) / 8, f"{LAST}.bias": torch.randn(2) / 8}
    causal = transformers.Qwen2ForCausalLM(config)
    causal.save_pretrained(folder, state_dict={**causal.state_dict(), **head})
    words.save_pretrained(folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"architectures": ["Qwen2ForProcessRewardModel"]}))
    config.num_labels = 1
    transformers.Qwen2ForSequenceClassification(config).save_pretrained(folder / "outcome")
    words.save_pretrained(folder / "outcome")


def judged(folder: Path, solutions: list[dict[str, Any]]) -> list[list[float]]:
    """By how much each step's logit of right is above that of wrong."""
    rows = [reference.judge(folder, **solution)["raw"] for solution in solutions]
    return [[right - wrong for wrong, right in steps] for steps in rows]


def spread(folder: Path, solutions: list[dict[str, Any]]) -> None:
    """Scale and shift the head, so that within every solution probabilities lie as far apart as they can."""
    found = torch.tensor(judged(folder, solutions))
    scales, shifts = torch.linspace(0.1, 40, 200), torch.linspace(float(found.min()), float(found.max()), 60)
    scores = torch.sigmoid(scales[:, None, None, None] * (found - shifts[:, None, None]))
    least = (scores.amax(-1) - scores.amin(-1)).amin(-1)
    # Of all that are wide enough the gentlest: a steep head would make much of a rounding error.
    scale = next(place for place in range(len(scales)) if least[place].max() >= min(0.5, float(least.max())))
    shift = int(least[scale].argmax())
    path = folder / "model.safetensors"
    weights = load_file(path)
    weight, bias = weights[f"{LAST}.weight"], weights[f"{LAST}.bias"]
    weights[f"{LAST}.weight"] = torch.stack([torch.zeros_like(weight[0]), scales[scale] * (weight[1] - weight[0])])
    weights[f"{LAST}.bias"] = torch.stack([torch.zeros(()), scales[scale] * (bias[1] - bias[0] - shifts[shift])])
    save_file(weights, path, metadata={"format": "pt"})


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    place, asked = Path(sys.argv[1]) / "process", json.load(sys.stdin)
    with torch.inference_mode():
        write(place)
        spread(place, asked)
        print(json.dumps([torch.sigmoid(torch.tensor(steps)).tolist() for steps in judged(place, asked)]))
