#!/bin/sh
# Build, quantise, measure: see README.md. Everything it makes is in the folder given (default: build/gpu), and
# what is there already is not made again, so that a run that was cut short goes on where it stopped.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/build/gpu}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
command -v nvidia-smi >/dev/null || { echo "No NVIDIA driver: nvidia-smi is not there."; exit 1; }
for toolkit in "${CUDA_HOME:-}" /usr/local/cuda; do
    [ -x "$toolkit/bin/nvcc" ] && PATH="$PATH:$toolkit/bin"
done
command -v nvcc >/dev/null || { echo "No CUDA toolkit: nvcc is not on PATH, and the kernels cannot be built."; exit 1; }
python=${PYTHON:-python3}
now() { echo "== $(($(date +%s) - begun)) s: $*"; }
begun=$(date +%s)

# A torch that is there is taken, for no machine has two to spare; else all is installed into an environment.
if ! "$python" -c 'import torch' 2>/dev/null; then
    [ -x "$folder/venv/bin/python" ] || "$python" -m venv "$folder/venv"
    python=$folder/venv/bin/python
    "$python" -c 'import torch' 2>/dev/null || "$python" -m pip install --quiet 'torch>=2.6'
fi
missing=$("$python" - <<'PYTHON'
from importlib.util import find_spec

# Module → package: what exllamav2 needs, declared or not, and what that needs (pandas, fastparquet: its converter).
NEEDED = {
    "exllamav2": "exllamav2>=0.3.2,<0.4", "tokenizers": "tokenizers", "setuptools": "setuptools",
    "safetensors": "safetensors", "numpy": "numpy", "ninja": "ninja", "regex": "regex", "PIL": "pillow",
    "rich": "rich", "pygments": "pygments", "markdown_it": "markdown-it-py", "mdurl": "mdurl",
    "pandas": "pandas", "dateutil": "python-dateutil", "six": "six",
    "fastparquet": "fastparquet", "cramjam": "cramjam", "fsspec": "fsspec", "packaging": "packaging",
    "websockets": "websockets",
}
print(*(package for module, package in NEEDED.items() if find_spec(module) is None), sep="\n")
PYTHON
)
site=$folder/site
if [ -n "$missing" ] && [ ! -d "$site/exllamav2" ]; then
    now "installing" $missing
    # shellcheck disable=SC2086  # one word a package
    "$python" -m pip install --quiet --no-deps --upgrade --target "$site" ${WHEELS:+--no-index --find-links "$WHEELS"} $missing
fi
# DevFlow itself is taken as it is: what a model's process imports of it needs no other package.
PYTHONPATH=$root/src:$site${PYTHONPATH:+:$PYTHONPATH}
# The kernels are built with ninja, which pip puts beside one of these.
PATH=$site/bin:$(dirname "$(command -v "$python")"):$PATH
TORCH_EXTENSIONS_DIR=$folder/extensions
MAX_JOBS=${MAX_JOBS:-$(nproc)}
TORCH_CUDA_ARCH_LIST=${TORCH_CUDA_ARCH_LIST:-$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | sort -u | paste -s -d ';' -)}
PYTHONUNBUFFERED=1
export PYTHONPATH PATH TORCH_EXTENSIONS_DIR MAX_JOBS TORCH_CUDA_ARCH_LIST PYTHONUNBUFFERED

now "building the kernels for $TORCH_CUDA_ARCH_LIST, $MAX_JOBS at a time"
# One that was killed while it built leaves its lock behind, and the next would wait for it for ever.
rm -f "$TORCH_EXTENSIONS_DIR"/exllamav2_ext/lock
"$python" -c 'import exllamav2.ext' || { echo "The kernels did not build; the compiler's words are above."; exit 1; }
now "writing a model"
"$python" "$root/benchmarks/gpu/make_model.py" "$folder/model"
if [ ! -e "$folder/exl2/config.json" ]; then
    now "quantising it"
    mkdir -p "$folder/work" "$folder/exl2"
    "$python" -m exllamav2.conversion.convert_exl2 \
        -i "$folder/model" -o "$folder/work" -cf "$folder/exl2" -b 4.0 -hb 6 -l 512 -ml 512
    # The converter ends with 0 also where it gives up.
    [ -e "$folder/exl2/config.json" ] || { echo "The converter made no model; its words are above."; exit 1; }
fi
now "measuring"
status=0
"$python" "$root/benchmarks/gpu/exl2.py" "$folder/exl2" --family llama \
    --out "${OUT:-$root/benchmarks/gpu}/exl2-$(date -u +%Y-%m-%d).json" || status=$?
now "done"
exit $status
