"""Rankings of two libraries beside each other: the same but for rounding. Holds no test."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["assert_same_rankings"]


def assert_same_rankings(ids: Any, scores: Any, want_ids: Any, want: Any, *, tolerance: float = 2e-6) -> None:
    """Scores within ``tolerance`` of the largest; ids equal, but where the next score is as near as two roundings.

    Rows of scores are best first; the lowest float32, which stands for what is hidden, has to be in the same places.
    """
    assert ids.shape == want_ids.shape == scores.shape == want.shape
    hidden = want == np.finfo(np.float32).min
    np.testing.assert_array_equal(scores == np.finfo(np.float32).min, hidden)
    near = tolerance * max(1.0, np.abs(want[~hidden]).max(initial=0))
    np.testing.assert_allclose(scores[~hidden], want[~hidden], rtol=tolerance, atol=near)
    close = (np.abs(np.diff(want.astype(np.float64), axis=-1)) <= 2 * near) & ~hidden[..., 1:]
    edge = np.zeros((*close.shape[:-1], 1), bool)
    swapped = np.concatenate([close, edge], axis=-1) | np.concatenate([edge, close], axis=-1)
    np.testing.assert_array_equal(ids[~swapped], want_ids[~swapped])
