#!/bin/sh
# Passes when the program dies of SIGABRT and says MESSAGE, a shell pattern, on stderr; a program
# that exits with 77 is skipped. LINE in the message stands for the line of SOURCE that is marked.
# Usage: expect_abort.sh PROGRAM SOURCE MESSAGE
set -u
program=$1
line=$(sed -n '\|// the line|=' "$2")
message=$(printf '%s' "$3" | sed "s/LINE/$line/")
ulimit -c 0

said=$("$program" 2>&1 >/dev/null)
status=$?
printf '%s\n' "$said"

if [ "$status" -eq 77 ]; then
  exit 77
fi
if [ "$status" -ne 134 ]; then
  echo "expected an abort (134), but the exit status is $status"
  exit 1
fi
case $said in
  *$message*) exit 0 ;;
esac
echo "expected the message: $message"
exit 1
