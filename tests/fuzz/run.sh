#!/bin/sh
# Runs a fuzz target on what is in its corpus and on so many inputs made from it. What it learns is
# thrown away; an input that fails is kept in the current directory, and named.
# Usage: run.sh PROGRAM RUNS CORPUS
set -eu
learned=$(mktemp -d)
trap 'rm -rf "$learned"' EXIT
"$1" -runs="$2" -seed=1 -max_len=4096 -error_exitcode=1 -print_final_stats=1 "$learned" "$3"
