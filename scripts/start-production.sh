#!/bin/sh
# Starts the cluster; the same as `npm start`. See --help.
set -eu
dir=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
exec "$dir/with-node.sh" "$dir/start.ts" "$@"
