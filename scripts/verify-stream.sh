#!/bin/sh
# Shows the local stream and its shards.
exec "$(dirname "$0")/local.sh" kcl stream describe "$@"
