"""Histories with ratings at both ends of a scale, and with dislikes: what several rooms of tests fit models on."""

from __future__ import annotations

import numpy as np

RATED = (9, 14)  # users, items of enthusiasts()
SIGNED = (12, 10)  # users, items of signed()


def enthusiasts(seed: int = 0) -> np.ndarray:
    """Generous users and good items, so that both together lead past the scale."""
    rng = np.random.default_rng(seed)
    users, items = np.linspace(-2, 2, RATED[0])[:, None], rng.permutation(np.linspace(-2, 2, RATED[1]))
    x = np.clip(np.round(3 + users + items), 1, 5)
    kept = rng.random(RATED) < 0.6
    kept[0, 0] = kept[-1, 1] = True
    x[0, 0], x[-1, 1] = 1, 5
    return np.where(kept, x, 0).astype(np.float32)


def signed(seed: int = 0) -> np.ndarray:
    """Counts, and dislikes: user 3 has those alone, user 5 has nothing, and item 7 is disliked by whoever knows it."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(SIGNED) < 0.45, rng.integers(1, 4, SIGNED), 0)
    x = np.where((rng.random(SIGNED) < 0.25) & (x == 0), -rng.integers(1, 3, SIGNED), x)
    x[3, :], x[3, [1, 4]], x[5, :] = 0, -1, 0
    x[:, 7] = -np.abs(x[:, 7])
    x[0, :3] = 1
    return x.astype(np.float32)
