"""Time, steps and memory of KernelAttentionRegressor at the size of MovieLens 1M, on ratings that are simulated.

Who rated what is real; the ratings are the mean, biases of user and item, a product of 8 factors and noise, rounded to
1 .. 5. Run by the accuracy benchmark in a process of its own; the last line that it prints is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec.models import KernelAttentionRegressor
from benchmarks.quality.accuracy_data import movielens_1m
from benchmarks.speed.read_csv import peak_bytes

RANK, SEED = 8, 1
MOST = {"fit": 60.0, "peak_gb": 2.0, "steps": 30}


def simulated(pattern: sp.csr_array, seed: int = SEED) -> sp.csr_array:
    """Ratings 1 .. 5 at the stored entries of ``pattern``."""
    rng = np.random.default_rng(seed)
    n_users, n_items = pattern.shape
    users, items = np.repeat(np.arange(n_users), np.diff(pattern.indptr)), pattern.indices
    ratings = 3.6 + 0.4 * rng.standard_normal(n_users)[users] + 0.5 * rng.standard_normal(n_items)[items]
    tastes, kinds = rng.standard_normal((n_users, RANK)), rng.standard_normal((n_items, RANK))
    ratings += 0.2 * np.einsum("nr,nr->n", tastes[users], kinds[items]) + 0.75 * rng.standard_normal(len(users))
    values = np.clip(np.rint(ratings), 1, 5).astype(np.float32)
    return sp.csr_array((values, pattern.indices, pattern.indptr), shape=pattern.shape)


def main(root: Path) -> None:
    pattern = movielens_1m(root)
    if pattern is None:
        return
    ratings = simulated(pattern)
    del pattern
    told: list[tuple[int, float]] = []
    before, started = peak_bytes(), time.perf_counter()
    model = KernelAttentionRegressor().fit(
        ratings, show_progress=False, callback=lambda step, seconds, residual: told.append((step, residual))
    )
    seconds = time.perf_counter() - started
    residuals = [dict(told)[int(last)] for last in np.cumsum(model.steps_)]
    one: dict[str, Any] = {"fit": seconds, "peak_gb": peak_bytes() / 1e9, "steps": max(model.steps_)}
    left = ", ".join(f"{residual:.1e}" for residual in residuals)
    print(
        f"MovieLens 1M, who rated what, with {ratings.nnz:,} ratings simulated: fit {seconds:.1f} s, steps of "
        f"conjugate gradients {model.steps_}, ||residual||^2 / ||r - mean||^2 {left}, "
        f"peak {one['peak_gb']:.2f} GB ({before / 1e9:.2f} before the fit)"
    )
    for name, most in MOST.items():
        print(f"{name} {one[name]:.4g} < {most:g}: {'met' if one[name] < most else 'MISSED'}")
    print(json.dumps({**one, "steps": model.steps_, "residuals": residuals}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
