# What the hooks beside this file have in common. The names are those of haproxy.cfg.
backend=${HAPROXY_BACKEND:-shop}
connections=${HAPROXY_CONNECTIONS:-0} # to one server, when nothing is held; 0: any number
state=${HAPROXY_STATE:-/var/lib/haproxy/state}
from=$backend/$REPLICATOR_FROM to=$backend/$REPLICATOR_TO
here=$(dirname "$0")

# Have a restarted HAProxy go on where this one was. The file is there as a whole or not at all.
keep() {
  "$here/tell" --ask "show servers state" >"$state.new"
  sync "$state.new"
  mv "$state.new" "$state"
}
