"""How a solution becomes the text that a reward model was trained on, and how its numbers become probabilities. Pure.

The forms of well-known models are here by name; any other is written as a :class:`RewardForm` into the model's catalogue entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.calls import ScoreRequest
from ..core.errors import RejectedError
from ..core.marks import unmarked
from ..core.model_spec import Ability, RewardForm, Scale
from ..core.problem import Message
from .engines.heads_model import KINDS, architecture, detect

QWEN_PRM = RewardForm(
    kind="process",
    scale="probability",
    tag="<extra_0>",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
)
"""Qwen2.5-Math-PRM and what was trained in its likeness (arXiv 2501.07301)."""
MATH_SHEPHERD = RewardForm(
    kind="process",
    scale="probability",
    tag="ки",
    step="Step {number}: {text} {tag}",
    separator="\n",
    prompt="{question} ",
    labels=("+", "-"),
    positive=0,
)
"""Math-Shepherd (arXiv 2312.08935): a language model that says + or - at the tag."""
OUTCOME_SCALAR = RewardForm(kind="outcome", scale="sigmoid")
"""An outcome reward model trained on preferences (Bradley-Terry): the sigmoid of a difference is who wins."""
OUTCOME_CLASSIFIER = RewardForm(kind="outcome", scale="probability")
"""An outcome reward model with the labels wrong (0) and right (1)."""
STEP_CLASSIFIER = RewardForm(kind="process", scale="probability")
"""A token classifier that judges a step at its last token (TRL's PRMTrainer)."""
VALUE = RewardForm(kind="value")
"""A value head. Its scale depends on how it was trained: ``tanh`` for AlphaMath, ``clip`` for OVM, ``sigmoid`` for Skywork."""
STATES = RewardForm(kind="states")
"""A model without a head: hidden states only, for probes."""


def default_form(kind: str, labels: int, tag: str) -> RewardForm:
    """The form of a model that a server describes by its kind, number of labels and step tag, where nobody declared another.

    ``kind`` is one of :data:`.engines.heads_model.KINDS`; raises :class:`ValueError` for any other.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of model {kind!r}")
    if kind == "outcome":
        return OUTCOME_SCALAR if labels == 1 else OUTCOME_CLASSIFIER
    if kind == "process":
        return QWEN_PRM if tag == QWEN_PRM.tag else STEP_CLASSIFIER.model_copy(update={"tag": tag})
    if kind == "labels":
        return MATH_SHEPHERD
    return VALUE if kind == "value" else STATES


def form_of_config(config: Mapping[str, Any]) -> RewardForm | None:
    """The form of a checkpoint, by its ``config.json``; None for one whose architecture is none of a reward model.

    A value head beside a language model does not show there; the transformers engine finds it among the weights.
    """
    kind = detect(config, (), ())
    if kind == "states":
        return None
    name = architecture(config)
    labels = 1 if name.endswith("ForRewardModel") else len(config.get("id2label") or ()) or int(config.get("num_labels") or 2)
    return default_form(kind, labels, QWEN_PRM.tag if name.endswith("ForProcessRewardModel") else "")


def abilities_of(form: RewardForm) -> frozenset[Ability]:
    """What our transformers engine can do with a model of this form."""
    return frozenset({Ability.EMBED} if form.kind == "states" else {Ability.EMBED, Ability.REWARD})


def probability(value: float, scale: Scale) -> float:
    """``value`` on its declared monotone map to [0, 1]. A probability may stand off by what 16-bit arithmetic rounds."""
    match scale:
        case "sigmoid":
            return _sigmoid(value)
        case "tanh":
            return _sigmoid(2 * value)  # is (1 + tanh(value)) / 2, without its cancellation
        case "probability" | "clip":
            return min(max(value, 0.0), 1.0)


def conversation(form: RewardForm, messages: Sequence[Message]) -> list[dict[str, Any]]:
    """The messages on the wire, with the form's system text where they have none."""
    wire: list[dict[str, Any]] = [message.wire() for message in messages]
    if form.system is not None and not any(message.role == "system" for message in messages):
        return [{"role": "system", "content": form.system}, *wire]
    return wire


def prompt(form: RewardForm, messages: Sequence[Message]) -> str:
    """The text before the first step, for a form that does without the chat template."""
    return (form.prompt or "{question}").format(question="\n\n".join(message.text for message in messages))


def unmarked_steps(request: ScoreRequest) -> ScoreRequest:
    """The request, its steps without marks of chat templates: servers read them even inside a message.

    So a solution that holds ``<|im_end|>`` cannot end itself and go on in another voice: it is judged with ``< |im_end|>``.
    """
    return request.model_copy(update={"steps": tuple(map(unmarked, request.steps))})


def solution(form: RewardForm, request: ScoreRequest) -> str:
    """The steps as one text: with their tags, or joined as they stand.

    Raises :class:`RejectedError` where the tag is in the conversation or a step itself: the model would judge there too.
    """
    if not form.tag:
        return "".join(request.steps)
    texts = [("the conversation", message.text) for message in request.messages]
    texts += [(f"step {number}", step) for number, step in enumerate(request.steps, 1)]
    for place, text in texts:
        if form.tag in text:
            raise RejectedError(f"{place} has the reward model's step tag {form.tag!r} in its text, so it cannot be judged")
    steps = (form.step.format(number=number, text=step.strip(), tag=form.tag) for number, step in enumerate(request.steps, 1))
    return form.separator.join(steps)


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else 1 - 1 / (1 + math.exp(value))
