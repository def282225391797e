#!/bin/sh
# Fetch pinned packages by name and measure completion on them; one JSON line each in benchmarks/results/completion.jsonl.
# None of these was used to fit the ranker's weights.
set -eu
cd "$(dirname "$0")/.."
python="$PWD/.venv/bin/python"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p benchmarks/results
out=benchmarks/results/completion.jsonl
: > "$out"
for package in httpx==0.28.1 celery==5.4.0 flask==3.1.0 rich==14.0.0; do
    name=${package%%==*}
    "$python" -m pip download --quiet --no-deps --only-binary=:all: --dest "$scratch/wheels" "$package"
    "$python" -m zipfile -e "$scratch/wheels/$name"-*.whl "$scratch/$name"
    result=$("$python" benchmarks/completion.py "$scratch/$name/$name" 150)
    printf '{"package": "%s", "date": "%s", "machine": "%s cores, %s", "command": "benchmarks/completion.py %s 150", "result": %s}\n' \
        "$package" "$(date -u +%F)" "$(nproc)" "$(uname -m)" "$name" "$result" | tee -a "$out"
done
