#!/bin/sh
# Runs the Node that the project carries, or a system Node that is new enough, whatever `node` the shell would find.
#   scripts/with-node.sh FILE [ARGUMENT...]
set -eu

minimum=24
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

fail() {
  printf '%s\n' "$1" >&2
  exit 3
}

run() {
  dir=$(dirname -- "$1")
  shift
  PATH=$dir:$PATH
  export PATH
  exec "$dir/node" "$@"
}

[ -d "$root/node_modules" ] || fail "The packages are not installed: run npm ci first."

reason=
for node in "$root/node_modules/.bin/node" "$root"/node_modules/node-linux-*/bin/node; do
  [ -e "$node" ] || continue
  if answer=$("$node" --version 2>&1); then run "$node" "$@"; fi
  reason=$answer
done

if node=$(command -v node); then
  major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
  if [ "${major:-0}" -ge "$minimum" ]; then run "$node" "$@"; fi
fi

case $reason in
  *libatomic*) fail "The carried Node needs the library libatomic: install it (Debian and Ubuntu: apt-get install libatomic1, Fedora and RHEL: dnf install libatomic)." ;;
  *libstdc*) fail "The carried Node needs the C++ library: install it (Debian and Ubuntu: apt-get install libstdc++6, Fedora and RHEL: dnf install libstdc++)." ;;
  *GLIBC*) fail "The C library of this system is too old for the carried Node: install Node $minimum or newer and start again." ;;
  *'not found'* | *'No such file'*) fail "The carried Node does not run on this system's C library (musl, as on Alpine): install Node $minimum or newer (apk add nodejs) and start again." ;;
  '') fail "No Node $minimum or newer is here: run npm ci with optional packages, or install Node $minimum or newer, and start again." ;;
  *) fail "The carried Node does not run ($(printf '%s' "$reason" | head -n 1)): install Node $minimum or newer and start again." ;;
esac
