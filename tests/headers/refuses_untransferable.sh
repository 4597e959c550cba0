#!/bin/sh
# What cannot travel to another process is refused by the compiler, with a sentence that says what
# to do. Usage: refuses_untransferable.sh INCLUDE -- COMPILER...
set -u
include=$1
shift 2

code=$(mktemp --suffix=.cpp)
trap 'rm -f "$code"' EXIT

refused() {  # SENTENCE CODE
  printf '#include <weft/process.hpp>\n#include <weft/process_pool.hpp>\n%s\n' "$2" >"$code"
  if said=$($compiler -std=c++20 -fsyntax-only -I"$include" "$code" 2>&1); then
    echo "this compiles: $2"
    exit 1
  fi
  echo "$said" | grep -F "$1" >/dev/null || {
    echo "$said"
    echo "this sentence is missing: $1"
    exit 1
  }
}

compiler=$*
type='this type cannot travel to another process; give it MSGPACK_DEFINE(members)'
refused "$type" \
  'struct point { int x; };  void f(point) {}
   auto a() { return weft::process::start(f, point{1}); }'
refused "$type" \
  'void f(int*) {}  auto a(int* p) { return weft::process::start(f, p); }'
refused "$type" \
  'struct point { int x; };  point f() { return {1}; }
   auto a(weft::process_pool& pool) { return pool.run(f); }'
refused 'a child process calls a function or a lambda without captures' \
  'auto a(weft::process_pool& pool, int n) { return pool.run([n] { return n; }); }'
