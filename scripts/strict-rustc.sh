#!/usr/bin/env bash
# The compiler, and before it the lints, or a library's documentation, of what is compiled anyway:
# cargo's RUSTC_WORKSPACE_WRAPPER. `cargo clippy` and `cargo doc` would each compile everything that
# the workspace depends on once more. A warning ends the build.
set -euo pipefail

rustc=$1
shift
# Cargo also asks what the compiler can do.
case " $* " in
*" --emit="*) ;;
*) exec "$rustc" "$@" ;;
esac

emit=metadata
check=(clippy-driver "$rustc")
case " $* " in
# As its tests have it, a library is linted; as its users have it, its pages are written.
*" --test "*) ;;
# With the bugs on purpose in it, a library has the same pages, and the same lints.
*" --crate-type lib "*" --cfg kcl_planted "*) exec "$rustc" "$@" -D warnings ;;
*" --crate-type lib "*)
    emit=
    check=(rustdoc)
    ;;
esac

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
arguments=()
previous=
for argument in "$@"; do
    case $previous=$argument in
    --out-dir=*) argument=$scratch ;;
    # What the compiler keeps for its next run is its own.
    -C=incremental=*) argument=incremental=$scratch ;;
    # Cargo would take what is written here for the crate itself.
    *=--json=*) argument=--json=diagnostic-rendered-ansi ;;
    *=--emit=*) argument=${emit:+--emit=$emit} ;;
    esac
    previous=$argument
    [ -z "$argument" ] || arguments+=("$argument")
done
"${check[@]}" "${arguments[@]}" -D warnings
"$rustc" "$@" -D warnings
