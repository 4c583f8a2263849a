"""Small symmetric positive definite systems, solved on one BLAS thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from ..._util.extras import require
from ..inputs.histories import Array

__all__ = ["one_thread", "solve"]

_lock = threading.Lock()
_inside: list[Any] = []  # for each who is within one_thread: the limit that the first of them set, or None


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Within it BLAS and LAPACK use one thread: for small matrices theirs cost more in waiting than they bring.

    The setting is the process's. Threads that are within it at once share it, and the last to leave puts back what was
    before the first came.
    """
    with _lock:
        _inside.append(_controller().limit(limits=1, user_api="blas") if not _inside else None)
    try:
        yield
    finally:
        with _lock:
            limit = _inside.pop() if len(_inside) == 1 else _inside.pop(1)
            if limit is not None:
                limit.restore_original_limits()


@cache
def _controller() -> Any:
    require("scipy.linalg", extra="models")  # what is not loaded yet would not be found
    return require("threadpoolctl", extra="models").ThreadpoolController()


def solve(a: Array, y: Array) -> Array:
    """``a^-1 y`` for a symmetric positive definite ``a`` (n, n), which is written over, and ``y`` (n,)."""
    _, x, info = require("scipy.linalg.lapack", extra="models").dposv(a, y, lower=1, overwrite_a=1)
    if info:
        raise ValueError(f"a system of {len(y)} equations is singular: raise the noise")
    return np.asarray(x)
