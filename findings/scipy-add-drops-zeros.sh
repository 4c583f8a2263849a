#!/usr/bin/env bash
# scipy 1.16.3: the sum of two CSR matrices does not keep entries that store a 0, although CSR keeps them otherwise: whoever adds
# an empty matrix to interactions with ratings of 0 (or joins two disjoint sets of them by +) loses the pairs rated 0.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.16.3 numpy==2.3.5
"$here/venv/bin/python" - <<'PY'
from scipy.sparse import csr_array, vstack

ratings = csr_array(([0.0, 1.0], ([0, 0], [0, 1])), shape=(1, 2))
found = ratings.nnz, (ratings + csr_array((1, 2))).nnz, vstack([ratings, csr_array((1, 2))]).nnz
print("entries stored; after + an empty matrix; after vstack with one:", *found)
assert found == (2, 1, 2), "changed"
PY
