#!/bin/sh
# Brings the local stream to so many shards: reshard-stream.sh N
exec "$(dirname "$0")/local.sh" kcl stream reshard --to "${1:?how many shards?}"
