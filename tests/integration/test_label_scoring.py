"""``/generative_scoring`` of a real vLLM: it says of labels what a chat says, for the judge of steps too."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from symposia.core.calls import ChatRequest, LabelRequest
from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Message, Problem, Solution
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings

pytestmark = pytest.mark.integration

LABELS = ("Yes", "No")
NEAR = 1e-2
STEPS = ("A dozen eggs are 12 eggs.", "Two dozen are 2 * 12 = 26 eggs.", "So she has \\boxed{26} eggs.")
PROBLEM = Problem.of("Ann buys two dozen eggs. How many has she?").model_copy(
    update={"solutions": (Solution.of_steps(STEPS), Solution.of_steps([*STEPS[:1], "Two dozen are 24 eggs: \\boxed{24}."]))}
)


def conversations() -> list[tuple[Message, ...]]:
    begun = "A pupil writes:\n"
    texts = [begun := f"{begun}{step}\n" for step in STEPS]
    return [(Message(role="user", content=f"{text}Is the last line right? Reply Yes or No."),) for text in texts]


async def test_it_agrees_with_the_chat_on_every_label(vllm_server: ModelSpec) -> None:
    gateway = ModelGateway()
    request = LabelRequest(conversations=tuple(conversations()), labels=LABELS)
    scored = await gateway.labels(vllm_server, request, tag="scored")
    told = []
    for place, messages in enumerate(conversations()):
        asked = ChatRequest(messages=messages, max_tokens=1, labels=LABELS)
        told.append(await gateway.complete(vllm_server, asked, tag=f"told-{place}"))
    await gateway.close()
    for choice, reply in zip(scored.choices, told, strict=True):
        ours, theirs = ({label: math.exp(value) for label, value in each.labels.items()} for each in (choice, reply.choices[0]))
        print(ours, theirs)
        assert ours == pytest.approx(theirs, abs=NEAR)
        assert ours["Yes"] / sum(ours.values()) == pytest.approx(theirs["Yes"] / sum(theirs.values()), abs=NEAR)
    assert scored.prompt_tokens == len(LABELS) * sum(reply.prompt_tokens for reply in told), "the very same prompts were read"


async def test_the_judge_scores_steps_alike_either_way(vllm_server: ModelSpec, tmp_path: Path) -> None:
    assert Ability.SCORING in vllm_server.abilities
    settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
    scores = {}
    async with Session(settings=settings, store=":memory:", models={"examiner": vllm_server}) as session:
        for mode in ("labels", "scoring"):
            options = {"unit": "step", "mode": mode, "least_mass": 1e-6}
            result = await session.solve(
                PROBLEM, strategy="verify", team={"verifier": "examiner"}, options={"verifier_options": options}
            )
            scores[mode] = [candidate.scores[0] for candidate in result.candidates]
    for one, other in zip(scores["labels"], scores["scoring"], strict=True):
        print(one.steps, other.steps)
        assert other.steps == pytest.approx(one.steps, abs=NEAR)
    assert [score.usage.calls for score in scores["scoring"]] == [1, 1]
    assert [score.usage.calls for score in scores["labels"]] == [3, 2]
