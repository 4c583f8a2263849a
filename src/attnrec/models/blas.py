"""Small systems of equations, one after the other. Knows no model."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np

from .._extras import need
from .sparse import Array

__all__ = ["one_thread", "solve"]


def one_thread() -> AbstractContextManager[Any]:
    """Within it BLAS and LAPACK use one thread: for small matrices theirs cost more in waiting than they bring."""
    out: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return out


@cache
def _controller() -> Any:
    need("scipy.linalg", extra="models")  # what is not loaded yet would not be found
    return need("threadpoolctl", extra="models").ThreadpoolController()


def solve(a: Array, y: Array) -> Array:
    """``a^-1 y`` for a symmetric positive definite ``a`` (n, n), which is written over, and ``y`` (n,)."""
    _, x, info = need("scipy.linalg.lapack", extra="models").dposv(a, y, lower=1, overwrite_a=1)
    if info:
        raise ValueError(f"a system of {len(y)} equations is singular: raise the noise")
    return np.asarray(x)
