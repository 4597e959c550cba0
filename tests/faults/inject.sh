#!/bin/sh
# Runs PROGRAM again and again while strace lets calls of the system fail; each run must end with 0
# within 20 seconds, and in some of them the fault must have been met. Skipped where strace cannot
# trace. For FAULT ("error=EINTR") and WHEN ("3", "1+2", "5..9") see "inject" in strace(1).
# Usage: inject.sh PROGRAM BACKEND CALL FAULT WHEN...
set -u
program=$1 backend=$2 call=$3 fault=$4
shift 4
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

strace -o /dev/null true 2>"$log/refusal" || {
  echo "skipped: strace does not work here: $(cat "$log/refusal")"
  exit 77
}

# The leak checker traces its own process, which has a tracer already.
export WEFT_BACKEND="$backend" ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
met=0
for when in "$@"; do
  strace -f -o "$log/calls" -e "trace=$call" -e "inject=$call:$fault:when=$when" \
    timeout -k 1 20 "$program"
  status=$?
  if [ "$status" -ne 0 ]; then
    tail -n 30 "$log/calls"
    echo "$call with $fault:when=$when on $backend: the exit status is $status"
    exit 1
  fi
  met=$((met + $(grep -c INJECTED "$log/calls")))
done
echo "$call met $fault $met times, in $# runs"
[ "$met" -ne 0 ]
