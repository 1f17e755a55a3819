"""llama.cpp as a local engine, through the xllamacpp wheel: serves one GGUF file to the gateway on loopback.

What the server does that a caller has to know (measured with xllamacpp 2026.10):

* A continued answer comes back with its prefix repeated; who continues one takes it off again.
* Closing the connection frees the slot within a few tokens, so a cancelled call costs nothing further.
* One request may ask for at most ``parallel`` samples (``n``); more is refused with status 400.
* A seed repeats a text exactly among calls made one at a time; beside others only small models do.
* Its threads spin while they wait for each other: where other programs hold the cores, it gets several times slower.
* Prompts are cached per slot, not across slots: a prompt shared by a wave is read once in every slot.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from ...core.errors import EngineError
from ...core.model_spec import ModelSpec
from ..weights import is_gguf, memory_for
from .engine import Engine, EngineOptions, Launch, merged_flags, require_memory
from .process import OnWait, last_line

PARALLEL = 4
"""Slots. On two cores a 1.5B model at Q4 decodes 32 tokens/s in one slot, 43 in four and 32 in eight."""
CONTEXT_PER_SLOT = 4096
"""Tokens of prompt and completion that a slot holds; the model's own context where that is smaller."""
_FIXED = frozenset({"--model", "--alias", "--port", "--parallel", "--context"})


class LlamaCppEngine(Engine):
    """One llama.cpp server, which chooses its port itself, so that no two engines race for one."""

    name = "llama.cpp"

    async def prepare(
        self,
        spec: ModelSpec,
        weights: Path | str,
        options: EngineOptions,
        on_wait: OnWait | None,  # noqa: ARG002 - nothing has to be waited for
    ) -> Launch:
        """See :meth:`Engine.prepare`. ``options.context`` is what each of the ``options.parallel`` slots holds.

        As many calls are in flight as there are slots: more would only queue in the server, where the gateway can neither
        order nor withdraw them.
        """
        path = Path(weights)
        _require_ready(spec, path)
        parallel = options.parallel or PARALLEL
        context = options.context or min(spec.context, CONTEXT_PER_SLOT)
        ours = {
            "--model": str(path),
            "--alias": spec.remote_name,
            "--port": str(options.port),
            "--parallel": str(parallel),
            "--context": str(parallel * context),
            "--threads": str(_cores()),
        }
        flags = merged_flags(ours, options.arguments, fixed=_FIXED)
        return Launch(
            command=[sys.executable, "-m", f"{__package__}.llamacpp_server", *flags],
            spec=spec.model_copy(update={"served_name": spec.remote_name, "context": context, "concurrency": parallel}),
            explain=functools.partial(_explain, path.name),
        )


def llamacpp_installed() -> bool:
    """Whether llama.cpp is there; the extra ``local`` brings it."""
    return importlib.util.find_spec("xllamacpp") is not None


def _require_ready(spec: ModelSpec, weights: Path) -> None:
    if not llamacpp_installed():
        raise EngineError("llama.cpp is not installed", hint='pip install "symposia[local]"')
    try:
        genuine, size = is_gguf(weights), weights.stat().st_size
    except OSError as error:
        raise EngineError(f"{weights} cannot be read: {error.strerror}") from error
    if not genuine:
        raise EngineError(f"{weights} is not a GGUF model", hint="llama.cpp serves GGUF files; for folders try --engine vllm")
    require_memory(spec.name, spec.memory or memory_for(size))


def _cores() -> int:
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def _explain(file: str, lines: Sequence[str]) -> str:
    """The file and the first error that llama.cpp logged: those after it only repeat that loading failed."""
    for line in lines:
        if match := re.match(r"[\d.]+ E (?:\S+\s+)?\S+: (?P<reason>.+)", line):
            return f"{file}: {match['reason'].removeprefix('error loading model: ').strip()}"
    return last_line(lines)
