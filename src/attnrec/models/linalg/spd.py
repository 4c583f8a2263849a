"""The inverse of a symmetric positive definite matrix, in place, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ... import ops
from ..._util.extras import require
from ..inputs.histories import Array

__all__ = ["invert", "scratch_bytes"]

BLOCK = 512  # columns swept at a time
_TILE = 64  # side of what BLAS and LAPACK see: OpenBLAS starts no threads for it, which would stall on a busy machine
_STRIP = 512  # rows of the trailing update, whose product takes _STRIP * n floats


def scratch_bytes(n: int) -> int:
    """Memory that :func:`invert` takes in addition to the matrix."""
    return 4 * min(n, _STRIP) * n + 12 * min(n, BLOCK) * n + 60 * BLOCK * BLOCK


def invert(a: Array, step: Callable[[int], object] = lambda n: None) -> None:
    r"""Replace a symmetric positive definite matrix by its inverse.

    The sweep operator (Goodnight, 1979) on blocks of columns K, others J::

        P = A_KK^-1,   A_JJ -= A_JK P A_KJ,   A_JK = A_JK P,   A_KK = -P

    gives -A^-1 once all are swept: n^3 multiplications and additions together, as a Cholesky factor and its inverse
    take. ``P`` is computed in float64, in the same way on tiles, and all other products are
    :func:`attnrec.ops.similarity`'s, so the bits do not depend on the number of threads.

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
    n = len(a)
    product = np.empty(min(n, _STRIP) * n, np.float32)
    for k0 in range(0, n, BLOCK):
        k1 = min(k0 + BLOCK, n)
        try:
            p = _inverse(a[k0:k1, k0:k1]).astype(np.float32)
        except np.linalg.LinAlgError:
            raise np.linalg.LinAlgError(f"not positive definite in columns {k0} to {k1 - 1}") from None
        panel = np.concatenate([a[k0:k1, :k0].T, np.zeros((k1 - k0, k1 - k0), np.float32), a[k1:, k0:k1]])
        swept = ops.similarity(panel, p, check_finite=False)
        for r0, r1, c0, c1 in _updates(n, k0, k1):
            out = product[: (r1 - r0) * (c1 - c0)].reshape(r1 - r0, c1 - c0)
            a[r0:r1, c0:c1] -= ops.similarity(swept[r0:r1], panel[c0:c1], out=out, check_finite=False)
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


def _inverse(a: Array) -> Array:
    """The inverse of one block in float64, from its lower triangle: the same sweep on tiles."""
    n = len(a)
    t = -(-n // _TILE)
    full = np.eye(t * _TILE)
    full[:n, :n] = np.tril(a) + np.tril(a, -1).T
    tiles = np.ascontiguousarray(full.reshape(t, _TILE, t, _TILE).transpose(0, 2, 1, 3))
    for k in range(t):
        p = _tile_inverse(tiles[k, k])
        column = tiles[:, k].copy()
        column[k] = 0
        swept = column @ p
        tiles -= swept[:, None] @ np.ascontiguousarray(column.transpose(0, 2, 1))
        tiles[:, k], tiles[k] = swept, swept.transpose(0, 2, 1)
        tiles[k, k] = -p
    out: Array = -tiles.transpose(0, 2, 1, 3).reshape(full.shape)[:n, :n]
    return out


def _tile_inverse(a: Array) -> Array:
    lapack = require("scipy.linalg.lapack", extra="models")
    factor, info = lapack.dpotrf(a, lower=1, clean=1)
    inverse, failed = lapack.dtrtri(factor, lower=1) if info == 0 else (factor, info)
    if info or failed:
        raise np.linalg.LinAlgError
    out: Array = inverse.T @ inverse
    return out


def _updates(n: int, k0: int, k1: int) -> Iterator[tuple[int, int, int, int]]:
    """Rows r0:r1 and columns c0:c1 that cover the lower triangle but for rows and columns k0:k1."""
    for start, stop in ((0, k0), (k1, n)):
        for r0 in range(start, stop, _STRIP):
            r1 = min(r0 + _STRIP, stop)
            if start and k0:
                yield r0, r1, 0, k0
            yield r0, r1, start, r1
