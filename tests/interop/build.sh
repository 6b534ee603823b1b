#!/usr/bin/env bash
# Builds the fleets of others that `make interop` and the recorders run, into target/interop: the
# Java KCL (JDK 17, Maven) and VMware-Go-KCL (Go), each from its registry.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
built=$here/../../target/interop
mkdir -p "$built"
built=$(cd "$built" && pwd)

# java_kcl VERSION DAEMON
java_kcl() {
    local folder=$built/java-$1
    if [ -e "$folder/built" ] && [ -z "$(find "$here/java" -newer "$folder/built")" ]; then
        return
    fi
    mkdir -p "$folder/classes"
    mvn -q -f "$here/java/pom.xml" "-Dkcl=$1" "-Dmultilang=$2" \
        dependency:copy-dependencies "-DoutputDirectory=$folder/lib" >&2
    javac -nowarn -cp "$folder/lib/*" -d "$folder/classes" "$here/java/"*.java
    touch "$folder/built"
}

java_kcl 2.7.2 2.7.2
java_kcl 3.5.1 3.1.3
(cd "$here/go" && go build -o "$built/go-v2" .)
# The fork with rows that stay with a worker.
(cd "$here/go" && go build -modfile=fork.mod -o "$built/go-fork" .)
(cd "$here/go-v1" && go build -o "$built/go-v1" .)
# A processor for VMware-Go-KCL as a child.
(cd "$here/../../examples/multilang/go" && go build -o "$built/multilang-go" ./example)
