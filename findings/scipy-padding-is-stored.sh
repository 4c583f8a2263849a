#!/usr/bin/env bash
# scipy 1.16.3: the zeros that fill up the blocks of BSR are entries once it becomes CSR, those that fill up the diagonals of DIA
# are not. A mask or a matrix of interactions that went through BSR says more than it did.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.16.3 numpy==2.3.5
"$here/venv/bin/python" - <<'PY'
import numpy as np
from scipy.sparse import csr_array

seen = csr_array(np.array([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]))
found = seen.nnz, seen.tobsr((2, 2)).tocsr().nnz, seen.todia().tocsr().nnz
print("entries of CSR, by way of BSR, by way of DIA:", *found)
assert found == (2, 8, 2), "changed"
PY
