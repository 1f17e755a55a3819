"""Unpacks a GGUF file into a folder of bfloat16 safetensors: ``python gguf_to_folder.py FILE FOLDER``.

vLLM reads such folders. Run by file in vLLM's own Python, which has torch, transformers and gguf but need not have symposia,
so this imports nothing of ours. The folder appears under its name only when it is complete; what an earlier try left is
replaced. The first line on standard output says that it is done.
"""

from __future__ import annotations

import fcntl
import importlib
import shutil
import sys
from pathlib import Path


def main() -> None:
    """Convert, and print the folder. Of two that convert the same file at once, the second waits and finds it done."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _convert(source, folder)
    print(folder, flush=True)  # noqa: T201 - how the caller hears of the end


def _convert(source: Path, folder: Path) -> None:
    torch = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    place = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**place)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        **place, dtype=torch.bfloat16, quantization_config=transformers.GgufConfig(dequantize=True)
    )
    model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    partial.rename(folder)


if __name__ == "__main__":
    main()
