"""The range that predicted ratings are cut to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from .histories import CSR

__all__ = ["Scale"]

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The range declared for the ratings, if one was, widened to whatever is stored: ``low`` and ``high``; and that
    range as it was declared, for updates."""

    low: float
    high: float
    range_low: float | None = None
    range_high: float | None = None

    @classmethod
    def of(cls, x: CSR, given: Range | None) -> Self:
        """That of stored ratings, with the range that was declared for them."""
        low, high = float(x.data.min()), float(x.data.max())
        if given is None:
            return cls(low=low, high=high)
        first, last = (float(np.float32(bound)) for bound in given)
        return cls(low=min(low, first), high=max(high, last), range_low=first, range_high=last)

    @property
    def declared(self) -> Range | None:
        """The range that was declared for the ratings."""
        return None if self.range_low is None or self.range_high is None else (self.range_low, self.range_high)

    def check(self) -> None:
        """Raise ValueError for a scale that :meth:`of` would not have made."""
        if (self.range_low is None) != (self.range_high is None):
            raise ValueError("it holds one of range_low and range_high alone")
        first, last = self.declared or (self.low, self.high)
        most = float(np.finfo(np.float32).max)
        if not -most <= self.low <= first <= last <= self.high <= most:
            raise ValueError(f"the scale of ratings runs from {self.low:g} to {self.high:g}")
