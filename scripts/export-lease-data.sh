#!/bin/sh
# Writes workers and leases as JSON: export-lease-data.sh [FILE]
exec "$(dirname "$0")/local.sh" kcl leases list --format json >"${1:-leases.json}"
