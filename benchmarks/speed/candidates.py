"""How many items pass the threshold of a query, and how many its 8-bit certificate can not rule out. Times nothing.

Run ``python -m benchmarks.speed.candidates``. It walks like the kernels, in NumPy: strips of 96 items, each against the
threshold that the strips before it left; by id in float32, by decreasing norm on 8 bits behind a head of 960 items.
Lists longer than 32 of many queries start from a threshold that 2,048 sampled items suggest (``csrc/ops/retrieval/threshold_estimate.h``).
"""

from __future__ import annotations

import argparse

import numpy as np

STRIP, HEAD, PANEL, SAMPLE, SHORT = 96, 960, 12, 2048, 32


def guess(scores: np.ndarray, k: int) -> tuple[float, int]:
    """A score that is all but surely below the k-th best, and items of the sample that were kept to find it."""
    if k <= SHORT:
        return -np.inf, 0
    sample = scores[np.linspace(0, len(scores) - 1, SAMPLE, dtype=int)]
    expected = k * SAMPLE / len(scores)
    rank = int(expected + 5 * expected**0.5 + 4)
    return float(np.sort(sample)[-rank]), passed(sample, sample, rank, 0, -np.inf)[1]


def passed(scores: np.ndarray, bounds: np.ndarray, k: int, head: int, first: float) -> tuple[int, int]:
    """For one query, items scored (behind the head: not ruled out by ``bounds``, which are upper) and items kept, if
    ``first`` is the threshold to begin with."""
    best = np.full(k, first)
    suspects = kept = 0
    for start in range(0, len(scores), STRIP):
        threshold = best[-1]
        here, upper = scores[start : start + STRIP], bounds[start : start + STRIP]
        looked = here if start < head else here[upper > threshold]
        suspects += 0 if start < head else len(looked)
        for score in looked:
            if score > best[-1]:
                kept += 1
                best[-1] = score
                best.sort()
                best = best[::-1].copy()
    return suspects, kept


def quantised(x: np.ndarray, top: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    step = np.where(top == 0, 1, top / levels)
    return step, np.rint(x / step)


def upper_bounds(query: np.ndarray, items: np.ndarray, levels: int) -> np.ndarray:
    """ab p.q + |e| nu + |w| rho of every item, as csrc/kernels/int8_table.h has it, without the terms of rounding."""
    n, d = items.shape
    panels = np.zeros((-(-n // PANEL) * PANEL, d))
    panels[:n] = items
    panels = panels.reshape(-1, PANEL, d)
    a, q = quantised(panels, np.abs(panels).max((1, 2), keepdims=True), levels)
    b, p = quantised(query, np.abs(query).max(), 127)
    rho = np.linalg.norm(panels - a * q, axis=2).max(1, keepdims=True)
    nu = np.linalg.norm(a * q, axis=2).max(1, keepdims=True)
    bound = np.linalg.norm(query - b * p) * nu + np.linalg.norm(query) * rho
    return ((a[..., 0] * b * (q @ p)) + bound).reshape(-1)[:n]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--levels", type=int, default=31, help="of items: 31 on AVX2 and AVX-512BW, 127 otherwise")
    options = parser.parse_args()
    r = np.random.default_rng(0)
    for n, d, k in ((100_000, 64, 10), (100_000, 64, 100), (100_000, 128, 10), (1_000_000, 64, 10)):
        items = r.standard_normal((n, d), dtype=np.float32)
        order = np.argsort(-np.linalg.norm(items, axis=1), kind="stable")
        by_id, by_norm, sampled = [], [], []
        for query in r.standard_normal((options.users, d)):
            scores = items @ query
            first, kept = guess(scores, k)
            sampled.append(kept)
            by_id.append(passed(scores, scores, k, 0, first)[1])
            by_norm.append(passed(scores[order], upper_bounds(query, items[order], options.levels), k, HEAD, first))
        suspects, kept = np.mean(by_norm, axis=0)
        print(
            f"n={n:,} d={d} k={k}: a sample keeps {np.mean(sampled):.0f} items a query; then float32 by id keeps "
            f"{np.mean(by_id):.0f} on the way; 8 bits by norm "
            f"score {suspects:.0f} behind the head again, of which and of the head {kept:.0f} are kept"
        )


if __name__ == "__main__":
    main()
