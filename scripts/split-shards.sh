#!/bin/sh
# Splits half of the open shards of the local stream: split-shards.sh [--force]
# With --force it does not ask.
[ "${1:-}" != --force ] || set -- --yes
exec "$(dirname "$0")/local.sh" kcl stream split --half "$@"
