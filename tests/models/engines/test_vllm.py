"""The vLLM engine: what it runs, what it refuses, how it explains a failure. The server is a stand-in."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from symposia.core.errors import EngineError, UsageError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.models.engines import engine as engine_module
from symposia.models.engines import vllm_install
from symposia.models.engines.engine import ENGINES, EngineOptions, Launch, merged_flags, new_engine
from symposia.models.engines.vllm import VllmEngine, explain
from symposia.models.engines.vllm_install import find_vllm
from symposia.testing import write_vllm_python

SPEC = ModelSpec(name="tiny", context=2048, engine="vllm")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLLM_CPU_KVCACHE_SPACE", "VLLM_CPU_OMP_THREADS_BIND", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(engine_module, "available_memory", lambda: 64_000_000_000)


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return write_vllm_python(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "tiny"
    path.mkdir()
    (path / "config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(bytes(1000))
    return path


def gguf(folder: Path, name: str = "tiny.gguf") -> Path:
    path = folder / name
    path.write_bytes(b"GGUF" + bytes(1000))
    return path


async def prepared(weights: Path | str, python: Path, spec: ModelSpec = SPEC, **options: object) -> Launch:
    return await VllmEngine().prepare(spec, weights, EngineOptions(python=python, **options), None)  # type: ignore[arg-type]


def flags(launch: Launch) -> dict[str, str]:
    return dict(zip(launch.command, launch.command[1:], strict=False))


# --- the command line ------------------------------------------------------------------------------------------------------


async def test_the_cpu_build(folder: Path, python: Path) -> None:
    launch = await prepared(folder, python)
    given = flags(launch)
    assert given["--model"] == str(folder)
    assert given["--served-model-name"] == "tiny"
    assert given["--host"] == "127.0.0.1"
    assert (given["--max-model-len"], given["--block-size"], given["--dtype"]) == ("2048", "32", "bfloat16")
    assert given["--generation-config"] == "vllm", "the model's own sampling defaults are not applied behind our back"
    assert "--enforce-eager" in given
    assert launch.address == f"http://127.0.0.1:{given['--port']}"
    assert launch.env == {
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    assert Ability.SEED not in launch.spec.abilities, "a seed crashes it"
    assert launch.spec.abilities >= {Ability.N, Ability.PROMPT_LOGPROBS, Ability.PREFIX}
    assert launch.spec.memory is not None
    assert launch.spec.memory > 5_000_000_000


@pytest.mark.skipif(sys.platform == "darwin", reason="every build is for the CPU there")
async def test_a_gpu_build_and_a_model_of_the_hub(tmp_path: Path) -> None:
    launch = await prepared("org/name", write_vllm_python(tmp_path, {"vllm": "0.33.0"}), parallel=7)
    given = flags(launch)
    assert given["--model"] == "org/name"
    assert given["--max-num-seqs"] == "7"
    assert not {"--enforce-eager", "--dtype", "--block-size", "--max-model-len"} & set(given), "vLLM knows better"
    assert launch.env == {"VLLM_NO_USAGE_STATS": "1"}, "the hub must be reached"
    assert Ability.SEED in launch.spec.abilities
    assert launch.spec.memory is None


async def test_what_the_user_says_wins(folder: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "9")
    arguments = ("--block_size=16", "--no-enforce-eager", "--tool-call-parser", "hermes", "--enable-auto-tool-choice")
    launch = await prepared(folder, python, arguments=arguments, context=512, port=0)
    assert launch.command[-5:] == list(arguments)
    assert "--enforce-eager" not in launch.command
    assert "--block-size" not in launch.command
    assert flags(launch)["--max-model-len"] == "512"
    assert launch.env["VLLM_CPU_KVCACHE_SPACE"] == "9"
    assert Ability.TOOLS in launch.spec.abilities
    with pytest.raises(UsageError, match="--port cannot be an engine argument"):
        await prepared(folder, python, arguments=("--port=1",))


@pytest.mark.parametrize("arguments", [(), ("--runner=pooling",), ("--runner", "pooling")])
async def test_reward_models_go_to_the_pooling_runner(folder: Path, python: Path, arguments: tuple[str, ...]) -> None:
    spec = SPEC if arguments else SPEC.model_copy(update={"abilities": frozenset({Ability.REWARD})})
    launch = await prepared(folder, python, spec, arguments=arguments)
    assert launch.spec.abilities == {Ability.REWARD}
    assert launch.command.count("pooling") + launch.command.count("--runner=pooling") == 1


def test_merged_flags() -> None:
    ours = {"--a": "1", "--b": None, "--c-d": "2"}
    assert merged_flags(ours, ()) == ["--a", "1", "--b", "--c-d", "2"]
    assert merged_flags(ours, ("--no-b", "--c_d=3", "-x")) == ["--a", "1", "--no-b", "--c_d=3", "-x"]
    with pytest.raises(UsageError, match="--a cannot"):
        merged_flags(ours, ("--a=2",), fixed=frozenset({"--a"}))


# --- what it refuses -------------------------------------------------------------------------------------------------------


async def test_without_vllm(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_install, "default_folder", lambda: tmp_path / "none")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"vLLM is not installed .*make vllm-cpu"):
        find_vllm()
    with pytest.raises(EngineError, match="has no vLLM"):
        await prepared(folder, write_vllm_python(tmp_path, {}))
    with pytest.raises(EngineError, match=r"no/python is not a Python that can be run"):
        await prepared(folder, tmp_path / "no" / "python")


def test_the_default_folder_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    python = write_vllm_python(tmp_path / "bin")
    monkeypatch.setattr(vllm_install, "default_folder", lambda: tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert find_vllm() == (python, "0.32.0", True)


async def test_a_port_that_is_taken(folder: Path, python: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EngineError, match=f"port {port} cannot be used: Address already in use"):
            await prepared(folder, python, port=port)


async def test_too_little_memory(folder: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "available_memory", lambda: 1_000_000_000)
    with pytest.raises(EngineError, match=r"tiny needs about 5\.\d GB of memory, 1\.0 GB are free"):
        await prepared(folder, python)


async def test_a_gguf_file_is_unpacked_once(tmp_path: Path, python: Path) -> None:
    weights = gguf(tmp_path)
    assert flags(await prepared(weights, python))["--model"] == str(tmp_path / "tiny")
    (tmp_path / "tiny" / "mark").touch()
    await prepared(weights, python)
    assert (tmp_path / "tiny" / "mark").exists()


async def test_weights_that_cannot_be_unpacked(tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="unpack did not start: ValueError: unknown architecture"):
        await prepared(gguf(tmp_path, "broken.gguf"), python)
    assert not (tmp_path / "broken").exists()
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(EngineError, match="neither a folder of safetensors nor a GGUF model"):
        await prepared(tmp_path / "text.gguf", python)
    with pytest.raises(EngineError, match="cannot be read: No such file"):
        await prepared(tmp_path / "none.gguf", python)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(EngineError, match="of disk, 1 MB are free"):
        await prepared(gguf(tmp_path), python)


# --- a server's life -------------------------------------------------------------------------------------------------------


async def test_it_serves_and_ends(folder: Path, python: Path) -> None:
    async with VllmEngine() as engine:
        spec = await engine.start(SPEC, folder, EngineOptions(python=python, timeout=30))
        assert engine.served is spec
        assert (spec.engine, spec.served_name, spec.litellm) == ("vllm", "tiny", "hosted_vllm/tiny")
        assert spec.endpoint is not None
        assert engine.memory() > 10_000_000
        assert engine.process is not None
        family = [psutil.Process(engine.process.pid), *psutil.Process(engine.process.pid).children(recursive=True)]
        assert len(family) == 4, "the guard, the server's Python, its worker, the server"
        with pytest.raises(EngineError, match="already serves"):
            await engine.start(SPEC, folder)
    assert not [process for process in family if process.is_running()], "not even a zombie"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--fake-error=ValueError: no such model", "vllm did not start: .*tiny: no such model"),
        ("--fake-hang", "vllm was not ready after 1 seconds"),
        ("--fake-name=other", "vllm does not serve tiny at http"),
    ],
)
async def test_a_start_that_fails_leaves_nothing(folder: Path, python: Path, argument: str, message: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    engine = VllmEngine()
    timeout = 1.0 if "hang" in argument else 30.0
    with pytest.raises(EngineError, match=message):
        await engine.start(SPEC, folder, EngineOptions(python=python, arguments=(argument,), timeout=timeout))
    assert not engine.running
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    with pytest.raises(EngineError, match="has not been started"):
        _ = engine.served


async def test_a_cancelled_start_leaves_nothing(folder: Path, python: Path) -> None:
    engine = VllmEngine()
    loading = asyncio.Event()
    start = engine.start(SPEC, folder, EngineOptions(python=python, arguments=("--fake-hang",)), on_wait=lambda _: loading.set())
    task = asyncio.create_task(start)
    await loading.wait()
    process = engine.process
    assert process is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not process.running
    assert engine.process is None


async def test_the_terminals_interrupt_does_not_reach_it(folder: Path, python: Path) -> None:
    async with VllmEngine() as engine:
        await engine.start(SPEC, folder, EngineOptions(python=python, timeout=30))
        assert engine.process is not None
        os.kill(engine.process.pid, signal.SIGINT)
        await asyncio.sleep(0.1)
        assert engine.running


# --- how it explains a failure ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (["/usr/bin/python: Error while finding module: No module named 'vllm'"], "vLLM is not installed in that Python"),
        (["OSError: [Errno 98] Address already in use"], "another program took its port"),
        (["usage: api_server.py [-h]", "api_server.py: error: unrecognized arguments: --foo"], "unrecognized arguments: --foo"),
        (
            [
                "(EngineCore pid=7) ERROR 11-21 08:46:15 [core.py:1] Traceback (most recent call last):",
                "(EngineCore pid=7) ERROR 11-21 08:46:15 [core.py:1] ValueError: Model architectures ['Foo'] are not supported.",
                "RuntimeError: Engine core initialization failed. See root cause above.",
            ],
            "m: Model architectures ['Foo'] are not supported.",
        ),
        (
            ["RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"],
            "m: a process of its engine was ended by the system, most likely for lack of memory",
        ),
        (
            [
                "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig",
                "  Value error, `foo` is not a known architecture. [type=value_error, input_value=…]",
                "    For further information visit …",
            ],
            "m: `foo` is not a known architecture.",
        ),
        (["torch.OutOfMemoryError: CUDA out of memory."], "m: CUDA out of memory."),
        (["something else", ""], "something else"),
    ],
)
def test_the_cause_in_the_log(log: list[str], reason: str) -> None:
    assert explain("m", log) == reason


def test_engines_are_found_by_name() -> None:
    assert {"llama.cpp", "vllm"} <= set(ENGINES.names())
    assert isinstance(new_engine("vllm"), VllmEngine)
    assert json.loads(SPEC.model_dump_json())["engine"] == "vllm"
