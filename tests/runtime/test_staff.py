"""Which model is taken where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.core.errors import UsageError, WeightsError
from symposia.models.catalogue import Catalogue
from symposia.models.discovery import ServedModel
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

    def maker(**flags) -> Staff:
        flags = {"models_dir": str(tmp_path / "models")} | flags
        settings = load_settings(flags=flags, environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml").settings
        return Staff(Catalogue.load(), settings, said.append, {"fake": fake_spec()})

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
