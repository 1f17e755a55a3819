"""A real process-reward head through whole runs: vLLM's pooling runner and our transformers engine score the same steps alike."""

from __future__ import annotations

import json
import math
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from symposia.core.calls import ScoreReply, ScoreRequest
from symposia.core.errors import EngineError
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Problem
from symposia.core.result import Result
from symposia.core.steps import split_steps
from symposia.models.catalogue import Catalogue
from symposia.models.engines.engine import Engine, EngineOptions
from symposia.models.engines.heads import HeadsEngine, find_python
from symposia.models.engines.targets import find_target
from symposia.models.engines.vllm import VllmEngine
from symposia.models.engines.vllm_install import find_vllm
from symposia.models.gateway import ModelGateway
from symposia.models.reward_forms import OUTCOME_SCALAR, QWEN_PRM, conversation
from symposia.models.scoring import ScoreClient
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

pytestmark = pytest.mark.integration

PROBLEM = Problem.of("What is half of 9 + 9?")
TEXTS = [
    "Nine and nine are eighteen.\n\nHalf of eighteen is nine.\n\nSo we are done.\n\nThe answer is \\boxed{9}.",
    "First we add: 9 + 9 = 18.\n\nThen we halve: 18 / 2 = 8.\n\nWe check it once more.\n\nIt is \\boxed{8}.",
    "We may halve first, which gives 4.5.\n\nThen 4.5 + 9 = 13.5.\n\nThat is the half of the sum.\n\nSo \\boxed{13.5}.",
    "The sum of two equal numbers is twice the number.\n\nHalf of twice a number is the number.\n\nIt is 9.\n\nHence \\boxed{9}.",
]
SPREAD = 0.3
TOLERANCE = 0.01

Steps = Sequence[float]


class Checkpoints(NamedTuple):
    """The folders, and what the process model says of every step of every text, computed slowly and apart."""

    process: Path
    outcome: Path
    truth: list[list[float]]


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with vLLM, which has torch and transformers too."""
    named = os.environ.get("SYMPOSIA_VLLM_PYTHON")
    try:
        found = find_python(Path(named) if named else None)
        find_vllm(found)
    except EngineError as error:
        pytest.fail(str(error))
    return found


@pytest.fixture(scope="module")
def checkpoints(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    folder = tmp_path_factory.mktemp("heads")
    messages = conversation(QWEN_PRM, PROBLEM.messages)
    asked = json.dumps([{"messages": messages, "steps": split_steps(text)} for text in TEXTS])
    script = Path(__file__).with_name("spread_prm.py")
    done = subprocess.run([python, script, folder], input=asked, text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return Checkpoints(folder / "process", folder / "process" / "outcome", json.loads(done.stdout))


def agree(one: Sequence[Steps], other: Sequence[Steps]) -> bool:
    """Whether both score every step of every text alike: within the tolerance, and in the same order."""
    close = all(math.isclose(a, b, abs_tol=TOLERANCE) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))
    return close and all(_order(x) == _order(y) for x, y in zip(one, other, strict=True))


def _order(steps: Steps) -> list[int]:
    return sorted(range(len(steps)), key=steps.__getitem__)


async def started(engine: Engine, folder: Path, python: Path, *arguments: str) -> ModelSpec:
    target = find_target(str(folder), Catalogue.load(), folder, alias="prm")
    return await engine.start(target.spec, target.weights, EngineOptions(python=python, context=1024, arguments=arguments))


async def judged(served: ModelSpec, folder: Path, **verifier: Any) -> Result:
    """The texts as the samples of a run whose verifier is asked for real."""
    settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": ScriptedModel(TEXTS)})
    models = {"writer": fake_spec("writer"), "prm": served}
    options = {"n": len(TEXTS), "verifier": "process-reward", "verifier_options": verifier}
    async with Session(settings=settings, store=":memory:", gateway=gateway, models=models) as session:
        team = {"policy": "writer", "verifier": "prm"}
        result = await session.solve(PROBLEM, strategy="best-of-n", team=team, options=options)
        assert (await session.replay(result.run_id)).candidates == result.candidates
    assert [candidate.text for candidate in result.candidates] == TEXTS
    return result


def steps_of(result: Result) -> list[list[float]]:
    found = []
    for candidate in result.candidates:
        (score,) = candidate.scores
        assert candidate.step_texts(score) == split_steps(candidate.text), score.rationale
        found.append([step for step in score.steps if step is not None])
        assert score.value == min(found[-1])
    return found


def shifted(scores: Sequence[Steps]) -> list[list[float]]:
    """As a client would read them that takes each step's score for that of the step before."""
    return [[*steps[1:], steps[0]] for steps in scores]


async def test_vllm_and_transformers_score_the_same_steps_alike(python: Path, checkpoints: Checkpoints, tmp_path: Path) -> None:
    words = json.loads((checkpoints.process / "tokenizer.json").read_text())["added_tokens"]
    tag = next(token["id"] for token in words if token["content"] == QWEN_PRM.tag)
    pooler = f"--pooler-config={json.dumps({'step_tag_id': tag})}"
    arguments: dict[Callable[[], Engine], tuple[str, ...]] = {
        HeadsEngine: ("--dtype=float32",),
        VllmEngine: ("--dtype=float32", pooler),
    }
    found, picks = [], []
    for kind, given in arguments.items():
        async with kind() as engine:
            served = await started(engine, checkpoints.process, python, *given)
            assert served.reward == QWEN_PRM
            result = await judged(served, tmp_path)
            found.append(steps_of(result))
            picks.append((result.answer, result.selections["best-of-min"], result.selections["best-of-product"].candidate))
    by_transformers, by_vllm = found
    assert all(max(steps) - min(steps) >= SPREAD for steps in by_transformers), "too much alike to tell a shift"
    assert agree(by_vllm, by_transformers)
    assert agree(by_vllm, checkpoints.truth), "both may be wrong in the same way"
    assert not agree(shifted(by_vllm), by_transformers), "a shifted alignment must be noticed"
    assert not agree(by_transformers, shifted(by_transformers))
    assert picks[0][0] == picks[1][0]
    assert picks[0][1].candidate == picks[1][1].candidate
    assert picks[0][2] == picks[1][2]


async def test_an_outcome_model_says_the_same_by_every_route_of_vllm(python: Path, checkpoints: Checkpoints) -> None:
    asked = [ScoreRequest(messages=PROBLEM.messages, steps=(text,)) for text in TEXTS]
    plain = OUTCOME_SCALAR.model_copy(update={"prompt": "{question}"})
    client = ScoreClient()

    async def raw(served: ModelSpec, **form: Any) -> list[float]:
        spec = served.model_copy(update={"reward": (form.pop("form", OUTCOME_SCALAR)).model_copy(update=form)})
        replies: list[ScoreReply] = [await client.score(spec, request, api_key=None, timeout=60, tag="t") for request in asked]
        assert all(reply.prompt_tokens <= spec.prompt_bound(request) for reply, request in zip(replies, asked, strict=True))
        return [reply.raw[0] for reply in replies]

    async with HeadsEngine() as heads:
        by_transformers = await raw(await started(heads, checkpoints.outcome, python, "--dtype=float32"))
    async with VllmEngine() as engine:
        served = await started(engine, checkpoints.outcome, python, "--dtype=float32")
        assert served.reward == OUTCOME_SCALAR
        assert await raw(served) == pytest.approx(by_transformers, abs=TOLERANCE)
        assert await raw(served, route="classify") == pytest.approx(by_transformers, abs=TOLERANCE)
        # A decoder has no form for pairs: question and solution are joined as they stand.
        assert await raw(served, route="score") == pytest.approx(await raw(served, form=plain), abs=TOLERANCE)
    await client.close()
