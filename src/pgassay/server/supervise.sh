#!/bin/sh
# Runs a command that must not outlive its owner. Standard input is a pipe whose other end only the owner holds: when
# the owner closes it, or dies by whatever signal, the command is stopped and what it left on disk is removed.
# usage: supervise.sh LITTER... -- COMMAND ARGUMENT...
litter=
while [ "$1" != -- ]; do
    litter="$litter '$1'" # our own paths: never a quote in them
    shift
done
shift
exec 3<&0
"$@" 3<&- </dev/null &
command=$!
{
    cat <&3 >/dev/null
    kill -QUIT "$command" 2>/dev/null
    exit 0
} &
watcher=$!
exec 3<&-
wait "$command"
code=$?
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
if [ $? -eq 0 ]; then
    eval "rm -rf -- $litter"
fi
exit "$code"
