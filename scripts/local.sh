#!/usr/bin/env bash
# A local Kinesis and DynamoDB to try the command on.
#
#   local.sh start [SHARDS]    starts both, and makes the stream `orders`
#   local.sh kcl ARGUMENTS     runs the command against them
#   local.sh stop              stops both
#
# KCL_LOCAL: the folder that remembers them (default: target/local). KCL_COMMAND: a `kcl` that is there
# already (default: it is built).
set -euo pipefail

workspace=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
servers=${KCL_TEST_SERVERS:-$workspace/.servers}
state=${KCL_LOCAL:-$workspace/target/local}
guard=$workspace/tests/servers/only-localhost.js

start() {
    if running; then
        echo "already running: see $state, or run \`make stop\`" >&2
        exit 1
    fi
    # What is left of servers that ended with the machine.
    rm -rf "$state"
    mkdir -p "$state"
    local package=$servers/kinesis-local/node_modules/kinesis-local kinesis dynamodb
    KINESIS_MOCK_CERT_PATH=$package/server.json KINESIS_MOCK_PLAIN_PORT=4568 \
        KINESIS_MOCK_TLS_PORT=4567 SHARD_LIMIT=1000 LOG_LEVEL=ERROR \
        CREATE_STREAM_DURATION=50ms DELETE_STREAM_DURATION=50ms UPDATE_SHARD_COUNT_DURATION=50ms \
        SPLIT_SHARD_DURATION=50ms MERGE_SHARDS_DURATION=50ms \
        launch kinesis --require "$guard" "$package/main.js"
    launch dynamodb --require "$guard" "$servers/dynalite/node_modules/dynalite/cli.js" \
        --port 4567 --createTableMs 100
    kinesis=$(port kinesis 4568)
    dynamodb=$(port dynamodb 4567)
    cat >"$state/environment" <<END
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1
export AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:$kinesis
export AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:$dynamodb
export STREAM_NAME=\${STREAM_NAME:-orders} APP_NAME=\${APP_NAME:-indexer}
END
    (kcl stream create --shards "${1:-4}") || { stop && exit 1; }
    cat "$state/environment"
    echo "Started. Now try \`make consumer\`, \`make produce\`, \`make leases\`." >&2
}

running() {
    local file
    for file in "$state"/*.pid; do
        [ -e "$file" ] && kill -0 "$(cat "$file")" 2>/dev/null && return
    done
    return 1
}

# launch NAME NODE-ARGUMENTS: its standard input never ends, or the guard would end the server
launch() {
    local name=$1
    shift
    mkfifo "$state/$name.stdin"
    (exec setsid nohup node "$@" <>"$state/$name.stdin" >"$state/$name.log" 2>&1) &
    echo $! >"$state/$name.pid"
}

# port NAME NOMINAL: the free port that the guard chose
port() {
    local found
    for _ in $(seq 300); do
        found=$(sed -n "s/^listening $2 on //p" "$state/$1.log" | head -n 1)
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        sleep 0.1
    done
    echo "the $1 server does not start: see $state/$1.log" >&2
    exit 1
}

stop() {
    local file
    for file in "$state"/*.pid; do
        [ -e "$file" ] || continue
        # The server may have ended by itself.
        kill -- -"$(cat "$file")" 2>/dev/null || kill "$(cat "$file")" 2>/dev/null || true
    done
    rm -rf "$state"
}

kcl() {
    if ! running || [ ! -e "$state/environment" ]; then
        echo "no local servers: run \`make start\` first" >&2
        exit 1
    fi
    # shellcheck disable=SC1091
    source "$state/environment"
    if [ -n "${KCL_COMMAND:-}" ]; then
        exec "$KCL_COMMAND" "$@"
    fi
    local quiet=--quiet
    if [ ! -e "$workspace/target/debug/kcl" ]; then
        echo "Building the command; the first time takes some minutes." >&2
        quiet=
    fi
    cargo build $quiet --manifest-path "$workspace/Cargo.toml" --package kcl-cli --features demo
    exec "$workspace/target/debug/kcl" "$@"
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
start) start "$@" ;;
stop) stop ;;
kcl) kcl "$@" ;;
*) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
