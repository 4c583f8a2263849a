#!/usr/bin/env bash
# scipy 1.16.3: a COO matrix may store several entries at one place, which are added up when it becomes CSR, in the dtype of the
# matrix: ratings or counts kept as uint8 wrap around at 256 in silence, and True + True stays True. NumPy's sum of the same
# values, in a wider dtype, is 300. The matrix's own sum() adds them in place: afterwards the matrix stores the wrapped value.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.16.3 numpy==2.3.5
"$here/venv/bin/python" - <<'PY'
import numpy as np
from scipy.sparse import coo_array

place = ([0, 0], [0, 0])
plays = coo_array((np.array([200, 100], np.uint8), place), shape=(1, 1))
seen = coo_array((np.array([True, True]), place), shape=(1, 1))
found = plays.data.sum(), plays.tocsr()[0, 0], seen.tocsr().astype(int)[0, 0]
print("uint8 200 + 100 by NumPy, as CSR; True + True as CSR:", *found)
assert [int(x) for x in found] == [300, 44, 1], "changed"
print("stored before and after sum():", plays.nnz, end=" ")
plays.sum()
print(plays.nnz, plays.data)
assert plays.data.tolist() == [44], "changed"
PY
