#!/bin/sh
# Every static check, reports only. Wants the tools of tools/requirements.txt and an installed attnrec[test] on PATH.
set -eu
cd "$(dirname "$0")/.."
say() { printf '== %s\n' "$*"; }

say ruff
ruff check .
ruff format --check --quiet . || { echo "ruff format: 'make format' mends these:" >&2; ruff format --check . >&2; exit 1; }
say mypy
python -m mypy
say stubtest
# The attribute of the package is the installed one, so stubs are compared with the extension that was just built.
MYPYPATH='' python -m mypy.stubtest --concise --ignore-unused-allowlist --allowlist tools/stubtest.txt attnrec._core
say docstrings
python tools/docstrings.py
say clang-format
unformatted=$(find csrc examples tests/consumers src/attnrec/include -name '*.cpp' -o -name '*.h' -o -name '*.c' |
    while read -r file; do clang-format "$file" | cmp -s - "$file" || echo "$file"; done)
[ -z "$unformatted" ] || { printf "clang-format: 'make format' mends these:\n%s\n" "$unformatted" >&2; exit 1; }
say "lint passed"
