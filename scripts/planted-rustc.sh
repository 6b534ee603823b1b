#!/bin/sh
# The compiler with the bugs on purpose in what it compiles: cargo's RUSTC_WORKSPACE_WRAPPER, which
# concerns the crates of the workspace alone. What they depend on is built once for both.
exec "$@" --cfg kcl_planted
