#!/bin/sh
# The `deci` command, also when it is called through the link that npm makes for it. See --help.
set -eu
self=$0
while [ -L "$self" ]; do
  link=$(readlink -- "$self")
  case $link in
    /*) self=$link ;;
    *) self=$(dirname -- "$self")/$link ;;
  esac
done
dir=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd -P)
exec "$dir/with-node.sh" "$dir/../src/cli.ts" "$@"
