#!/usr/bin/env bash
# scipy 1.16.3: products of sparse and dense float32 are one running float32 sum, so that their error grows with the entries of a
# row: a million products of .1 and .1 are off by one part in a hundred. With one of the two in float64 the same product is right.
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet --disable-pip-version-check scipy==1.16.3 numpy==2.3.5
"$here/venv/bin/python" - <<'PY'
import numpy as np
from scipy.sparse import csr_array

x = np.full((1, 1_000_000), 0.1, np.float32)
want = float(x[0].astype(np.float64) @ x[0].astype(np.float64))
off = {
    "sparse @ dense, float32": float((csr_array(x) @ x.T)[0, 0]) / want - 1,
    "sparse @ sparse, float32": float((csr_array(x) @ csr_array(x).T).toarray()[0, 0]) / want - 1,
    "sparse @ dense, float64": float((csr_array(x.astype(np.float64)) @ x.T)[0, 0]) / want - 1,
}
for name, error in off.items():
    print(f"{name}: off by {error:.1e}")
assert abs(off["sparse @ dense, float32"]) > 1e-3 and abs(off["sparse @ sparse, float32"]) > 1e-3, "changed"
assert abs(off["sparse @ dense, float64"]) < 1e-9
PY
