#!/bin/sh
# Shows who reads what, again and again, until ctrl-c.
exec "$(dirname "$0")/local.sh" kcl leases watch "$@"
