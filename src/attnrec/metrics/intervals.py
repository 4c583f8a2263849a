"""Confidence intervals of means over users, by the bootstrap."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ._checks import Array, numbers

__all__ = ["confidence_interval"]

_BLOCK = 1 << 21  # drawn users at a time: 16 MiB of counts


def confidence_interval(
    values: Any,
    *,
    weights: Any = None,
    level: float = 0.95,
    resamples: int = 1000,
    random_state: int | np.random.Generator = 0,
) -> Any:
    """Percentile bootstrap of means over users (Efron and Tibshirani, 1993, section 13.3).

    Each sample draws all u users with replacement; all columns share the draws. The interval says how far a
    mean would vary with other users of the same kind, not with another split or another fit.

    Parameters
    ----------
    values : (u,) or (u, m) array_like
        Values of each user, as metrics give with ``per_user=True``; NaN leaves a user out of that column.
    weights : (u,) or (u, m) array_like, optional
        Weights of the mean, 0 or more. The mean of the users' mean squared errors, weighted by their numbers of
        ratings, is the overall mean squared error; the square roots of its limits are those of the RMSE.
    level : float
        Share of the resampled means inside the interval, between 0 and 1 (both excluded); a larger one gives a wider
        interval.
    resamples : int
        Number of bootstrap samples, at least 1; more make the limits less noisy and take longer.
    random_state : int or numpy.random.Generator
        Seed of the draws, 0 or more, or a generator; the same seed gives the same interval.

    Returns
    -------
    (2,) or (2, m) float64 ndarray
        Lower and upper limit; NaN for a column without values.

    Raises
    ------
    ValueError
        If shapes differ, ``level`` is not between 0 and 1, ``resamples`` is below 1, or a weight is negative or not
        finite.

    Examples
    --------
    >>> from attnrec.metrics import confidence_interval
    >>> confidence_interval([0.0, 0.5, 1.0, 0.5, float("nan")]).round(3)
    array([0.125, 0.875])
    >>> confidence_interval([0.7, 0.7, 0.7])
    array([0.7, 0.7])
    """
    given = numbers("values", values, "pass one number for each user, as metrics give with per_user=True")
    if given.ndim not in (1, 2):
        raise ValueError(f"values must be (users,) or (users, metrics), not {given.shape}")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie between 0 and 1, for example 0.95")
    if operator.index(resamples) < 1:
        raise ValueError(f"resamples is {resamples}; it must be at least 1, for example 1000")
    x = given[:, None] if given.ndim == 1 else given
    w = np.isfinite(x).astype(np.float64)
    if weights is not None:
        w *= _weights(weights, given.shape)
    counted = (w > 0).any(axis=1)
    means = _resampled(np.where(w > 0, x, 0.0)[counted], w[counted], resamples, np.random.default_rng(random_state))
    ends = [(1 - level) / 2, (1 + level) / 2]
    limits = np.full((2, x.shape[1]), np.nan)
    known = np.isfinite(means).any(axis=0)
    if known.any():
        limits[:, known] = np.nanquantile(means[:, known], ends, axis=0)
    return limits.reshape((2, *given.shape[1:]))


def _weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """(u, m) or (u, 1)."""
    w = numbers("weights", weights, "pass one number for each user")
    if w.shape not in (shape, shape[:1]):
        raise ValueError(f"weights {w.shape} must be those of values {shape}, or one for each user, ({shape[0]},)")
    if not (np.isfinite(w) & (w >= 0)).all():
        raise ValueError("weights must be finite and not negative")
    return w[:, None] if w.ndim == 1 else w


def _resampled(x: Array, w: Array, resamples: int, rng: np.random.Generator) -> Array:
    """(resamples, m) weighted means of users drawn with replacement; NaN where only weights of 0 were drawn."""
    users = len(x)
    means = np.full((resamples, x.shape[1]), np.nan)
    weighted = w * x
    step = max(1, _BLOCK // max(users, 1))
    for start in range(0, resamples if users else 0, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, users, size=(rows, users))
        drawn += users * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * users).reshape(rows, users).astype(np.float64)
        weight = times @ w
        np.divide(times @ weighted, weight, out=means[start : start + rows], where=weight > 0)
    return means
