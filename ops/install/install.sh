#!/bin/sh
# Install what `make demo` and `make test` need beside Python packages: MariaDB and the headers of its client library
# from the system's packages, MySQL into the user's cache, HAProxy for the example of a cutover to another server and Prometheus
# for its judge of alert rules.
# Installs what is missing and nothing else; with `bench` also what the benchmarks compare with.
#
#   ops/install/install.sh [bench]
#
# Debian 12 and its relatives. Needs root or sudo only where a package is missing. No database service is left running
# or enabled: the demo and the tests start servers of their own.
set -eu
PATH=$PATH:/usr/sbin:/sbin
PYTHON=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)

die() { echo "install.sh: $*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

missing=
want() { missing="$missing $*"; }

has mariadbd && has mariadb-dump && has mariadb-install-db || want mariadb-server mariadb-client
has gcc || want gcc libc6-dev
if ! has pkg-config; then want pkg-config libmariadb-dev
elif ! pkg-config --exists libmariadb; then want libmariadb-dev
fi
if ! has "$PYTHON"; then want python3 python3-venv python3-dev
else # one start of Python answers all three questions
  lacking=$("$PYTHON" -c '
import os, sys, sysconfig
print("version" if sys.version_info < (3, 11) else "")
try:
    import ensurepip, venv
except ImportError:
    print("python3-venv")
if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    print("python3-dev")')
  case $lacking in *version*) die "$PYTHON is older than 3.11: name a newer one, as in \`make PYTHON=python3.12\`" ;; esac
  [ -z "$lacking" ] || want $lacking
fi
[ "${1:-}" != bench ] || has mydumper || want mydumper
without() {
  [ "${CI:-}" != true ] || die "CI tests with these too, and cannot have them: $extra"
  echo "install.sh: going on without $extra: what needs it will be skipped" >&2
  extra=
}
extra=
has haproxy || extra=haproxy
has promtool || extra="$extra prometheus"
if [ -z "$missing" ] && [ -n "$extra" ]; then # nobody has to become root for an example
  { has apt-get && { [ "$(id -u)" = 0 ] || has sudo; }; } || without
fi

if [ -n "$missing$extra" ]; then
  has apt-get || die "please install, in your system's way:$missing $extra"
  if [ "$(id -u)" = 0 ]; then root=; elif has sudo; then root=sudo; else die "as root, please: apt-get install$missing $extra"; fi
  echo "Installing$missing $extra"
  log=$(mktemp)
  $root apt-get -q update >"$log" 2>&1 || { cat "$log" >&2; die "apt-get update failed"; }
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then # packages ask it whether they may start their services
    trap '$root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null
    $root chmod 755 $policy
  fi
  get() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 \
      install --no-install-recommends "$@" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  }
  # shellcheck disable=SC2086
  [ -z "$missing" ] || get $missing || die "apt-get install failed"
  # shellcheck disable=SC2086
  [ -z "$extra" ] || get $extra || without
  rm -f "$log"
  case $missing in *mariadb-server*) ! has systemctl || $root systemctl --quiet disable mariadb ;; esac
  # shellcheck disable=SC2086
  [ -z "$extra" ] || ! has systemctl || $root systemctl --quiet disable $extra
fi

if ! "$here/mysql.sh" "${XDG_CACHE_HOME:-$HOME/.cache}/replicator/mysql"; then
  [ "${CI:-}" != true ] || die "CI tests on MySQL too"
  echo "install.sh: going on without MySQL: what needs it will be skipped" >&2
fi
