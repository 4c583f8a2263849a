"""The range that predicted ratings are cut to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .histories import CSR

__all__ = ["check", "declared", "facts", "layout"]

Range = tuple[float, float]


def facts(x: CSR, given: Range | None) -> dict[str, float]:
    """Entries of a state: ``low`` and ``high``, the range declared for the ratings, if one was, widened to whatever is
    stored; and that range as it was ``given``, for updates."""
    low, high = float(x.data.min()), float(x.data.max())
    if given is None:
        return {"low": low, "high": high}
    first, last = (float(np.float32(bound)) for bound in given)
    return {"low": min(low, first), "high": max(high, last), "range_low": first, "range_high": last}


def declared(state: Mapping[str, Any]) -> Range | None:
    """The range that was declared for the ratings of a state."""
    return (state["range_low"], state["range_high"]) if "range_low" in state else None


def layout(state: Mapping[str, Any]) -> dict[str, Any]:
    """What these entries must look like (see :func:`checks.fits`)."""
    return dict.fromkeys(("low", "high", *(("range_low", "range_high") if "range_low" in state else ())), float)


def check(state: Mapping[str, Any]) -> None:
    """Raise ValueError for a scale that :func:`facts` would not have made."""
    first, last = declared(state) or (state["low"], state["high"])
    most = float(np.finfo(np.float32).max)
    if not -most <= state["low"] <= first <= last <= state["high"] <= most:
        raise ValueError(f"the scale of ratings runs from {state['low']:g} to {state['high']:g}")
