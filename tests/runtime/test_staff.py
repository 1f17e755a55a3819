"""Which model is taken where none is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symposia.core.errors import EngineError, UsageError, WeightsError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.models.catalogue import Catalogue
from symposia.models.discovery import ServedModel
from symposia.models.engines.running import EngineRecord, ProcessId, RunningEngines
from symposia.runtime import staff
from symposia.runtime.settings import load_settings
from symposia.runtime.staff import Staff
from symposia.testing import LoopbackServer, fake_spec


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch):
    async def nobody() -> list[ServedModel]:
        return []

    monkeypatch.setattr(staff, "probe_loopback", nobody)

    def maker(running: RunningEngines | None = None, **flags) -> Staff:
        flags = {"models_dir": str(tmp_path / "models")} | flags
        settings = load_settings(flags=flags, environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml").settings
        running = running or RunningEngines(tmp_path / "none")
        return Staff(Catalogue.load(), settings, said.append, {"fake": fake_spec()}, running)

    return maker


def put(folder: Path, name: str) -> None:
    weights = Catalogue.load().get(name).weights
    assert weights is not None
    (folder / "models").mkdir(exist_ok=True)
    with (folder / "models" / weights.file).open("wb") as file:
        file.truncate(weights.size)  # sparse: right size, no bytes


async def test_nothing_at_hand_says_how_to_mend_it(make) -> None:
    with pytest.raises(UsageError, match="symposia models pull"):
        await make().spec(None)


async def test_the_largest_downloaded_that_fits(make, tmp_path: Path, said: list[str]) -> None:
    put(tmp_path, "smollm2-135m")
    put(tmp_path, "qwen2.5-coder-0.5b")
    assert (await make().spec(None)).name == "qwen2.5-coder-0.5b"
    assert "none was named" in said[0]


async def test_a_server_on_loopback_comes_first(make, tmp_path: Path, said: list[str], monkeypatch) -> None:
    put(tmp_path, "smollm2-135m")
    async with LoopbackServer() as server:

        async def one() -> list[ServedModel]:
            return [ServedModel(url=server.url, name="fake")]

        monkeypatch.setattr(staff, "probe_loopback", one)
        spec = await make().spec(None)
    assert (spec.endpoint, spec.served_name) == (server.url, "fake")
    assert server.url in said[0]


async def test_weights_that_are_not_here(make) -> None:
    with pytest.raises(WeightsError, match="symposia models pull smollm2-135m"):
        await make().spec("smollm2-135m")


async def test_a_chosen_transport_overrides_every_entry(make) -> None:
    assert (await make(transport="litellm").spec("fake")).transport == "litellm"


async def test_an_endpoint_is_ready_as_it_is(make) -> None:
    spec = fake_spec()
    crew = make()
    assert await crew.ready(spec) is spec
    await crew.close()


# --- engines that `models serve` keeps -------------------------------------------------------------------------------------


@pytest.fixture
def running(tmp_path: Path) -> RunningEngines:
    return RunningEngines(tmp_path / "engines")


@pytest.fixture
def keep(running: RunningEngines):
    """Writes an engine down as served by this very process; ``alive`` False: it has died since."""

    def write(name: str, *, alive: bool = True, endpoint: str | None = "http://127.0.0.1:1/v1") -> ModelSpec:
        ours = ProcessId.of(os.getpid())
        assert ours is not None
        spec = ModelSpec(name=name, engine="vllm", endpoint=endpoint, abilities=frozenset({Ability.CHAT, Ability.N}))
        process = ours if alive else ours.model_copy(update={"started": 1.0})
        record = EngineRecord(name=name, engine="vllm", owner=ours, processes=(process,), spec=spec, log="the.log")
        running.update(record)
        return spec

    return write


async def test_what_is_served_comes_before_everything_else(make, keep, running, tmp_path: Path, said: list[str]) -> None:
    put(tmp_path, "smollm2-135m")
    served = keep("smollm2-135m")
    crew = make(running=running)
    assert await crew.spec(None) == served
    assert await crew.spec("smollm2-135m") == served, "and not the catalogue's llama.cpp"
    assert await crew.ready(served) == served
    assert "smollm2-135m (served by vllm at http://127.0.0.1:1/v1; none was named)" in said[0]


async def test_what_has_died_is_not_taken(make, keep, running, tmp_path: Path) -> None:
    put(tmp_path, "smollm2-135m")
    served = keep("smollm2-135m", alive=False)
    crew = make(running=running)
    assert (await crew.spec("smollm2-135m")).engine == "llama.cpp"
    with pytest.raises(EngineError, match=r"vllm with smollm2-135m has died; its log is the.log \(run `symposia models serve"):
        await crew.ready(served)


async def test_a_stored_run_finds_its_engine_at_another_port(make, keep, running) -> None:
    before = keep("m")
    now = keep("m", endpoint="http://127.0.0.1:2/v1")
    assert (await make(running=running).ready(before)).endpoint == now.endpoint


async def test_an_engine_that_is_still_starting(make, keep, running) -> None:
    before = keep("m")
    keep("m", endpoint=None)
    with pytest.raises(EngineError, match="vllm with m is still starting"):
        await make(running=running).ready(before)
