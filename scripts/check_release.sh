#!/usr/bin/env bash
# Build wheel and sdist, check them, install the wheel into empty environments, with the newest and with the oldest
# supported dependencies, and use it from there. Prints seconds and size of an installation.
# Usage: scripts/check_release.sh [FOLDER]     PYTHON=... chooses the interpreter, which needs build and twine.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
if [ $# -gt 0 ]; then
    mkdir -p "$1"
    folder=$(cd "$1" && pwd)
else
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
fi
version=$(sed -n 's/.*"\(.*\)".*/\1/p' src/anystar/_version.py)
torch=$(grep '^torch==' constraints.txt)

echo "== build"
"$python" -m build --outdir "$folder/dist" . >"$folder/build.log" 2>&1 || { tail -20 "$folder/build.log"; exit 1; }
"$python" -m twine check --strict "$folder"/dist/*
wheel=$(ls "$folder"/dist/anystar-"$version"-*.whl)

use() { # environment
    cd "$folder"
    "$1/bin/anystar" --version | grep -qF "$version"
    "$1/bin/anystar" info
    "$1/bin/anystar" segment "$root/examples/mouse_embryo.tif" -o "$1/labels.tif" --table "$1/table.csv" --overview "$1/look.png" --diameter 15
    "$1/bin/anystar" segment "$root/examples/mouse_embryo.tif" -o "$1/labels.nii.gz" --table "$1/table.parquet" --diameter 15
    "$1/bin/anystar" segment "$root/examples/mouse_embryo.tif" -o "$1/labels.nrrd" --meshes "$1/meshes.ply" --diameter 15
    "$1/bin/anystar" segment "$root/examples/mouse_embryo.tif" -o "$1/labels.zarr" --memory 4GB --table "$1/blocks.csv" --diameter 15
    "$1/bin/anystar" measure "$1/labels.tif" "$root/examples/mouse_embryo.tif" --table "$1/measured.csv"
    "$1/bin/anystar" filter "$1/labels.tif" "$1/table.csv" -o "$1/kept.tif" --drop-border
    "$1/bin/anystar" report "$1/table.csv" -o "$1/report.html"
    "$1/bin/anystar" synthesize "$1/samples" -n 1 --shape 32 32 32
    cd "$root"
}

echo "== newest dependencies"
"$python" -m venv --clear "$folder/newest"
before=$(du -sk "$folder/newest" | cut -f1)
SECONDS=0
"$folder/newest/bin/python" -m pip install -q "$wheel" "$torch"
seconds=$SECONDS
after=$(du -sk "$folder/newest" | cut -f1)
torch_size=$(du -sk "$folder"/newest/lib/python*/site-packages/torch | cut -f1)
echo "installed in $seconds s, $(((after - before) / 1024)) MiB, of which torch $((torch_size / 1024)) MiB"
echo "== oldest dependencies"
"$python" -m venv --clear "$folder/oldest"
"$folder/oldest/bin/python" -m pip install -q --no-compile -c constraints-oldest.txt "$wheel" "$torch"

# Side by side, as starting takes a core only.
use "$folder/newest" >"$folder/newest.log" 2>&1 &
newest=$!
use "$folder/oldest" >"$folder/oldest.log" 2>&1 &
oldest=$!
failed=0
for name in newest oldest; do
    wait "${!name}" || failed=1
    echo "== use, $name dependencies"
    cat "$folder/$name.log"
done
[ "$failed" -eq 0 ] || exit 1
echo "== the release is good"
