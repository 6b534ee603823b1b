#!/bin/sh
# Shows how the leases are shared out, once.
exec "$(dirname "$0")/local.sh" kcl leases list "$@"
