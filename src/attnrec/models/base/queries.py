"""Users to score, by number, history or features."""

from __future__ import annotations

from dataclasses import dataclass

from ..inputs.histories import CSR, Array

__all__ = ["Queries"]


@dataclass(frozen=True)
class Queries:
    """Users to score: fitted ones by number, or any by history.

    Attributes
    ----------
    userids : (b,) int64
        -1 for a user who was not fitted.
    given : (b, items) CSR or None
        Histories to use instead of the fitted ones.
    features : (b, width) CSR or array, or None
        Features to use instead of the fitted ones.
    """

    userids: Array
    given: CSR | None
    features: CSR | Array | None = None

    def __getitem__(self, rows: slice) -> Queries:
        given = None if self.given is None else self.given[rows]
        return Queries(self.userids[rows], given, None if self.features is None else self.features[rows])
