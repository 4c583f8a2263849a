"""Part: one decomposition of a score into contributions by id, and the names of ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Names", "Part", "named"]

Array = np.ndarray[Any, np.dtype[Any]]
Names = Callable[[int], object] | Mapping[int, object] | Sequence[object] | None


@dataclass(frozen=True, eq=False)
class Part:
    """One way to decompose a score: the contribution of each id, the largest (by size) first.

    Attributes
    ----------
    ids : (k,) int64
        Ids of the listed contributions: items, users, features or modalities.
    contributions : (k,) float64
        Contribution of each id to the score.
    weights : (k,) float64, optional
        Weight of each id, such as its attention, where a contribution is one product ``weights * values``.
    values : (k,) float64, optional
        Value of each id, such as a rating, where a contribution is one product ``weights * values``.
    rest : float
        Sum of the contributions of ids that are not listed.
    background : float
        Part of the score that no id explains: it would be the same for a user without anything in common with others.
    count : int
        Number of ids, listed or not.
    """

    ids: Array
    contributions: Array
    weights: Array | None = None
    values: Array | None = None
    rest: float = 0.0
    background: float = 0.0
    count: int = 0

    @classmethod
    def largest(
        cls,
        ids: Any,
        contributions: Any,
        n: int,
        *,
        weights: Any = None,
        values: Any = None,
        background: float = 0.0,
    ) -> Part:
        """List the ``n`` largest contributions by size (ties by lower id) and sum the others.

        Parameters
        ----------
        ids : (p,) array_like of int
            Ids of all contributions.
        contributions : (p,) array_like
            Contribution of each id to the score.
        n : int
            Number of contributions to list, 0 or more.
        weights : (p,) array_like, optional
            Weight of each id.
        values : (p,) array_like, optional
            Value of each id.
        background : float
            Part of the score that no id explains.

        Returns
        -------
        Part
            The listed contributions and the sum of the others.
        """
        ids, contributions = np.asarray(ids, dtype=np.int64), np.asarray(contributions, dtype=np.float64)
        sizes, listed = np.abs(contributions), np.arange(len(ids))
        if n < len(ids):  # as many as could be listed are put in order
            listed = np.flatnonzero(sizes >= np.partition(sizes, len(ids) - n)[len(ids) - n])
        top = listed[np.lexsort((ids[listed], -sizes[listed]))][:n]
        w, v = (None if x is None else np.asarray(x, dtype=np.float64)[top] for x in (weights, values))
        rest = 0.0
        if len(top) < len(ids):
            others = np.ones(len(ids), dtype=bool)
            others[top] = False
            rest = float(contributions[others].sum())
        return cls(ids[top], contributions[top], w, v, rest, float(background), len(ids))

    @property
    def total(self) -> float:
        """The sum of the contributions, the rest and the background."""
        return float(self.contributions.sum()) + self.rest + self.background

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return zip(self.ids.tolist(), self.contributions.tolist(), strict=True)


def named(number: int, names: Names, kind: str) -> str:
    """Look up the name of a number in ``names``, with a default such as "item 3".

    Parameters
    ----------
    number : int
        Number of an item, user, feature or modality.
    names : callable, mapping or sequence, optional
        Names by number.
    kind : str
        Word for the default, such as "item".

    Returns
    -------
    str
        The name.
    """
    if names is None:
        return f"{kind} {number}"
    if callable(names):
        return str(names(number))
    found = names.get(number, f"{kind} {number}") if isinstance(names, Mapping) else names[number]
    return str(found)
