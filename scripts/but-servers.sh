#!/bin/sh
# Runs a program of tests for cargo, but for the tests on servers, which scripts/gate.sh runs beside.
case $1 in
*/servers-*) exit 0 ;;
esac
exec "$@"
