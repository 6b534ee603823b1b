#!/bin/sh
# What strict-rustc.sh and planted-rustc.sh do, both.
exec "$(dirname "$0")/strict-rustc.sh" "$@" --cfg kcl_planted
