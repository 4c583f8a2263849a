#!/bin/sh
# The AVX-512 kernels against the scalar ones on a machine without AVX-512: the intrinsics are emulated. Needs, from
# Debian, libsimde-dev; a processor with AVX2; CMake and ninja on PATH.
set -eu
cd "$(dirname "$0")/.."
for program in cmake ninja; do
    command -v "$program" >/dev/null 2>&1 || { echo "avx512: no $program: pip install cmake ninja" >&2; exit 1; }
done
cmake -S . -B build/avx512 -G Ninja -DATTNREC_BUILD_CHECK=ON -DATTNREC_EMULATE_AVX512=ON
cmake --build build/avx512 --target attnrec_check
build/avx512/attnrec_check
