"""Bundle: a fitted model with its outside ids and titles, from one file. Trains nothing and ranks nothing."""

from __future__ import annotations

import functools
import os
import re
from typing import Any, Literal

import numpy as np

from .. import models
from .._util.frames import make_frame
from ..data.alignment import unnamed
from ..data.factorize import Array
from ..data.ids import Ids
from ..explain.explanation import Explanation
from ..models.storage import titles as titles_of
from .asked import chosen_items, is_count, listed_ids

__all__ = ["Bundle", "load"]

Backend = Literal["pandas", "polars", "pyarrow"]


class Bundle:
    """A fitted model that is asked, and answers, in outside ids.

    Parameters
    ----------
    model : Recommender
        Fitted estimator of :mod:`attnrec.models`. One that was fitted with Interactions remembers their ids; in one
        that was fitted with a matrix the row numbers of the users and the column numbers of the items are their ids.
    titles : Mapping, sequence, array or attnrec.data.Items, optional
        Titles of the items, as ``model.save`` takes them; by default those of the file that the model was loaded from.

    Raises
    ------
    TypeError
        If the model does not recommend, or ``titles`` is nothing like that.
    ValueError
        If ``titles`` does not fit the items.

    Examples
    --------
    >>> import tempfile
    >>> import attnrec
    >>> from attnrec.data import Interactions
    >>> from attnrec.models import NeighbourAttention
    >>> data = Interactions.from_arrays(["ann", "ann", "bob", "bob"], [7, 8, 7, 9])
    >>> model = NeighbourAttention().fit(data, show_progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.safetensors", titles={7: "Heat", 8: "Alien", 9: "Ran"})
    ...     bundle = attnrec.load(f"{folder}/model.safetensors", mmap=False)
    >>> bundle.recommend(["bob"], k=1)[["user", "item", "rank", "title"]]
      user  item  rank  title
    0  bob     8     1  Alien
    """

    def __init__(self, model: Any, *, titles: Any = None) -> None:
        if not isinstance(model, models.Recommender):
            raise TypeError(
                f"Bundle: model is {type(model).__name__}, which does not recommend: give a fitted estimator of "
                "attnrec.models"
            )
        self.model = model
        self._given = None if titles is None else titles_of.checked(titles, self.items)

    @property
    def users(self) -> Ids:
        """Outside ids of the users by row, or the rows themselves."""
        return _ids(self.model.user_ids, self.model.n_users)

    @property
    def items(self) -> Ids:
        """Outside ids of the items by row, or the rows themselves."""
        return _ids(self.model.item_ids, self.model.n_items)

    @property
    def titles(self) -> list[str] | None:
        """Titles of the items by row, the id as text for an item without one; None if there are none."""
        if self._given is None:
            told: list[str] | None = self.model.item_titles
            return told
        return [self.title(row) for row in range(self.model.n_items)]

    @property
    def explicit(self) -> bool:
        """Whether the model was fitted with ratings, rather than with interactions."""
        told = self.model._outside.explicit
        return bool(self.model.predicts_ratings) if told is None else bool(told)

    def title(self, row: int) -> str:
        """The title of an item by row, or its id as text."""
        titles = self._titles()
        found = "" if titles is None or row >= len(titles) else titles[row]
        return found or str(self.items[row])

    def _titles(self) -> tuple[str, ...] | None:
        told: tuple[str, ...] | None = self.model._outside.titles if self._given is None else self._given
        return told

    def recommend(
        self,
        user_ids: Any = None,
        k: int = 10,
        *,
        exclude_seen: bool = True,
        items: Any = None,
        unknown: Literal["raise", "ignore"] = "raise",
        clip: bool = True,
        backend: Backend | None = None,
    ) -> Any:
        """Recommend up to k items to each user, from the histories that the model was fitted with.

        Users whom the model does not know get recommendations from a history of theirs by
        :class:`attnrec.serving.FrameRecommender`.

        Parameters
        ----------
        user_ids : iterable of ids, one id, or None
            Users to recommend to, each once and in this order; None for all users that have an id.
        k : int
            Number of items for each user, at least 1; fewer rows are returned where fewer items are left.
        exclude_seen : bool
            Whether to leave out items that the user has interacted with, or dislikes.
        items : iterable of ids, optional
            Candidate items, and no others.
        unknown : {"raise", "ignore"}
            Treatment of users that the model does not know: an error, or leave them out.
        clip : bool
            Whether to clip predicted ratings to the rating range; the ranks are the same either way.
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the frame that is returned; the first of these that is installed unless given.

        Returns
        -------
        frame
            Columns user, item, score (float32), rank (int64, from 1), and title if the bundle has titles.

        Raises
        ------
        ValueError
            If ``k`` is below 1, or an item is unknown, or a user is and ``unknown`` is "raise".
        """
        if not is_count(k):
            raise ValueError(f"recommend: k={k!r} is not a positive integer")
        now = self._of_now()
        rows = now._users(user_ids, unknown)
        chosen = chosen_items(items, now.items, "recommend: items")
        if chosen is not None and not len(chosen):
            rows = rows[:0]
        ids, scores = now.model.recommend(
            rows, N=int(k), filter_already_liked_items=exclude_seen, items=chosen, clip=clip
        )
        at, place = np.nonzero(ids >= 0)
        columns = {"user": now.users.names(rows[at]), "item": now.items.names(ids[at, place])}
        return now._frame(columns, ids[at, place], scores[at, place], place + 1, backend)

    def similar_items(self, item_ids: Any, k: int = 10, *, backend: Backend | None = None) -> Any:
        """Find the k items most like each of these, by the cosine of the model's item vectors.

        Parameters
        ----------
        item_ids : iterable of ids, or one id
            Items to compare with, each once and in this order.
        k : int
            Number of similar items for each, at least 1; the item itself is none of them.
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the frame that is returned; the first of these that is installed unless given.

        Returns
        -------
        frame
            Columns item, similar, score (float32), rank (int64, from 1), and title, of the similar item, if the bundle
            has titles.

        Raises
        ------
        ValueError
            If ``k`` is below 1 or an item is unknown.
        """
        if not is_count(k):
            raise ValueError(f"similar_items: k={k!r} is not a positive integer")
        now = self._of_now()
        known = now.items
        listed = list(dict.fromkeys(listed_ids(item_ids, known, "similar_items: item_ids")))
        rows = _positions(known, listed, "similar_items: item_ids")
        ids, scores = now.model.similar_items(rows, N=int(k) + 1, items=chosen_items(None, known, ""))
        others = (ids >= 0) & (ids != rows[:, None])
        rank = np.cumsum(others, axis=1)
        at, place = np.nonzero(others & (rank <= k))
        columns = {"item": known.names(rows[at]), "similar": known.names(ids[at, place])}
        return now._frame(columns, ids[at, place], scores[at, place], rank[at, place], backend)

    def explain(self, user_id: Any, item_id: Any, *, n: int = 10, clip: bool = True) -> Explanation:
        """Explain the score of an item for a user.

        Parameters
        ----------
        user_id, item_id : id
            A user and an item of the model.
        n : int
            Number of parts to list in each view, at least 1; the others are added up in its ``rest``.
        clip : bool
            Whether to clip a predicted rating to the rating range.

        Returns
        -------
        Explanation
            In rows of the model; ``why.text(names=bundle.title, user_names=lambda row: bundle.users[row])`` and its
            plot put it in titles and outside ids.

        Raises
        ------
        ValueError
            If the model does not know the user or the item.
        """
        now = self._of_now()
        user = _positions(now.users, [user_id], "explain: user_id")
        item = _positions(now.items, [item_id], "explain: item_id")
        why: Explanation = now.model.explain(int(user[0]), int(item[0]), N=n, clip=clip)
        return why

    def find_user(self, text: str) -> int:
        """The row of the user whose id reads like ``text``; ValueError if none does."""
        users = self.users
        return users.position(users.parse(text))

    def find_item(self, text: str) -> int:
        """The row of the item with this id, this title, or a title with this part that no other has.

        Raises
        ------
        ValueError
            If no item has, or several have.
        """
        items = self.items
        try:
            return items.position(items.parse(text))
        except ValueError:
            pass
        wanted = text.casefold().strip()
        told = self.titles or [str(name) for name in items]
        titles = [title.casefold() for title in told]
        for found in (
            [i for i, title in enumerate(titles) if title == wanted],
            [i for i, title in enumerate(titles) if re.sub(r"\s*\(\d{4}\)$", "", title) == wanted],
            [i for i, title in enumerate(titles) if wanted and wanted in title],
        ):
            if len(found) == 1:
                return found[0]
            if found:
                some = "; ".join(f"{told[i]} (id {items[i]})" for i in found[:5])
                more = "; ..." if len(found) > 5 else ""
                raise ValueError(f"{text!r} fits {len(found)} titles: {some}{more}: give the id or more of one")
        raise ValueError(f"no item has the id {text!r} or a title with it")

    def __repr__(self) -> str:
        told = "" if self._titles() is None else ", titles"
        return f"Bundle({self.model!r}, {self.model.n_users:,} users, {self.model.n_items:,} items{told})"

    def _of_now(self) -> Bundle:
        """The bundle with the model as it is at this moment, whatever another thread learns meanwhile."""
        out = Bundle.__new__(Bundle)
        out.model, out._given = self.model._snapshot(), self._given
        return out

    def _users(self, user_ids: Any, unknown: str) -> Array:
        """The rows of the users that are asked for."""
        if unknown not in ("raise", "ignore"):
            raise ValueError(f"recommend: unknown={unknown!r} is not 'raise' or 'ignore'")
        known = self.users
        if user_ids is None:
            return np.flatnonzero(~unnamed(known.to_numpy()))
        listed = list(dict.fromkeys(listed_ids(user_ids, known, "recommend: user_ids", 4)))
        rows = _positions(known, listed, "recommend: user_ids", unknown)
        out: Array = rows[rows >= 0]
        return out

    def _frame(self, columns: dict[str, Array], items: Array, scores: Array, rank: Array, backend: Any) -> Any:
        columns |= {"score": scores.astype(np.float32), "rank": rank.astype(np.int64)}
        if self._titles() is not None:
            columns["title"] = np.array([self.title(row) for row in items.tolist()], dtype=object)
        return make_frame(columns, backend)


def load(path: str | os.PathLike[str], mmap: bool = True, *, encoder: Any = None) -> Bundle:
    """Open a model that ``save`` wrote, with the outside ids and titles in the file. Nothing in it is executed.

    Parameters
    ----------
    path : path
        File of a model that recommends, of any estimator.
    mmap : bool
        Whether to leave the arrays in the file, where processes that load it share them, as
        :func:`attnrec.models.load`.
    encoder : object with ``encode``, or dict of modality -> such an object, optional
        Sentence encoder of the features that the model was fitted with, if they have one.

    Returns
    -------
    Bundle
        Recommends in outside ids; in row numbers if the model was fitted with a matrix, which has no ids.

    Raises
    ------
    ValueError
        If the file is truncated, damaged, of another format, or of an estimator that this version does not have.
    TypeError
        If the file holds a ``ContentBridge``, which does not recommend.
    """
    return Bundle(models.load(path, mmap=mmap, encoder=encoder))


def _ids(ids: Ids | None, n: int) -> Ids:
    return _numbers(n) if ids is None else ids


@functools.lru_cache(maxsize=8)
def _numbers(n: int) -> Ids:
    return Ids._trusted(np.arange(n))


def _positions(known: Ids, listed: list[Any], argument: str, unknown: Any = "raise") -> Array:
    try:
        return known.positions(listed, unknown=unknown)
    except ValueError as error:
        raise ValueError(f"{argument}: {error}") from None
