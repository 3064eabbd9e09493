#!/bin/sh
# Starts the cluster again when its PM2 daemon is gone; for cron, or by hand. See --help.
set -eu
dir=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec "$dir/with-node.sh" "$dir/watchdog.ts" "$@"
