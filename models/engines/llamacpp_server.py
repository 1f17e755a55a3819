"""The child process of the llama.cpp engine: ``python -m symposia.models.engines.llamacpp_server --model FILE …``.

Serves one GGUF file on loopback through xllamacpp, prints the address as its first line, and lives until its standard input
ends or a signal comes. Run by :class:`.llamacpp.LlamaCppEngine`; not meant to be started by hand.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from .follow import follow_parent

_LOG_FLUSH = 0.2  # seconds; llama.cpp logs why it failed from a thread of its own, which would end with us


def main() -> int:
    """Serve until told to end. Returns 1 where the server cannot start; llama.cpp has then said why on standard error."""
    arguments = _arguments()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow_parent(lambda: os._exit(0))
    # llama.cpp may print to standard output, which belongs to the announcement alone.
    announce = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    xllamacpp = importlib.import_module("xllamacpp")  # an extra, which a type checker need not find
    try:
        server = xllamacpp.Server(_params(xllamacpp, arguments))
    except RuntimeError as error:
        time.sleep(_LOG_FLUSH)
        sys.stderr.write(f"{error}\n")
        return 1
    announce.write(f"{server.listening_address}\n")
    announce.flush()
    while True:
        signal.pause()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="llamacpp_server")
    parser.add_argument("--model", required=True)
    parser.add_argument("--alias", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens of all slots together")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--chat-template", type=Path, help="file with a template that replaces the model's own")
    return parser.parse_args()


def _params(xllamacpp: Any, arguments: argparse.Namespace) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = arguments.model
    params.model_alias = {arguments.alias}
    params.hostnames = ["127.0.0.1"]
    params.port = arguments.port
    params.n_parallel = arguments.parallel
    params.n_ctx = arguments.context
    if arguments.chat_template is not None:
        params.chat_template = arguments.chat_template.read_text(encoding="utf-8")
    params.fit_params = False  # else llama.cpp shrinks the context to the memory it finds, without a word to the client
    params.cpuparams.n_threads = arguments.threads
    params.cpuparams_batch.n_threads = arguments.threads
    params.n_threads_http = 2 * arguments.parallel + 8  # an idle keep-alive connection holds a thread for seconds
    # 8 GiB of host memory by default, for prompts that left their slot; copying them gained nothing at our sizes.
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.ui = False
    params.endpoint_slots = False  # shows prompts to whoever asks
    params.cors_origins = "http://127.0.0.1"  # by default any web page may read the answers
    params.cors_origins_explicit = True
    params.verbosity = 2  # warnings and errors
    # What a request leaves open must mean the same on every engine: sample from the model's own distribution, not from
    # llama.cpp's top-k 40 and min-p 0.05, nor from what the GGUF file recommends. No cost in speed was measured.
    config = xllamacpp.common_params_sampling_config
    params.sampling.top_k = 0
    params.sampling.top_p = 1.0
    params.sampling.min_p = 0.0
    params.sampling.temp = 1.0
    params.sampling.user_sampling_config = (
        config.COMMON_PARAMS_SAMPLING_CONFIG_TOP_K.value
        | config.COMMON_PARAMS_SAMPLING_CONFIG_TOP_P.value
        | config.COMMON_PARAMS_SAMPLING_CONFIG_MIN_P.value
        | config.COMMON_PARAMS_SAMPLING_CONFIG_TEMP.value
    )
    return params


if __name__ == "__main__":
    sys.exit(main())
