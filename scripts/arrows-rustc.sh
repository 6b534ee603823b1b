#!/bin/bash
# The compiler that takes kcl-core from the copy in KCL_ARROWS, where each arrow of the coordinator
# can be removed: cargo's RUSTC_WORKSPACE_WRAPPER. The copy runs for moments and is not optimised.
set -euo pipefail
arguments=()
for argument in "$@"; do
    [ "$argument" != kcl-core/src/lib.rs ] || argument=$KCL_ARROWS/lib.rs
    arguments+=("$argument")
done
exec "${arguments[@]}" -C opt-level=0 -C debuginfo=0 --cap-lints allow
