#!/bin/sh
# Installs a build into a temporary directory, then builds the consumer against that and runs it;
# exits with 77 when the tool is missing. Usage: installs.sh meson|cmake|pkg-config BUILD CONSUMER
set -eu
way=$1
build=$2
consumer=$3

if ! command -v "$way" >/dev/null; then
  echo "skipped: there is no $way here"
  exit 77
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage/root meson install -C "$build" --no-rebuild --quiet

# Both the .pc file and the CMake package say where things are relative to themselves.
pc_file=$(find "$stage/root" -name weft.pc)
cmake_file=$(find "$stage/root" -name weftConfig.cmake)
PKG_CONFIG_PATH=$(dirname "$pc_file")
export PKG_CONFIG_PATH
libdir=$(dirname "$PKG_CONFIG_PATH")
export LD_LIBRARY_PATH="$libdir"  # when the library is a shared one

case $way in
  meson)
    meson setup "$stage/build" "$consumer"
    meson compile -C "$stage/build"
    program=$stage/build/consumer
    ;;
  cmake)
    cmake -G Ninja -S "$consumer" -B "$stage/build" -Dweft_DIR="$(dirname "$cmake_file")"
    cmake --build "$stage/build"
    program=$stage/build/consumer
    ;;
  pkg-config)
    program=$stage/consumer
    # Unquoted: the compiler may be several words, and the flags are.
    # shellcheck disable=SC2046,SC2086
    $CXX -std=c++20 "$consumer/consumer.cpp" -o "$program" $(pkg-config --cflags --libs weft)
    ;;
esac
"$program"
