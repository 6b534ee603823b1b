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
