"""Explanation of a score by the contributions of history items, neighbours and features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._util.extras import frame_backend, require
from . import _bars
from .part import Names, Part, named

__all__ = ["Explanation", "Names", "Part", "named"]

Array = np.ndarray[Any, np.dtype[Any]]
_KINDS = {"contributions": "item", "neighbours": "user", "features": "feature", "modalities": "modality"}
_INTROS = {
    "contributions": "From the user's history",
    "neighbours": "Seen by neighbours",
    "features": "By feature",
    "modalities": "By modality",
}
_BACKGROUND = dict.fromkeys(("contributions", "neighbours"), " (there without any shared history)")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why an item got its score for a user: contributions that sum to the score.

    A contribution is weight times value: the attention to something, times its value. It says how this score was
    computed, not what caused it: a neighbour with a large weight and a value near 0 changed nothing, and removing an
    item from the history would change the other weights too (see :class:`attnrec.explain.Counterfactuals`).

    Every view sums to the score on its own: ``total = bias + view.total``, where ``view.total`` is the sum of its
    listed contributions, its ``rest`` (ids not listed) and its ``background``.

    Attributes
    ----------
    userid : int
        User, or -1 for a user who was not in the fit.
    itemid : int
        Item whose score is explained.
    total : float
        Score that ``predict`` and ``recommend`` give, before rounding to float32.
    bias : float
        Start of the sum, such as the mean rating of the user.
    bias_name : str
        Meaning of the bias, in words.
    contributions : Part
        Contributions by item of the user's history.
    neighbours : Part, optional
        Contributions by other user, with weights and values.
    features : Part, optional
        Contributions by column of the features, for models with content: columns of items first, then columns of users.
        They follow the convention stated in the notes of the estimator, and are not causes.
    modalities : Part, optional
        Contributions by modality, for models with content: number 0 is the interactions, then follow the modalities of
        items, then those of users.
    sources : dict of str to float, optional
        Contributions by source, for estimators that distinguish them, such as the user's own ratings, users who rated
        the item, and users who rated similar items. With the bias they sum to the score.
    labels : dict of str to sequence of str, optional
        Names of the ids of the views "features" and "modalities", as given with the features.

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
        """Clip the total to a range; the bias takes up the difference, so that every view still sums to the score.

        Parameters
        ----------
        low : float
            Lowest total.
        high : float
            Highest total, at least ``low``.

        Returns
        -------
        Explanation
            The explanation of the clipped score; itself if the total is in the range.

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
        """Collect the views that this explanation has.

        Returns
        -------
        dict of str -> Part
            Views by name.
        """
        names = ("contributions", "neighbours", "features", "modalities")
        return {name: part for name in names if (part := getattr(self, name)) is not None}

    def shares(self, view: str = "modalities") -> dict[str, float]:
        """Compute the relative sizes of the contributions of a view, which sum to 1.

        They are the absolute values of the listed contributions, without the bias and the background, over their sum.

        Parameters
        ----------
        view : {"contributions", "neighbours", "features", "modalities"}
            View that this explanation has.

        Returns
        -------
        dict of str -> float
            Relative size of each listed contribution by name.

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
        """List the history items with the largest contributions.

        Parameters
        ----------
        n : int
            Number of items, 0 or more.

        Returns
        -------
        list of (int, float)
            Pairs of item and contribution, the largest first.
        """
        return list(self.contributions)[:n]

    def to_frame(self, backend: str | None = None) -> Any:
        """Convert all views to one long table: view, part, id, name, weight, value, contribution.

        Within each view the contributions add up to ``total``; ``part`` is "bias", "listed", "rest" or "background",
        and only "listed" rows have an id, and a name where there are ``labels``. In the view "sources" it is "bias" or
        the name of the source.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the table; the first of these that is installed if not given.

        Returns
        -------
        frame
            Table with a row for each contribution.
        """
        backend = frame_backend(backend)
        rows = [row for name, part in self.views().items() for row in self._rows(name, part)]
        if self.sources is not None:
            parts = {"bias": self.bias, **self.sources}
            rows += [("sources", name, None, None, None, None, value) for name, value in parts.items()]
        nw = require("narwhals", extra="data")
        types = [nw.String, nw.String, nw.Int64, nw.String, nw.Float64, nw.Float64, nw.Float64]
        schema = dict(zip(("view", "part", "id", "name", "weight", "value", "contribution"), types, strict=True))
        columns = dict(zip(schema, map(list, zip(*rows, strict=True)), strict=True))
        if backend == "pandas":  # a missing id as NaN would turn the ids to floats
            pd = require("pandas", extra="data")
            return pd.DataFrame(columns).astype({"id": "Int64", "weight": "float64", "value": "float64"})
        return nw.from_dict(columns, schema, backend=backend).to_native()

    def bars(self, view: str = "contributions", names: Names = None, n: int = 10) -> list[tuple[str, float]]:
        """List one view as labelled numbers that sum to ``total - bias``.

        Parameters
        ----------
        view : {"contributions", "neighbours", "features", "modalities"}
            View that this explanation has.
        names : callable, mapping or sequence, optional
            Names of the items, users, features or modalities of the view, by number; ``labels`` if not given.
        n : int
            Number of contributions to name, 0 or more; the sum of the others is one number, and so is the background.

        Returns
        -------
        list of (str, float)
            Pairs of label and contribution.

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
        """Draw :meth:`bars`, the contribution of each part to the score, with matplotlib (extra ``plot``).

        Parameters
        ----------
        names : callable, mapping or sequence, optional
            Names of the items, users, features or modalities of the view, by number; ``labels`` if not given.
        ax : matplotlib Axes, optional
            Axes to draw on; a new figure if not given. Nothing is shown or saved.
        view : {"contributions", "neighbours", "features", "modalities"}
            View that this explanation has.
        n : int
            Number of contributions to name, 0 or more; the sum of the others is one bar, and so is the background.
        item_names : callable, mapping or sequence, optional
            Names of items by number, for the title of a view that is not by item.

        Returns
        -------
        matplotlib Axes
            Axes with the bars, whose lengths sum to the score together with the bias.
        """
        rows = self.bars(view, names, n)
        item = named(self.itemid, names if view == "contributions" else item_names, "item")
        title = f"{_bars.short(item, 11, 240)}: {self.total:.4g}"
        beneath = f"added to {self.bias:.4g}, {self.bias_name}" if self.bias else "adds up to the score"
        return _bars.bars(rows, len(rows) - min(n, len(self.views()[view])), title, beneath, ax)

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """Write the explanation in plain sentences.

        Parameters
        ----------
        names : callable, mapping or sequence, optional
            Names of items by number.
        user_names : callable, mapping or sequence, optional
            Names of users by number.
        n : int
            Number of contributions of each view to name, 0 or more.

        Returns
        -------
        str
            One line for the score and one for each view.
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


def _attention(part: Part, at: int) -> str:
    return "" if part.weights is None else f" (weight {part.weights[at]:.2g})"
