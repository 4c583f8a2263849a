"""Popularity of items in a recent window, the fallback for cold users."""

from __future__ import annotations

import datetime
import math
from fractions import Fraction
from typing import Any

import numpy as np

from .factorize import Array
from .ids import Ids
from .interactions import Interactions

__all__ = ["popularity"]

_MICROSECONDS = {"W": 604_800_000_000, "D": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000} | {
    unit: Fraction(1000, 1000**k) for k, unit in enumerate(("ms", "us", "ns", "ps", "fs", "as"))
}


class Shares(np.ndarray[Any, np.dtype[Any]]):
    """Numbers of items by their ``items``, the ids; whatever is made of it, such as a part, has none."""

    items: Ids | None

    def __array_finalize__(self, obj: Any) -> None:
        self.items = None

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        out = np.asarray(array)
        return out[()] if return_scalar else out


def popularity(interactions: Interactions, *, window: Any = None, prior: Any = 1.0) -> Array:
    r"""Share of the interactions in a recent window that each item has, shrunk towards its share of all interactions.

    With c_i of the C interactions in the window, a_i of all A, and ``m = prior * n_items`` pseudo-counts::

        s_i = (c_i + m a_i / A) / (C + m)

    the posterior mean of a multinomial under a Dirichlet prior with mean a / A (Gelman et al., Bayesian Data Analysis,
    3rd edition, section 3.4). An item that was popular long ago falls, and one that a few took yesterday does not jump
    to the top.

    Parameters
    ----------
    interactions : Interactions
        Interactions to count, each as one, whatever its rating.
    window : datetime.timedelta, numpy.timedelta64 or number, optional
        Length of the window back from the latest interaction; a number is in the unit of the timestamps. A longer
        window reacts more slowly to trends; the whole period counts if not given.
    prior : float
        Average number of pseudo-counts of an item, 0 or more; a larger one shrinks more towards all-time popularity.

    Returns
    -------
    (n_items,) float64 array
        Shares that sum to 1, as an array whose attribute ``items`` has the ids of the items, by which
        :class:`FrameRecommender` finds them.

    Raises
    ------
    ValueError
        If there are no interactions, a window is given and there are no timestamps, a number is out of range, or the
        window has no fixed length (months, years).
    TypeError
        If ``window`` does not fit the timestamps: a time span needs dates.

    Examples
    --------
    >>> from attnrec.data import Interactions, popularity
    >>> data = Interactions.from_arrays(list("aabbc"), list("xyxyz"), timestamps=[1, 1, 2, 9, 9])
    >>> popularity(data).tolist()
    [0.4, 0.4, 0.2]
    >>> popularity(data, window=3, prior=0).tolist()
    [0.0, 0.5, 0.5]
    >>> popularity(data, window=3, prior=1).round(3).tolist()
    [0.24, 0.44, 0.32]
    """
    if not isinstance(interactions, Interactions):
        raise TypeError(f"popularity: interactions is {type(interactions).__name__}: make Interactions of it")
    if not len(interactions):
        raise ValueError("popularity: there are no interactions")
    if not isinstance(prior, (int, float, np.number)) or not (0 <= prior < math.inf):
        raise ValueError(f"popularity: prior={prior!r} is not a number of 0 or more")
    x = interactions.user_items
    whole = np.bincount(x.indices, minlength=x.shape[1]).astype(np.float64)
    share: Array = whole / whole.sum()
    if window is None:
        return _named(share, interactions.items)
    recent = x.indices[_recent(interactions.timestamps, window)]
    m = float(prior) * x.shape[1]
    counts = np.bincount(recent, minlength=x.shape[1])
    return _named((counts + m * share) / (counts.sum() + m), interactions.items)


def _named(shares: Array, items: Ids) -> Array:
    out = shares.view(Shares)
    out.items = items
    return out


def _recent(stamps: Array | None, window: Any) -> Array:
    """Which timestamps are less than ``window`` before the latest."""
    if stamps is None:
        raise ValueError("popularity: window needs timestamps, and these interactions have none")
    dated = stamps.dtype.kind == "M"
    if dated != isinstance(window, (datetime.timedelta, np.timedelta64)):
        fix = "give a timedelta" if dated else "give a number in their unit"
        raise TypeError(f"popularity: window={window!r} does not fit timestamps of {stamps.dtype}: {fix}")
    if not dated and (isinstance(window, bool) or not isinstance(window, (int, float, np.number))):
        raise TypeError(f"popularity: window={window!r} is not a number, in the unit of the timestamps")
    width = _microseconds(window) if dated else window
    if not width > 0:
        raise ValueError(f"popularity: window={window!r} must be above 0")
    out: Array
    if dated:
        out = (stamps.max() - stamps).astype(np.int64) < min(width, np.iinfo(np.int64).max)
    else:
        out = stamps > stamps.max().item() - (width.item() if isinstance(width, np.number) else width)
    return out


def _microseconds(window: datetime.timedelta | np.timedelta64) -> int:
    """A span of time in whole microseconds, rounded up; 0 for NaT."""
    if isinstance(window, datetime.timedelta):
        whole, rest = divmod(window, datetime.timedelta(microseconds=1))
        return whole + bool(rest)
    unit, count = np.datetime_data(window.dtype)
    if unit in ("Y", "M"):
        days = 365 if unit == "Y" else 30
        raise ValueError(
            f"popularity: window={window!r} has no fixed length, since months and years differ: give days, such as "
            f"np.timedelta64({days}, 'D')"
        )
    if unit == "generic":
        raise ValueError(f"popularity: window={window!r} has no unit: give one, such as np.timedelta64(30, 'D')")
    if np.isnat(window):
        return 0
    return math.ceil(int(window.astype(np.int64)) * count * _MICROSECONDS[unit])
