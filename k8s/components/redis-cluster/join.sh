#!/bin/sh
# Makes the pods of a set one cluster, and keeps them one: a pod that starts has another address, and finds the others at new ones.
# Each holds its share of the slots, by its number. One that has lost its volume gets none: what it held is lost, and somebody has to know.
#
#     join.sh <number of this one> <host:port:bus port>...     all of them in their order; the password is in REDISCLI_AUTH
set -u
number=$1
shift
every=${JOIN_SECONDS:-2}
trap 'exit 0' TERM INT

part() { echo "$1" | cut -d: -f"$2"; }

ask() {
    redis-cli -h "$(part "$1" 1)" -p "$(part "$1" 2)" --no-auth-warning cluster "$2" ${3:+"$3"} ${4:+"$4"} ${5:+"$5"}
}

meet() {
    for each in "$@"; do
        [ "$each" = "$own" ] && continue
        address=$(getent ahostsv4 "$(part "$each" 1)" | awk 'NR == 1 {print $1}')
        [ -n "$address" ] || continue
        # Known, and not as what it was before it got this address.
        ask "$own" nodes | grep -v fail | grep -q " $address:$(part "$each" 2)@" ||
            ask "$own" meet "$address" "$(part "$each" 2)" "$(part "$each" 3)"
    done
}

take() {
    first=$((number * 16384 / $#)) last=$(((number + 1) * 16384 / $# - 1))
    # Only once all see each other, and nobody knows whose it is or was.
    for each in "$@"; do
        told=$(ask "$each" nodes) || return
        [ "$(echo "$told" | grep -c ' connected')" -eq $# ] || return
        echo "$told" | grep -q -E "fail|handshake|noaddr| $first-" && return
    done
    ask "$own" addslotsrange "$first" "$last"
}

own=$(eval "echo \${$((number + 1))}")
while :; do
    meet "$@"
    take "$@"
    sleep "$every" &
    wait $!
done
