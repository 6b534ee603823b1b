#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while: scripts/fuzz.sh [SECONDS]
# With 0 seconds they are built only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-10}
# libFuzzer itself is C++.
if ! command -v c++ >/dev/null; then
    echo "fuzz: no C++ compiler (c++) is installed: nothing was built" >&2
    exit 1
fi
export PATH=$PWD/target/tools/bin:$PATH
if ! command -v cargo-fuzz >/dev/null; then
    cargo install --quiet --locked --root target/tools cargo-fuzz@0.13.2
fi
# There is no unsafe code to sanitize, and without a sanitizer the stable compiler does.
flags=(--fuzz-dir fuzz --sanitizer none)
cargo fuzz build "${flags[@]}"
[[ $seconds -gt 0 ]] || exit 0
for examples in kcl-*/{src,tests}/*/examples/*/; do
    target=$(basename "$examples")
    mkdir -p "fuzz/corpus/$target"
    echo "fuzz: $target" >&2
    cargo fuzz run "${flags[@]}" "$target" "fuzz/corpus/$target" "$examples" -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1
done
