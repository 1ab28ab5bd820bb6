#!/bin/sh
# Runs a command that must not outlive its owner. Standard input is a pipe whose other end only the owner holds: when
# the owner closes it, or dies by whatever signal, the command is stopped and what it left on disk is removed.
# Started as the leader of a process group of its own.
# usage: supervise.sh FOLDER LOCK SOCKETS COMMAND ARGUMENT...
folder=$1 lock=$2 sockets=$3
shift 3
stopped=
trap 'stopped=yes' TERM
exec 3<&0
"$@" 3<&- </dev/null &
command=$!
(
    trap '' TERM
    read -r _ <&3
    # TERM ends whatever runs before postgres does (cp, initdb); QUIT is postgres' immediate shutdown, and the shell
    # has started the command with QUIT ignored, so it may be lost before postgres listens: again, then.
    kill -TERM 0
    patience=100
    while kill -QUIT "$command" && [ "$patience" -gt 0 ]; do
        patience=$((patience - 1))
        sleep 0.1
    done
    kill -KILL "$command"
) 2>/dev/null &
watcher=$!
exec 3<&-
while :; do
    wait "$command"
    code=$?
    kill -0 "$command" 2>/dev/null || break # else it was the signal that ended the wait
done
kill -KILL "$watcher" 2>/dev/null
if [ "$stopped" ]; then
    # The lock goes last: as long as it is there, the next start clears up what could not be removed now.
    rm -rf -- "$folder" "$sockets" || { sleep 0.2 && rm -rf -- "$folder" "$sockets"; }
    [ -e "$folder" ] || rm -f -- "$lock"
fi
exit "$code"
