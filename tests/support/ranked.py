"""Lists and held-out items drawn at random, for the tests of the metrics. Holds no test."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

__all__ = ["ITEMS", "USERS", "drawn"]

USERS, ITEMS = 60, 40


def drawn(seed: int) -> tuple[np.ndarray, Any]:
    """Lists of 10, some shorter, and up to 15 held-out items a user; every seventh has none, though lists."""
    rng = np.random.default_rng(seed)
    ids = rng.random((USERS, ITEMS)).argsort(axis=1)[:, :10]
    ids[np.arange(10) >= rng.integers(1, 11, USERS)[:, None]] = -1
    held_out = rng.random((USERS, ITEMS)) < rng.random((USERS, 1)) * 15 / ITEMS
    held_out[::7] = False
    return ids, sparse.csr_array(held_out.astype(np.float32))
