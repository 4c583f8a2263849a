"""Errors of predicted ratings: RMSE and MAE."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._checks import Array, numbers

__all__ = ["mae", "rmse"]


def rmse(ratings: Any, predicted: Any) -> float:
    """Root mean squared error over all ratings together (not a mean over users).

    Parameters
    ----------
    ratings : (p,) array_like
        True ratings.
    predicted : (p,) array_like
        Predicted ratings of the same pairs of users and items.

    Returns
    -------
    float
        Error in units of the ratings.

    Raises
    ------
    ValueError
        If the lengths differ or are 0, or lists are ragged.
    TypeError
        If an input is sparse.

    Examples
    --------
    >>> from attnrec.metrics import rmse
    >>> rmse([3, 5], [4, 4])
    1.0
    """
    return float(np.sqrt(np.mean(_errors(ratings, predicted) ** 2)))


def mae(ratings: Any, predicted: Any) -> float:
    """Mean absolute error over all ratings together.

    Parameters
    ----------
    ratings : (p,) array_like
        True ratings.
    predicted : (p,) array_like
        Predicted ratings of the same pairs of users and items.

    Returns
    -------
    float
        Error in units of the ratings.

    Raises
    ------
    ValueError
        If the lengths differ or are 0, or lists are ragged.
    TypeError
        If an input is sparse.

    Examples
    --------
    >>> from attnrec.metrics import mae
    >>> mae([3, 5], [4, 3])
    1.5
    """
    return float(np.mean(np.abs(_errors(ratings, predicted))))


def _errors(ratings: Any, predicted: Any) -> Array:
    fix = "pass one number for each pair; of a CSR matrix x its values x.data, of lists numpy.concatenate(lists)"
    true, guess = numbers("ratings", ratings, fix), numbers("predicted", predicted, fix)
    if true.shape != guess.shape or true.size == 0:
        raise ValueError(f"ratings {true.shape} and predicted {guess.shape} must have one shape and not be empty")
    return guess - true
