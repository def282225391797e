#!/bin/sh
# Build, quantise, measure: see README.md. Everything it makes is in the folder given (default: build/gpu).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$root/build/gpu}
mkdir -p "$folder"
command -v nvidia-smi >/dev/null || { echo "No NVIDIA driver: nvidia-smi is not there."; exit 1; }
command -v nvcc >/dev/null || { echo "No CUDA toolkit: nvcc is not on PATH, and the kernels cannot be built."; exit 1; }
python=${PYTHON:-python3}
[ -x "$folder/venv/bin/python" ] || "$python" -m venv "$folder/venv"
# The kernels are built with ninja, which pip puts there.
PATH="$folder/venv/bin:$PATH"
export PATH
"$folder/venv/bin/pip" install --quiet "$root[gpu]" ninja safetensors
"$folder/venv/bin/python" "$root/benchmarks/gpu/make_model.py" "$folder/model"
if [ ! -e "$folder/exl2/config.json" ]; then
    mkdir -p "$folder/work" "$folder/exl2"
    "$folder/venv/bin/python" -m exllamav2.conversion.convert_exl2 \
        -i "$folder/model" -o "$folder/work" -cf "$folder/exl2" -b 4.0 -hb 6 -l 512 -ml 512
    # The converter ends with 0 also where it gives up.
    [ -e "$folder/exl2/config.json" ] || { echo "The converter made no model; its words are above."; exit 1; }
fi
"$folder/venv/bin/python" "$root/benchmarks/gpu/exl2.py" "$folder/exl2" --family llama \
    --out "$root/benchmarks/gpu/exl2-$(date -u +%Y-%m-%d).json"
