"""Real servers, started once for the whole session of tests that are marked ``integration``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from symposia.core.errors import EngineError
from symposia.core.model_spec import ModelSpec
from symposia.models.catalogue import Catalogue
from symposia.models.engines.running import RunningEngines
from symposia.models.engines.vllm_install import find_vllm
from symposia.models.weights import installed, models_folder

from ..command import Ran

MODEL = "smollm2-135m"
TEMPLATE = Path(__file__).with_name("thinking_template.jinja")
"""The models' own form of conversation, and with ``enable_thinking`` a prompt that opens the thinking, as Qwen3's does."""
START_SECONDS = 400


class Machine(NamedTuple):
    """The command as a user has it, in a home of its own with the models and the vLLM of this machine."""

    home: Path
    environment: dict[str, str]

    def symposia(self, *arguments: str, timeout: float = 300, **variables: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "symposia.cli", *arguments],
            check=False,
            cwd=self.home,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    @property
    def running(self) -> RunningEngines:
        """The engines that `models serve` started here."""
        return RunningEngines(self.home / "data" / "symposia" / "engines")


@pytest.fixture(scope="session")
def new_machine(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Machine]:
    """Makes a home with the weights of :data:`MODEL` and vLLM. Where either is missing, the test fails and says so."""
    try:
        python = find_vllm(Path(os.environ["SYMPOSIA_VLLM_PYTHON"]) if "SYMPOSIA_VLLM_PYTHON" in os.environ else None).python
    except EngineError as error:
        pytest.fail(str(error))
    if installed(Catalogue.load().get(MODEL)) is None:
        pytest.fail(f"{MODEL} is not downloaded: `symposia models pull {MODEL}`")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
    ours = {"SYMPOSIA_MODELS_DIR": str(models_folder()), "SYMPOSIA_VLLM_PYTHON": str(python)}

    def make() -> Machine:
        home = tmp_path_factory.mktemp("home")
        places = {"HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")}
        return Machine(home, kept | ours | places)

    return make


@pytest.fixture(scope="session")
def vllm_machine(new_machine: Callable[[], Machine]) -> Iterator[Machine]:
    """A machine on which `models serve` has started vLLM with :data:`MODEL`."""
    machine = new_machine()
    options = ["--engine", "vllm", "--max-model-len", "4096", "--engine-arg", f"--chat-template={TEMPLATE}", "--detach"]
    served = machine.symposia("models", "serve", MODEL, *options, timeout=START_SECONDS)
    assert served.code == 0, served.err
    record = machine.running.get(MODEL)
    processes = record.living()
    yield machine
    stopped = machine.symposia("models", "stop", MODEL)
    assert stopped.code == 0, stopped.err
    left = [process for process in processes if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert left == [], "`stop` returns when nothing is left"
    assert record.owner.process() is None
    assert machine.running.all() == []


@pytest.fixture(scope="session")
def vllm_server(vllm_machine: Machine) -> ModelSpec:
    """:data:`MODEL` on a real vLLM (CPU build): its spec as served, with endpoint and abilities."""
    return vllm_machine.running.get(MODEL).spec
