"""Texts and scales of reward models: what each kind was trained on, and where a number lands in [0, 1]."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from symposia.core.calls import ScoreRequest
from symposia.core.errors import RejectedError
from symposia.core.model_spec import RewardForm
from symposia.core.problem import Message
from symposia.models.catalogue import Catalogue
from symposia.models.reward_forms import (
    MATH_SHEPHERD,
    OUTCOME_CLASSIFIER,
    OUTCOME_SCALAR,
    QWEN_PRM,
    STATES,
    STEP_CLASSIFIER,
    VALUE,
    conversation,
    default_form,
    form_of_config,
    probability,
    prompt,
    solution,
    unmarked_steps,
)

QUESTION = Message(role="user", content="How much is {9} + 9?")


def request(*steps: str, question: Message = QUESTION) -> ScoreRequest:
    return ScoreRequest(messages=(question,), steps=steps)


def test_qwens_steps_each_end_with_the_tag() -> None:
    assert solution(QWEN_PRM, request("First.\n\n", " Then {x}.")) == "First.<extra_0>Then {x}.<extra_0>"


def test_math_shepherds_text_is_that_of_its_authors() -> None:
    asked = request("Nine and nine.", "The answer is 18.\n")
    text = prompt(MATH_SHEPHERD, asked.messages) + solution(MATH_SHEPHERD, asked)
    assert text == "How much is {9} + 9? Step 1: Nine and nine. ки\nStep 2: The answer is 18. ки"


@pytest.mark.parametrize(
    "mark", ["<|im_end|>", "<|eot_id|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<s>", "</s>", "<end_of_turn>"]
)
def test_marks_of_chat_templates_are_broken_up(mark: str) -> None:
    (step,) = unmarked_steps(request(f"so{mark}{mark}")).steps
    assert step == f"so{'< ' + mark[1:]}{'< ' + mark[1:]}"


@given(st.text("<>| s/xab=1\n"))
def test_what_is_no_mark_stays(text: str) -> None:
    (step,) = unmarked_steps(request(text)).steps
    assert step.replace("< ", "<") == text.replace("< ", "<")
    assert unmarked_steps(request(step)).steps == (step,)


def test_mathematics_is_no_mark() -> None:
    text = "a<b|c, |x|<|y|>z, <x|y>, 1<s and s>0"
    assert unmarked_steps(request(text)).steps == (text,)


def test_without_a_tag_the_steps_are_joined_as_they_stand() -> None:
    assert solution(OUTCOME_SCALAR, request(" a\n\n", "b ")) == " a\n\nb "


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        (request("fine", "so 18<extra_0> and more"), "step 2"),
        (request("fine", question=Message(role="user", content="what is <extra_0>?")), "the conversation"),
    ],
)
def test_a_tag_in_the_text_is_refused(asked: ScoreRequest, place: str) -> None:
    with pytest.raises(RejectedError, match=f"^{place} has the reward model's step tag '<extra_0>'"):
        solution(QWEN_PRM, asked)


def test_the_forms_system_text_fills_in_but_never_replaces() -> None:
    assert [each["role"] for each in conversation(QWEN_PRM, [QUESTION])] == ["system", "user"]
    own = Message(role="system", content="You add.")
    assert conversation(QWEN_PRM, [own, QUESTION])[0]["content"] == "You add."
    assert conversation(VALUE, [QUESTION]) == [QUESTION.wire()]


def test_a_prompt_of_ones_own_holds_every_message() -> None:
    form = RewardForm(kind="value", prompt="Question: {question}\nAnswer:")
    assert prompt(form, [Message(role="system", content="You add."), QUESTION]) == (
        "Question: You add.\n\nHow much is {9} + 9?\nAnswer:"
    )


@pytest.mark.parametrize(
    ("kind", "labels", "tag", "form"),
    [
        ("outcome", 1, "", OUTCOME_SCALAR),
        ("outcome", 2, "", OUTCOME_CLASSIFIER),
        ("process", 2, "<extra_0>", QWEN_PRM),
        ("process", 2, "", STEP_CLASSIFIER),
        ("process", 2, "<step>", RewardForm(kind="process", scale="probability", tag="<step>")),
        ("labels", 2, "ки", MATH_SHEPHERD),
        ("value", 1, "", VALUE),
        ("states", 0, "", STATES),
    ],
)
def test_the_form_of_what_a_server_describes(kind: str, labels: int, tag: str, form: RewardForm) -> None:
    assert default_form(kind, labels, tag) == form


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ({"architectures": ["Qwen2ForProcessRewardModel"]}, QWEN_PRM),
        ({"architectures": ["Qwen2ForRewardModel"]}, OUTCOME_SCALAR),
        ({"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "LABEL_0"}}, OUTCOME_SCALAR),
        ({"architectures": ["LlamaForSequenceClassification"], "num_labels": 1}, OUTCOME_SCALAR),
        ({"architectures": ["LlamaForSequenceClassification"]}, OUTCOME_CLASSIFIER),
        ({"architectures": ["Qwen2ForTokenClassification"]}, STEP_CLASSIFIER),
        ({"architectures": ["Qwen2ForCausalLM"]}, None),
        ({}, None),
    ],
)
def test_the_form_of_a_checkpoint(config: dict[str, object], form: RewardForm | None) -> None:
    assert form_of_config(config) == form


def test_the_catalogue_entry_of_the_documentation(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reward-models.md").read_text(encoding="utf-8")
    (tmp_path / "models.toml").write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert Catalogue.load(tmp_path / "models.toml").get("shepherd").reward == MATH_SHEPHERD


def test_scales_at_known_points() -> None:
    assert probability(0.0, "sigmoid") == 0.5
    assert probability(math.log(3), "sigmoid") == pytest.approx(0.75)
    assert probability(0.5, "tanh") == pytest.approx((1 + math.tanh(0.5)) / 2)
    assert [probability(value, "clip") for value in (-0.2, 0.25, 1.3)] == [0.0, 0.25, 1.0]
    assert probability(1.004, "probability") == 1.0


@given(st.sampled_from(["sigmoid", "tanh", "clip", "probability"]), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_every_scale_is_monotone_and_stays_within_bounds(scale: str, a: float, b: float) -> None:
    low, high = (probability(value, scale) for value in sorted((a, b)))  # type: ignore[arg-type]
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"kind": "outcome", "tag": "<x>"}, "has no step tag"),
        ({"kind": "process", "tag": "<x>", "step": "{text}"}, r"step must hold \{tag\}"),
        ({"kind": "process", "tag": "<x>", "step": "{text}{tga}"}, "not 'tga'"),
        ({"kind": "value", "prompt": "Q: {"}, "step and prompt take"),
        ({"kind": "value", "prompt": "Q:"}, r"prompt \{question\}"),
        ({"kind": "process", "labels": ("+", "-")}, "labels need a step tag"),
        ({"kind": "process", "labels": ("+", "-"), "tag": "x", "positive": 2}, "positive must count one"),
    ],
)
def test_forms_that_make_no_sense(fields: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RewardForm.model_validate(fields)
