#!/bin/sh
# Each public header must stop a GCC that destroys temporaries of a co_await expression twice, and
# must name the bug. Usage: refuses_old_gcc.sh INCLUDE_DIRECTORIES...
set -eu

old_gcc() {
  for compiler in g++-12 g++-11 g++-10 g++; do
    version=$("$compiler" -dumpversion 2>/dev/null) || continue
    if [ "${version%%.*}" -lt 13 ]; then
      echo "$compiler"
      return
    fi
  done
}

compiler=$(old_gcc)
if [ -z "$compiler" ]; then
  echo "skipped: there is no GCC before 13 here"
  exit 77
fi

CPLUS_INCLUDE_PATH=$(IFS=: && echo "$*")
export CPLUS_INCLUDE_PATH

failed=0
for include; do
  for header in "$include"/weft/*.hpp "$include"/weft/net/*.hpp "$include"/weft/net/dns/*.hpp; do
    [ -f "$header" ] || continue
    message=$("$compiler" -std=c++20 -fsyntax-only -Wfatal-errors -x c++ "$header" 2>&1) \
      && message="it was accepted"
    case $message in
      *99576*) ;;
      *) echo "$header: $message"; failed=1 ;;
    esac
  done
done
exit "$failed"
