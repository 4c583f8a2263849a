"""Why an item got its score: what each history item, neighbour or feature added. Holds results; computes no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._util.frames import make_frame
from . import _bars

__all__ = ["Explanation", "Names", "Part", "named"]

Array = np.ndarray[Any, np.dtype[Any]]
Names = Callable[[int], object] | Mapping[int, object] | Sequence[object] | None
_KINDS = {"contributions": "item", "neighbours": "user", "features": "feature", "modalities": "modality"}
_INTROS = {
    "contributions": "From the user's history",
    "neighbours": "Seen by neighbours",
    "features": "By feature",
    "modalities": "By modality",
}
_BACKGROUND = dict.fromkeys(("contributions", "neighbours"), " (there without any shared history)")


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
        By column of the features, and by modality, for models with content. Modality 0 is what interactions say; those
        of items follow, then those of users, and columns likewise. A contribution tells how this score was made up by
        the convention that the estimator's notes state: it is not a cause.
    sources : dict of str to float, optional
        By where it came from, for estimators that tell it apart, such as the own ratings, people who rated the item,
        and people who rated similar ones. With the bias it adds up to the total.
    labels : dict of str to sequence of str, optional
        What the ids of the views "features" and "modalities" are called: the names that the features were given with.

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
    labels: Mapping[str, Sequence[str]] | None = None

    def within(self, low: float, high: float) -> Explanation:
        """The same for a total that is cut to a range: the bias holds what was cut, so that every view still adds up.

        Examples
        --------
        >>> from attnrec.explain import Explanation, Part
        >>> why = Explanation(0, 7, 5.25, 4.0, "the user's mean rating", Part.largest([3], [1.25], n=10))
        >>> why.within(1, 5).total, why.within(1, 5).bias
        (5.0, 3.75)
        """
        total = float(np.clip(self.total, low, high))
        if total == self.total:
            return self
        name = f"{self.bias_name}, less what passes the range of ratings"
        return replace(self, total=total, bias=self.bias + (total - self.total), bias_name=name)

    def views(self) -> dict[str, Part]:
        """The views that this explanation has, by name."""
        names = ("contributions", "neighbours", "features", "modalities")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    def shares(self, view: str = "modalities") -> dict[str, float]:
        """How large the contributions of a view are against each other, by name: sizes that add up to 1.

        Only what is listed counts, neither the bias nor the background.

        Examples
        --------
        >>> from attnrec.explain import Explanation, Part
        >>> empty, names = Part.largest([], [], n=3), {"modalities": ["interactions", "genres"]}
        >>> part = Part.largest([0, 1], [0.75, -0.25], n=3)
        >>> Explanation(0, 7, 0.5, 0.0, "as every score does", empty, modalities=part, labels=names).shares()
        {'interactions': 0.75, 'genres': 0.25}
        """
        part = self._view(view)
        size = float(np.abs(part.contributions).sum()) or 1.0
        return {self._named(view, i, None): abs(added) / size for i, added in part}

    def _view(self, view: str) -> Part:
        part = self.views().get(view)
        if part is None:
            raise ValueError(f"view={view!r:.40} is none that this explanation has: {', '.join(self.views())}")
        return part

    def _named(self, view: str, number: int, names: Names) -> str:
        return named(number, (self.labels or {}).get(view) if names is None else names, _KINDS[view])

    def top(self, n: int = 3) -> list[tuple[int, float]]:
        """The ``n`` history items that count most, as (itemid, contribution)."""
        return list(self.contributions)[:n]

    def to_frame(self, backend: str | None = None) -> Any:
        """All views as one long table: view, part, id, name, weight, value, contribution.

        Within each view the contributions add up to ``total``; ``part`` is "bias", "listed", "rest" or "background",
        and only "listed" rows have an id, and a name where there are ``labels``. In the view "sources" it is "bias" or
        the name of the source.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            What to make; the first of these that is installed unless told.
        """
        rows = [row for name, part in self.views().items() for row in self._rows(name, part)]
        if self.sources is not None:
            parts = {"bias": self.bias, **self.sources}
            rows += [("sources", name, None, None, None, None, value) for name, value in parts.items()]
        kinds = (str, str, int, str, float, float, float)
        schema = dict(zip(("view", "part", "id", "name", "weight", "value", "contribution"), kinds, strict=True))
        columns = dict(zip(schema, map(list, zip(*rows, strict=True)), strict=True))
        return make_frame(columns, backend, schema)

    def bars(self, view: str = "contributions", names: Names = None, n: int = 10) -> list[tuple[str, float]]:
        """One view as labelled numbers that add up to ``total - bias``.

        Parameters
        ----------
        view : {"contributions", "neighbours", "features", "modalities"}
            One that this explanation has.
        names : callable, mapping or sequence, optional
            Names of what the view is by: items, users, features or modalities; of these ``labels``, unless given.
        n : int
            How many parts to name; what the others add is one number, and so is the background.

        Returns
        -------
        list of (label, contribution)

        Raises
        ------
        ValueError
            If the explanation does not have that view.

        Examples
        --------
        >>> from attnrec.explain import Explanation, Part
        >>> part = Part.largest([3, 5, 8], [0.25, 0.5, 0.125], n=10, background=-0.125)
        >>> Explanation(0, 7, 4.75, 4.0, "the user's mean rating", part).bars(n=1)
        [('item 5', 0.5), ('2 others', 0.375), ('background', -0.125)]
        """
        part = self._view(view)
        rows = [(self._named(view, number, names), added) for number, added in part][:n]
        if part.count > len(rows):
            rows.append((f"{part.count - len(rows)} others", part.rest + float(part.contributions[len(rows) :].sum())))
        if part.background:
            rows.append(("background", part.background))
        return rows

    def plot(
        self,
        names: Names = None,
        ax: Any = None,
        *,
        view: str = "contributions",
        n: int = 10,
        item_names: Names = None,
    ) -> Any:
        """Draw :meth:`bars`: what each part added to the score, with matplotlib (extra ``plot``).

        Parameters
        ----------
        names, view, n
            As in :meth:`bars`.
        ax : matplotlib Axes, optional
            Where to draw; a new figure unless given. Nothing is shown or saved.
        item_names : callable, mapping or sequence, optional
            Names of items, for the title of a view that is not by item.

        Returns
        -------
        matplotlib Axes
            With the bias, the lengths of its bars add up to the score.
        """
        rows = self.bars(view, names, n)
        item = named(self.itemid, names if view == "contributions" else item_names, "item")
        title = f"{_bars.short(item, 11, 240)}: {self.total:.4g}"
        beneath = f"added to {self.bias:.4g}, {self.bias_name}" if self.bias else "adds up to the score"
        return _bars.bars(rows, len(rows) - min(n, len(self.views()[view])), title, beneath, ax)

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """The explanation in plain sentences.

        Parameters
        ----------
        names, user_names : callable, mapping or sequence, optional
            Names of items and of users by number.
        n : int
            How many parts of each view to name.
        """
        user = "a new user" if self.userid < 0 else named(self.userid, user_names, "user")
        lines = [
            f"{named(self.itemid, names, 'Item')} scores {self.total:.4g} for {user}."
            f" It starts at {self.bias:.4g}, {self.bias_name}."
        ]
        known = {"contributions": names, "neighbours": user_names}
        for view, part in self.views().items():
            said = [
                f"{self._named(view, i, known.get(view))} {c:+.3g}{_attention(part, at)}"
                for at, (i, c) in enumerate(part)
            ][:n]
            others = part.rest + float(part.contributions[n:].sum())
            if part.count > len(said):
                said.append(f"{part.count - len(said)} others {others:+.3g}")
            if part.background:
                said.append(f"background{_BACKGROUND.get(view, '')} {part.background:+.3g}")
            lines.append(f"{_INTROS[view]}: {', '.join(said) or 'nothing'}.")
        if self.sources is not None:
            lines.append(f"By source: {', '.join(f'{name} {value:+.3g}' for name, value in self.sources.items())}.")
        return "\n".join(lines)

    def _rows(self, view: str, part: Part) -> Iterator[tuple[Any, ...]]:
        yield view, "bias", None, None, None, None, self.bias
        for at, (number, contribution) in enumerate(part):
            w, v = (None if x is None else float(x[at]) for x in (part.weights, part.values))
            name = self._named(view, number, None) if view in (self.labels or {}) else None
            yield view, "listed", number, name, w, v, contribution
        yield view, "rest", None, None, None, None, part.rest
        yield view, "background", None, None, None, None, part.background

    def __str__(self) -> str:
        return self.text()


def named(number: int, names: Names, kind: str) -> str:
    """What a number is called: by ``names``, or as what it is, such as "item 3"."""
    if names is None:
        return f"{kind} {number}"
    if callable(names):
        return str(names(number))
    found = names.get(number, f"{kind} {number}") if isinstance(names, Mapping) else names[number]
    return str(found)


def _attention(part: Part, at: int) -> str:
    return "" if part.weights is None else f" (weight {part.weights[at]:.2g})"
