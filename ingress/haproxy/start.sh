#!/bin/sh
# Writes haproxy.cfg with one server line for each of the PODS ordinals, then becomes HAProxy.
set -eu

case "$PODS" in '' | *[!0-9]* | 0*) echo "PODS is the largest scale, a whole number from 1: '$PODS'" >&2; exit 2 ;; esac

awk -v pods="$PODS" '
    /\{ordinal\}/ && !/^ *#/ {
        for (ordinal = 0; ordinal < pods; ordinal++) {
            line = $0
            gsub(/\{ordinal\}/, ordinal, line)
            gsub(/\{id\}/, ordinal + 1, line)
            print line
        }
        next
    }
    { print }
' "$INGRESS_DIRECTORY/haproxy.cfg" >"$RUN_DIRECTORY/haproxy.cfg"

exec haproxy -W -db -f "$RUN_DIRECTORY/haproxy.cfg"
