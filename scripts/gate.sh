#!/usr/bin/env bash
# What `make test` does, step by step, and how long each step took. Two steps run beside others:
# the servers are fetched while the code is checked, and the tests on servers, most of which wait for
# a clock, run while everything else computes at the lowest priority.
#
# TEST_THREADS: how many tests on servers run at once; twice as many as there are processors.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset MAKEFLAGS MFLAGS MAKELEVEL

logs=${CARGO_TARGET_DIR:-target}/gate
rm -rf "$logs"
mkdir -p "$logs"
begun=$SECONDS
beside=

# step NAME COMMAND...: carries out a step, and says how long it took, in seconds by the clock and
# of all processors.
step() {
    local name=$1 status=0 TIMEFORMAT='%R %U %S'
    shift
    # What the command writes goes where it would: only the times go to the file.
    { time "$@" 2>&3 || status=$?; } 3>&2 2>"$logs/$name.time"
    awk -v name="$name" '{ printf "%-10s %8.0f %10.0f\n", name, $1, $2 + $3 }' \
        "$logs/$name.time" | tee -a "$logs/steps" >&2
    [ "$status" = 0 ] || echo "$name failed: make test stops here" >&2
    return "$status"
}

# begin NAME COMMAND...: begins a step that runs beside the next ones.
begin() {
    step "$@" >"$logs/$1.log" 2>&1 &
    beside="$1 $!"
}

# join: waits for it, and shows what it wrote.
join() {
    local name=${beside% *} id=${beside#* } status=0
    wait "$id" || status=$?
    beside=
    cat "$logs/$name.log"
    return "$status"
}

# If something fails meanwhile, what runs beside it is waited for, and shown, too.
trap '[ -z "$beside" ] || join || true' EXIT

low() {
    nice -n 19 "$@"
}

# What `make check` looks for is looked for in what is built here anyway.
export RUSTC_WORKSPACE_WRAPPER=$PWD/scripts/strict-rustc.sh
export PLANTED_RUSTC=$PWD/scripts/strict-planted-rustc.sh

cargo fmt --all --check
begin servers make --no-print-directory servers
step build cargo test --workspace --no-run --test servers
join
RUST_TEST_THREADS=${TEST_THREADS:-$((2 * $(nproc)))} \
    begin on-servers cargo test --workspace --test servers
# From here on it does not wait for what cargo builds.
until grep -qs Running "$logs/on-servers.log" || ! kill -0 "${beside#* }" 2>/dev/null; do
    sleep 0.1
done
programs="
    --lib --bins --test house_rules --test untrusted_input --test metrics --test exported
"
# What is only measured or run by hand is compiled, too.
step compile low cargo test --workspace --no-run --benches --examples $programs
step tests low cargo test --workspace $programs
step docs low cargo test --workspace --doc
step simulation low make --no-print-directory simulation
step model low make --no-print-directory model
step package low scripts/package.sh
join
{
    printf '\n%-10s %8s %10s\n' step seconds processor
    cat "$logs/steps"
    awk -v all=$((SECONDS - begun)) \
        '{ sum += $3 } END { printf "%-10s %8.0f %10.0f\n", "all", all, sum }' "$logs/steps"
} >&2
