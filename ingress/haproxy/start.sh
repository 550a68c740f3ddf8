#!/bin/sh
# Writes haproxy.cfg with one server line for each of the PODS ordinals and each of the PEERS, then becomes HAProxy.
set -eu

case "$PODS" in '' | *[!0-9]* | 0*) echo "PODS is the largest scale, a whole number from 1: '$PODS'" >&2; exit 2 ;; esac

# The other regions, as NAME=HOST:PORT, separated by spaces.
for peer in ${PEERS:-}; do
    case "$peer" in [a-z0-9]*=*:[1-9]*) ;; *) echo "PEERS holds NAME=HOST:PORT of each other region: '$peer'" >&2; exit 2 ;; esac
done

awk -v pods="$PODS" -v peers="${PEERS:-}" '
    BEGIN { count = split(peers, each, " ") }
    /\{ordinal\}/ && !/^ *#/ {
        for (ordinal = 0; ordinal < pods; ordinal++) {
            line = $0
            gsub(/\{ordinal\}/, ordinal, line)
            gsub(/\{id\}/, ordinal + 1, line)
            print line
        }
        next
    }
    /\{peer\}/ && !/^ *#/ {
        for (n = 1; n <= count; n++) {
            split(each[n], parts, "=")
            port = parts[2]
            sub(/.*:/, "", port)
            line = $0
            gsub(/\{peer\}/, parts[1], line)
            gsub(/\{address\}/, parts[2], line)
            gsub(/\{peer_port\}/, port, line)
            gsub(/\{peer_id\}/, 1000 + n, line)
            print line
        }
        next
    }
    { print }
' "$INGRESS_DIRECTORY/haproxy.cfg" >"$RUN_DIRECTORY/haproxy.cfg"

exec haproxy -W -db -f "$RUN_DIRECTORY/haproxy.cfg"
