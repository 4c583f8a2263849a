"""Why an item got its score: what each part added, and what would be without it. Holds results; computes no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._extras import frame_backend, need

__all__ = ["Counterfactuals", "Explanation", "Part"]

Array = np.ndarray[Any, np.dtype[Any]]
Names = Callable[[int], object] | Mapping[int, object] | Sequence[object] | None


@dataclass(frozen=True, eq=False)
class Part:
    """One way to split a score: what each id added to it, the largest (by size) first.

    Attributes
    ----------
    ids : (k,) int64
    contributions : (k,) float64
    weights, values : (k,) float64, optional
        Where a contribution is one product, ``contributions = weights * values``.
    rest : float
        What the ids that are not listed added together.
    background : float
        What cannot be put down to any id: it would be there for a user who shares nothing with anybody.
    count : int
        How many ids there are, listed or not.
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
        """List the ``n`` largest contributions by size (ties by lower id) and add up the rest."""
        ids, contributions = np.asarray(ids, dtype=np.int64), np.asarray(contributions, dtype=np.float64)
        sizes, listed = np.abs(contributions), np.arange(len(ids))
        if n < len(ids):  # as many as could be listed are put in order
            listed = np.flatnonzero(sizes >= np.partition(sizes, len(ids) - n)[len(ids) - n])
        top = listed[np.lexsort((ids[listed], -sizes[listed]))][:n]
        w, v = (None if x is None else np.asarray(x, dtype=np.float64)[top] for x in (weights, values))
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


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an item got its score for a user, as parts that add up to it.

    A contribution is weight times value: how much attention something got, times what it said. It tells how this
    score was computed. A weight is not a cause: a neighbour with a large weight and a value near 0 changed nothing,
    and taking an item out of the history would change the other weights too.

    Every view adds up on its own: ``total = bias + view.total``, where ``view.total`` is the sum of its listed
    contributions, its ``rest`` (ids not listed) and its ``background``.

    Attributes
    ----------
    userid, itemid : int
        ``userid`` is -1 for somebody who was not fitted.
    total : float
        The score that ``predict`` and ``recommend`` give, before rounding to float32.
    bias : float
        Where the score starts, such as the user's mean rating.
    bias_name : str
        What the bias is, in words.
    contributions : Part
        By item of the user's history.
    neighbours : Part, optional
        By other user, with weights and values.
    features, modalities : Part, optional
        By column of the features, and by modality, for estimators that use them.
    sources : dict of str to float, optional
        By where it came from, for estimators that tell it apart, such as the own ratings, people who rated the item,
        and people who rated similar ones. With the bias it adds up to the total.

    Examples
    --------
    >>> from attnrec.explain import Explanation, Part
    >>> why = Explanation(0, 7, 4.25, 4.0, "the user's mean rating", Part.largest([3, 5], [0.05, 0.2], n=10))
    >>> why.top(1)
    [(5, 0.2)]
    >>> print(why.text(names={5: "Solaris", 3: "Stalker", 7: "Mirror"}))
    Mirror scores 4.25 for user 0. It starts at 4, the user's mean rating.
    From the user's history: Solaris +0.2, Stalker +0.05.
    """

    userid: int
    itemid: int
    total: float
    bias: float
    bias_name: str
    contributions: Part
    neighbours: Part | None = None
    features: Part | None = None
    modalities: Part | None = None
    sources: dict[str, float] | None = None

    def views(self) -> dict[str, Part]:
        """The views that this explanation has, by name."""
        names = ("contributions", "neighbours", "features", "modalities")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    def top(self, n: int = 3) -> list[tuple[int, float]]:
        """The ``n`` history items that count most, as (itemid, contribution)."""
        return list(self.contributions)[:n]

    def to_frame(self, backend: str | None = None) -> Any:
        """All views as one long table: view, part, id, weight, value, contribution.

        Within each view the contributions add up to ``total``; ``part`` is "bias", "listed", "rest" or "background",
        and only "listed" rows have an id. In the view "sources" it is "bias" or the name of the source.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            What to make; the first of these that is installed unless told.
        """
        backend = frame_backend(backend)
        rows = [row for name, part in self.views().items() for row in _rows(name, self.bias, part)]
        if self.sources is not None:
            parts = {"bias": self.bias, **self.sources}
            rows += [("sources", name, None, None, None, value) for name, value in parts.items()]
        nw = need("narwhals", extra="data")
        types = [nw.String, nw.String, nw.Int64, nw.Float64, nw.Float64, nw.Float64]
        schema = dict(zip(("view", "part", "id", "weight", "value", "contribution"), types, strict=True))
        columns = dict(zip(schema, map(list, zip(*rows, strict=True)), strict=True))
        if backend == "pandas":  # a missing id as NaN would turn the ids to floats
            pd = need("pandas", extra="data")
            return pd.DataFrame(columns).astype({"id": "Int64", "weight": "float64", "value": "float64"})
        return nw.from_dict(columns, schema, backend=backend).to_native()

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """The explanation in plain sentences.

        Parameters
        ----------
        names, user_names : callable, mapping or sequence, optional
            Names of items and of users by number.
        n : int
            How many parts of each view to name.
        """
        user = "a new user" if self.userid < 0 else _name(self.userid, user_names, "user")
        lines = [
            f"{_name(self.itemid, names, 'Item')} scores {self.total:.4g} for {user}."
            f" It starts at {self.bias:.4g}, {self.bias_name}."
        ]
        wording: dict[str, tuple[str, Names, str]] = {
            "contributions": ("From the user's history", names, "item"),
            "neighbours": ("Seen by neighbours", user_names, "user"),
            "features": ("By feature", None, "feature"),
            "modalities": ("By modality", None, "modality"),
        }
        for view, part in self.views().items():
            intro, known, kind = wording[view]
            said = [f"{_name(i, known, kind)} {c:+.3g}{_attention(part, at)}" for at, (i, c) in enumerate(part)][:n]
            others = part.rest + float(part.contributions[n:].sum())
            if part.count > n:
                said.append(f"{part.count - min(n, len(part))} others {others:+.3g}")
            if part.background:
                said.append(f"background (there without any shared history) {part.background:+.3g}")
            lines.append(f"{intro}: {', '.join(said) or 'nothing'}.")
        if self.sources is not None:
            lines.append(f"By source: {', '.join(f'{name} {value:+.3g}' for name, value in self.sources.items())}.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """What the score and the rank of an item would be without single items of the history, the largest change first.

    Unlike a contribution this is an effect: everything that the history goes into is computed again without the item
    (see ``counterfactuals`` of the estimators).

    Attributes
    ----------
    userid, itemid : int
        ``userid`` is -1 for somebody who was not fitted.
    score, rank
        With the whole history, as ``recommend`` gives them; ranks are from 1.
    itemids : (k,) int64
        The items left out, one at a time, ordered by the size of the change of the score, then by id.
    scores : (k,) float32
    ranks : (k,) int64
    count : int
        How many items the history has; those that were not left out contribute least to the score.

    Examples
    --------
    >>> from attnrec.explain import Counterfactuals
    >>> without = Counterfactuals.of(0, 7, 4.25, 2, [3, 5], [4.2, 3.75], [2, 9], count=2)
    >>> print(without.text(names={5: "Solaris", 3: "Stalker", 7: "Mirror"}))
    Mirror has rank 2 for user 0, with a score of 4.25.
    Without Solaris it would fall to rank 9 (3.75). Without Stalker it would stay at rank 2 (4.2).
    >>> list(without)
    [(5, 3.75, 9), (3, 4.199999809265137, 2)]
    """

    userid: int
    itemid: int
    score: float
    rank: int
    itemids: Array
    scores: Array
    ranks: Array
    count: int

    @classmethod
    def of(
        cls, userid: int, itemid: int, score: float, rank: int, itemids: Any, scores: Any, ranks: Any, count: int
    ) -> Counterfactuals:
        """Put them in order."""
        itemids, ranks = np.asarray(itemids, dtype=np.int64), np.asarray(ranks, dtype=np.int64)
        scores = np.asarray(scores, dtype=np.float32)
        order = np.lexsort((itemids, -np.abs(scores.astype(np.float64) - score)))
        return cls(userid, itemid, score, rank, itemids[order], scores[order], ranks[order], count)

    def __len__(self) -> int:
        return len(self.itemids)

    def __iter__(self) -> Iterator[tuple[int, float, int]]:
        return zip(self.itemids.tolist(), self.scores.tolist(), self.ranks.tolist(), strict=True)

    def to_frame(self, backend: str | None = None) -> Any:
        """A table with a row for each item left out: itemid, score, rank, score_change, rank_change.

        Changes are what would be less what is: a rank_change above 0 is a fall.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            What to make; the first of these that is installed unless told.
        """
        columns = {"itemid": self.itemids, "score": self.scores, "rank": self.ranks}
        columns |= {"score_change": self.scores - np.float32(self.score), "rank_change": self.ranks - self.rank}
        backend = frame_backend(backend)
        return need("narwhals", extra="data").from_dict(columns, backend=backend).to_native()

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """In plain sentences, the ``n`` largest changes of the score; names as in :meth:`Explanation.text`."""
        user = "a new user" if self.userid < 0 else _name(self.userid, user_names, "user")
        item = _name(self.itemid, names, "item")
        said = [
            f"Without {_name(other, names, 'item')} it would {_moved(self.rank, rank)} rank {rank} ({score:.4g})."
            for other, score, rank in self
        ][:n]
        first = f"{item} has rank {self.rank} for {user}, with a score of {self.score:.4g}."
        return f"{first}\n{' '.join(said) or 'There is no history to leave anything out of.'}"

    def __str__(self) -> str:
        return self.text()


def _moved(before: int, after: int) -> str:
    return "stay at" if after == before else "fall to" if after > before else "rise to"


def _name(number: int, names: Names, kind: str) -> str:
    if names is None:
        return f"{kind} {number}"
    if callable(names):
        return str(names(number))
    found = names.get(number, f"{kind} {number}") if isinstance(names, Mapping) else names[number]
    return str(found)


def _attention(part: Part, at: int) -> str:
    return "" if part.weights is None else f" (weight {part.weights[at]:.2g})"


def _rows(view: str, bias: float, part: Part) -> Iterator[tuple[Any, ...]]:
    yield view, "bias", None, None, None, bias
    for at, (number, contribution) in enumerate(part):
        w, v = (None if x is None else float(x[at]) for x in (part.weights, part.values))
        yield view, "listed", number, w, v, contribution
    yield view, "rest", None, None, None, part.rest
    yield view, "background", None, None, None, part.background
