"""vLLM as a local engine: a GPU or CPU build, from this or another Python, behind :mod:`.guard`.

What the server does that a caller has to know (measured with vLLM 0.32, CPU build, on two cores):

* It needs 40 to 65 seconds until it answers, and about 3 GB beside the weights, over three processes.
* It counts every choice's tokens and shares the prompt among the ``n`` of a request.
* A seed on a request crashes the CPU build's engine when several long prompts are in flight, so no seed is sent to it.
* Fields that it does not know are ignored without a word.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...core.errors import EngineError
from ...core.model_spec import Ability, ModelSpec
from .engine import HOST, Engine, EngineOptions, Launch, guarded, merged_flags, require_memory
from .process import OnWait, last_line
from .unpack import unpacked
from .vllm_install import find_vllm

KV_CACHE_GIB = 2
"""Memory for prompts and completions in flight on a CPU, where VLLM_CPU_KVCACHE_SPACE does not say otherwise."""
CONTEXT = 8192
"""Tokens of one call, where neither the user nor a smaller model says otherwise: the whole of it must fit the cache."""
_PROCESSES = 3_300_000_000  # bytes that its processes take before any weights
_GRACE = 8.0
_ERROR = re.compile(r"(?:(?:^|[\s\]])[\w.]*(?:Error|Exception)|^api_server\.py: error): (?P<reason>.+)")
_FIXED = frozenset({"--host", "--port", "--model", "--served-model-name"})
_CHAT = {
    Ability.CHAT,
    Ability.PREFIX,
    Ability.LOGPROBS,
    Ability.PROMPT_LOGPROBS,
    Ability.N,
    Ability.JSON_SCHEMA,
    Ability.SCORING,
}


class VllmEngine(Engine):
    """One vLLM server."""

    name = "vllm"
    stop_grace = _GRACE + 2.0

    async def prepare(self, spec: ModelSpec, weights: Path | str, options: EngineOptions, on_wait: OnWait | None) -> Launch:
        """See :meth:`Engine.prepare`. A GGUF file is first unpacked into a folder beside it, once."""
        install = await asyncio.to_thread(find_vllm, options.python)
        port = _port(options.port)
        if isinstance(weights, Path):
            weights = await unpacked(weights, install.python, options.timeout, on_wait)
            needed = _memory(weights) if install.cpu else None
        else:
            needed = None
        if needed is not None:
            require_memory(spec.name, needed)
        flags = merged_flags(_flags(spec, weights, port, options, cpu=install.cpu), options.arguments, fixed=_FIXED)
        serve = [str(install.python), "-m", "vllm.entrypoints.openai.api_server", *flags]
        return Launch(
            command=guarded(serve, _GRACE),
            spec=_as_served(spec, flags, options, needed, cpu=install.cpu),
            address=f"http://{HOST}:{port}",
            env=_environment(os.environ, local=isinstance(weights, Path), cpu=install.cpu),
            explain=functools.partial(explain, str(weights)),
        )


def explain(model: str, lines: Sequence[str]) -> str:
    """What vLLM's log names as the cause: the first error that is not the consequence of another, in one line."""
    text = "\n".join(lines)
    if "No module named 'vllm'" in text:
        return "vLLM is not installed in that Python"
    if "Address already in use" in text or "Errno 98" in text:
        return "another program took its port"
    for line, below in itertools.pairwise([*lines, ""]):
        found = _ERROR.search(line)
        if found is None or "Engine core initialization failed" in line:
            continue
        inner = re.match(r"\s+(?:Value error, )?(?P<reason>.+?)(?: \[type=.*)?$", below)
        reason = inner["reason"] if inner and "validation error" in line else found["reason"].strip()  # pydantic's take lines
        return reason if line.startswith("api_server.py") else f"{model}: {reason}"
    if "Engine core initialization failed" in text:
        return f"{model}: a process of its engine was ended by the system, most likely for lack of memory"
    return last_line(lines)


def _flags(spec: ModelSpec, weights: Path | str, port: int, options: EngineOptions, *, cpu: bool) -> dict[str, str | None]:
    """Ours. Sampling defaults are vLLM's own (none) and not the model's, so that a request means the same on every engine."""
    flags: dict[str, str | None] = {
        "--host": HOST,
        "--port": str(port),
        "--model": str(weights),
        "--served-model-name": spec.remote_name,
        "--generation-config": "vllm",
        "--enable-prefix-caching": None,
        "--enable-prompt-tokens-details": None,  # so that usage tells what the prefix cache spared
        "--max-logprobs": "20",
        # Otherwise a model may fill its whole completion with blanks between two tokens of JSON.
        "--structured-outputs-config": json.dumps({"backend": "xgrammar", "disable_any_whitespace": True}),
        "--uvicorn-log-level": "warning",
    }
    if options.context or isinstance(weights, Path):
        flags["--max-model-len"] = str(options.context or min(spec.context, CONTEXT))
    if options.parallel:
        flags["--max-num-seqs"] = str(options.parallel)
    if Ability.REWARD in spec.abilities:
        flags["--runner"] = "pooling"
        del flags["--structured-outputs-config"], flags["--max-logprobs"]
    if cpu:
        flags |= {"--dtype": "bfloat16", "--enforce-eager": None, "--block-size": "32"}
    return flags


def _environment(environ: Mapping[str, str], *, local: bool, cpu: bool) -> dict[str, str]:
    """What is added to ``environ``, whose own words win."""
    ours = {"VLLM_NO_USAGE_STATS": "1"}
    if local:
        ours["HF_HUB_OFFLINE"] = "1"
    if cpu:  # binding threads to cores fails in containers that own only some of them
        ours |= {"VLLM_CPU_KVCACHE_SPACE": str(KV_CACHE_GIB), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    return {name: environ.get(name) or value for name, value in ours.items()}


def _as_served(spec: ModelSpec, flags: list[str], options: EngineOptions, needed: int | None, *, cpu: bool) -> ModelSpec:
    pooling = "--runner=pooling" in flags or ("--runner", "pooling") in itertools.pairwise(flags)
    tools = any(flag.startswith("--tool-call-parser") for flag in flags)
    chat = _CHAT | (set() if cpu else {Ability.SEED}) | ({Ability.TOOLS} if tools else set())
    return spec.model_copy(
        update={
            "served_name": spec.remote_name,
            "litellm": f"hosted_vllm/{spec.remote_name}",
            "abilities": frozenset({Ability.REWARD} if pooling else chat),
            "concurrency": options.parallel,
            "memory": needed,
            "deterministic": False,
        }
    )


def _port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise EngineError(f"port {wanted} cannot be used: {error.strerror}", hint="choose another with --port") from error
        return int(probe.getsockname()[1])


def _memory(folder: Path) -> int:
    """Bytes that a CPU build needs: its processes, the weights and the cache."""
    cache = float(os.environ.get("VLLM_CPU_KVCACHE_SPACE") or KV_CACHE_GIB) * 2**30
    return _PROCESSES + sum(file.stat().st_size for file in folder.glob("*.safetensors")) + int(cache)
