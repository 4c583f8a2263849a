#!/bin/sh
# The NEON kernels against the scalar ones: cross-compiled for 64-bit ARM and run under qemu. Needs, from Debian,
# g++-aarch64-linux-gnu and qemu-user; CMake and ninja on PATH.
set -eu
cd "$(dirname "$0")/.."
for program in aarch64-linux-gnu-g++ qemu-aarch64 cmake ninja; do
    command -v "$program" >/dev/null 2>&1 || {
        echo "neon: no $program. Debian: apt-get install g++-aarch64-linux-gnu qemu-user; pip install cmake ninja" >&2
        exit 1
    }
done
cmake -S . -B build/neon -G Ninja -DATTNREC_BUILD_CHECK=ON -DATTNREC_OPENMP=OFF -DATTNREC_WERROR=ON \
    -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
    -DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++
cmake --build build/neon --target attnrec_check
qemu-aarch64 -L /usr/aarch64-linux-gnu build/neon/attnrec_check
