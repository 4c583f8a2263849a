"""The inverse of a symmetric positive definite matrix, in place, in blocks. Knows arrays alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import ops
from .._extras import need
from .sparse import Array

__all__ = ["invert", "scratch_bytes"]

BLOCK = 512  # columns swept at a time: LAPACK sees matrices of this size alone
_STRIP = 512  # rows of the trailing update, whose product takes _STRIP * n floats


def scratch_bytes(n: int) -> int:
    """Memory that :func:`invert` takes beside the matrix."""
    return 4 * min(n, _STRIP) * n + 12 * min(n, BLOCK) * n + 40 * BLOCK * BLOCK


def invert(a: Array, step: Callable[[int], object] = lambda n: None) -> None:
    r"""Replace a symmetric positive definite matrix by its inverse.

    The sweep operator (Goodnight, 1979) on blocks of columns K, others J::

        P = A_KK^-1,   A_JJ -= A_JK P A_KJ,   A_JK = A_JK P,   A_KK = -P

    gives -A^-1 once all are swept: n^3 multiplications and additions together, as a Cholesky factor and its inverse
    take. The products are :func:`attnrec.ops.similarity`'s, so the bits do not depend on the number of threads but
    for those of ``P``, which LAPACK computes in float64.

    Parameters
    ----------
    a : (n, n) float32, C-contiguous
        Only its lower triangle is read.
    step : callable
        Told after each block how many columns it had.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite to float32's precision; ``a`` is spoiled then.
    """
    lapack = need("scipy.linalg.lapack", extra="models")
    n = len(a)
    product = np.empty(min(n, _STRIP) * n, np.float32)
    for k0 in range(0, n, BLOCK):
        k1 = min(k0 + BLOCK, n)
        factor, info = lapack.dpotrf(a[k0:k1, k0:k1].astype(np.float64), lower=1)
        inverse, failed = lapack.dpotri(factor, lower=1) if info == 0 else (factor, info)
        if info or failed:
            raise np.linalg.LinAlgError(f"not positive definite at column {k0 + max(info, failed) - 1}")
        p = (np.tril(inverse) + np.tril(inverse, -1).T).astype(np.float32)
        panel = np.concatenate([a[k0:k1, :k0].T, np.zeros((k1 - k0, k1 - k0), np.float32), a[k1:, k0:k1]])
        swept = ops.similarity(panel, p, check_finite=False)
        for r0 in range(0, n, _STRIP):
            r1 = min(r0 + _STRIP, n)
            out = product[: (r1 - r0) * r1].reshape(r1 - r0, r1)
            a[r0:r1, :r1] -= ops.similarity(swept[r0:r1], panel[:r1], check_finite=False, out=out)
        a[k0:k1, :k0] = swept[:k0].T
        a[k1:, k0:k1] = swept[k1:]
        a[k0:k1, k0:k1] = -p
        step(k1 - k0)
    for r0 in range(0, n, _STRIP):
        r1 = min(r0 + _STRIP, n)
        np.negative(a[r0:r1, :r1], out=a[r0:r1, :r1])
        corner = a[r0:r1, r0:r1]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
        a[:r0, r0:r1] = a[r0:r1, :r0].T
