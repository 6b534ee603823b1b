#!/bin/sh
# Says how soon the fleet was even again, and how often leases moved: analyze-rebalancing.sh FILE...
# of what `kcl consume --log-format json` or monitor-leases.sh --format json wrote.
exec "$(dirname "$0")/local.sh" kcl leases analyze "$@"
