#!/bin/sh
# Says in one line what this machine lacks to build attnrec, and how to get it. Reads only; installs nothing.
set -u
python=${1:-python3}

fail() {
    echo "attnrec: $*" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    fail "no '$python' here. Install Python >= 3.11 (Debian: apt-get install python3 python3-venv python3-dev), or name one: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "'$python' is $("$python" -V 2>&1); Python >= 3.11 is needed. Name a newer one: make PYTHON=python3.11"
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "'$python' cannot make virtual environments. Debian and Ubuntu: apt-get install python3-venv"
"$python" -c 'import os, sysconfig; open(os.path.join(sysconfig.get_path("include"), "Python.h"))' 2>/dev/null ||
    fail "'$python' came without its C headers (Python.h). Debian and Ubuntu: apt-get install python3-dev; Fedora: dnf install python3-devel"

if [ -n "${CXX:-}" ]; then
    compiler=$CXX
else
    for compiler in c++ g++ clang++ none; do
        command -v "$compiler" >/dev/null 2>&1 && break
    done
fi
# CXX may hold a launcher and flags ("ccache g++"), so it is split on purpose.
# shellcheck disable=SC2086
set -- $compiler
command -v "$1" >/dev/null 2>&1 ||
    fail "no C++ compiler (${CXX:-c++, g++, clang++}). Debian and Ubuntu: apt-get install g++; macOS: xcode-select --install; or name one: make CXX=g++-12"
echo 'int main() { if (int x = 0; x) return x; }' | "$@" -std=c++17 -x c++ -fsyntax-only - 2>/dev/null ||
    fail "'$compiler' does not take C++17 (GCC >= 9 and Clang >= 10 do). Name another: make CXX=g++-12"
