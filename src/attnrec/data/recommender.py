"""FrameRecommender: recommendations of a model as a frame of outside ids."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np

from .._util import matrices
from .._util.arraylike import as_floats, as_numpy, native
from .alignment import unnamed
from .by_model import by_model, check_kinds, scores_of
from .factorize import Array, one_axis, plain
from .ids import Ids
from .interactions import Interactions
from .io.frames import make_frame

__all__ = ["FrameRecommender"]


class FrameRecommender:
    """Recommendations of a fitted model as a frame: user, item, score, rank.

    Parameters
    ----------
    model : estimator
        Fitted model, or any object with ``recommend(userids, user_items, N=, filter_already_liked_items=, items=)``
        that returns ids (b, N) and scores (b, N), with id -1 where no item is left.
    interactions : Interactions, optional
        Ids and histories of the users; ``model.interactions_`` if not given. Where the model remembers its ids
        (``user_ids`` and ``item_ids``) they may differ from those it was fitted with, in any order: users and items are
        found by id, users that the model lacks get recommendations from their history, and items that it lacks are left
        out with a UserWarning. Items that were added to the model without an id are not recommended.
    fallback : (n_items,) array_like, optional
        Scores of the items for cold users, such as :func:`attnrec.data.popularity`, whose items are found by id; in
        another array, number i belongs to item i of ``interactions``. Cold users are then supported targets.

    Raises
    ------
    TypeError
        If the model has no ``recommend``, or there are no interactions.
    ValueError
        If ``fallback`` is not a finite number for each item, or the model and the interactions have no id in common.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.data import FrameRecommender, Interactions
    >>> class Newest:
    ...     def recommend(self, userids, rows, N, filter_already_liked_items, items):
    ...         return np.tile([1, 0], (len(userids), 1))[:, :N], np.tile([9.0, 4.0], (len(userids), 1))[:, :N]
    >>> data = Interactions.from_arrays(["ann", "bob"], ["rum", "tea"])
    >>> FrameRecommender(Newest(), data).recommend(["bob"], 2, exclude_seen=False)
      user item  score  rank
    0  bob  tea    9.0     1
    1  bob  rum    4.0     2
    """

    def __init__(self, model: Any, interactions: Interactions | None = None, *, fallback: Any = None) -> None:
        if not callable(getattr(model, "recommend", None)):
            raise TypeError(f"FrameRecommender: {type(model).__name__} has no recommend() method")
        if interactions is None:
            interactions = getattr(model, "interactions_", None)
        if not isinstance(interactions, Interactions):
            raise TypeError(
                f"FrameRecommender: {type(model).__name__} does not hold the ids of its users and items; "
                "pass interactions= (what it was fitted on)"
            )
        of_fallback = getattr(fallback, "items", None)
        of_fallback = of_fallback if isinstance(of_fallback, Ids) else interactions.items
        if fallback is not None:
            fallback = as_floats(fallback, "FrameRecommender: fallback")
            if fallback.shape != (len(of_fallback),) or not np.isfinite(fallback).all():
                raise ValueError(
                    f"FrameRecommender: fallback has shape {fallback.shape}; give a finite score for each of the "
                    f"{len(of_fallback)} items"
                )
        self.model = model
        self.interactions, self._rows = by_model(interactions, model)
        self.fallback = None if fallback is None else scores_of(fallback, of_fallback, self.interactions.items)

    def recommend(
        self,
        users: Any = None,
        k: int = 10,
        exclude_seen: bool = True,
        items_to_recommend: Any = None,
        on_unsupported_targets: Literal["raise", "warn", "ignore"] = "raise",
        *,
        user_features: Any = None,
        with_states: bool = False,
        clip: bool = True,
    ) -> Any:
        """Recommend up to k items to each user.

        A user is hot with interactions, warm with features alone, cold with neither; values below 0 that the model
        takes as dislikes are no interactions. The model recommends to hot and warm users, ``fallback`` to cold ones.

        Parameters
        ----------
        users : iterable of ids, one id, or None
            Users to recommend to, each once and in this order; None for all users.
        k : int
            Number of items for each user, at least 1; fewer rows are returned where fewer items are left.
        exclude_seen : bool
            Whether to leave out items that the user has interacted with, or dislikes.
        items_to_recommend : iterable of ids, optional
            Candidate items, and no others.
        on_unsupported_targets : {"raise", "warn", "ignore"}
            Treatment of cold users if there is no ``fallback``: an error, or leave them out with or without a warning.
        user_features : Features with ids, or (users, width) matrix, optional
            Features of users without interactions, for models that recommend from features; a matrix has a row for each
            of ``users``. Features of other users are ignored.
        with_states : bool
            Whether to add the columns user_state and item_state, which are "hot", "warm" or "cold".
        clip : bool
            Whether to clip predicted ratings to the rating range; False is passed on to ``model.recommend``.

        Returns
        -------
        frame
            Frame of the library that the interactions came in, with columns user, item, score (float32) and rank
            (int64, from 1).

        Raises
        ------
        ValueError
            If ``k`` is below 1, an item is unknown, or a user is unknown and ``on_unsupported_targets`` is "raise".

        Warns
        -----
        UserWarning
            If ids are integers and the given texts all spell integers, such as "101", and are read as integers; or if a
            user who gets the ``fallback``, or is left out, has an id of another type than the known ids.
        """
        data = self.interactions
        if not _is_count(k):
            raise ValueError(f"recommend: k={k!r} is not a positive integer")
        if on_unsupported_targets not in ("raise", "warn", "ignore"):
            raise ValueError(f"on_unsupported_targets={on_unsupported_targets!r} is not 'raise', 'warn' or 'ignore'")
        listed: Any = data.users.to_numpy()
        at = np.arange(data.n_users)
        if users is not None:
            listed = list(dict.fromkeys(_listed(users, data.users, "recommend: users")))
            at = data.users.positions(listed, unknown="ignore")
            if self.fallback is not None or on_unsupported_targets == "ignore":
                _warn_of_types(listed, at, data.users)
        states, known = self._states(listed, at, user_features)
        at, states, names = self._supported(listed, at, states, on_unsupported_targets)
        chosen = self._chosen(items_to_recommend)
        ids = np.full((len(at), int(k)), -1, dtype=np.int64)
        scores = np.full(ids.shape, -np.inf, dtype=np.float32)
        options = {"N": int(k), "items": chosen, **({} if clip else {"clip": False})}
        if chosen is None or len(chosen):
            alone = (states == "cold") & (self.fallback is not None)
            hot = np.flatnonzero((at >= 0) & (states != "warm") & ~alone)
            if len(hot):
                more = {"filter_already_liked_items": exclude_seen, **options}
                for some, asked in self._asked_for(at, hot):
                    found = self.model.recommend(*asked[0], **asked[1], **more)
                    ids[some], scores[some] = self._checked(found, len(some), int(k))
            warm = np.flatnonzero(states == "warm")
            if len(warm):
                nothing = data.user_items[np.zeros(0, dtype=np.int64)]
                nothing.resize((len(warm), data.n_items))
                more = {"recalculate_user": True, "user_features": known, **options}
                found = self.model.recommend(np.full(len(warm), -1), nothing, **more)
                ids[warm], scores[warm] = self._checked(found, len(warm), int(k))
            if alone.any():
                ids[alone], scores[alone] = self._fallen_back(chosen, int(k))
                for user, disliked in self._dislikes(at, alone) if exclude_seen else ():
                    ids[user], scores[user] = self._fallen_back(chosen, int(k), disliked)
        filled = ids >= 0
        rank = np.cumsum(filled, axis=1)[filled]
        row = np.repeat(np.arange(len(at)), filled.sum(axis=1))
        told = data.users.names(at[row]) if (at >= 0).all() else Ids(names).names(row)
        return self._frame(told, ids[filled], scores[filled], rank, states[row] if with_states else None)

    def _asked_for(self, at: Array, hot: Array) -> Iterator[tuple[Array, tuple[tuple[Any, ...], dict[str, Any]]]]:
        """Of users with interactions, by position: those to ask for together, and how."""
        rows, histories = self._model_rows(at[hot]), self.interactions.user_items
        fitted, new = hot[rows >= 0], hot[rows < 0]
        if self._rows is not None:  # so that as many as the model has are all of its own, in order
            fitted = fitted[np.argsort(self._model_rows(at[fitted]), kind="stable")]
        if len(fitted):
            yield fitted, ((self._model_rows(at[fitted]), histories[at[fitted]]), {})
        for some in np.array_split(new, 2 if len(new) > 1 else 1) if len(new) else ():
            yield some, ((np.full(len(some), -1), histories[at[some]]), {"recalculate_user": True})

    def _model_rows(self, at: Array) -> Array:
        """The model's numbers of users of the interactions; -1 for one that it lacks, as for -1."""
        if self._rows is None:
            return at
        out: Array = np.where(at >= 0, np.append(self._rows, -1)[at], -1)
        return out

    def _states(self, listed: Any, at: Array, features: Any) -> tuple[Array, Any]:
        """What is known of each user, and the features of the warm ones."""
        counts = np.append(np.diff(self.interactions.user_items.indptr), 0)
        states = np.where(counts[at] > 0, "hot", "cold")
        states[self._dislike_alone(at, states)] = "cold"
        new = np.flatnonzero(states == "cold")
        if features is None or not len(new):
            return states, None
        own = getattr(features, "ids", None)
        if isinstance(own, Ids):
            features = features.align(listed, unknown="ignore")
            if len(own) and not features.present.any():
                check_kinds("recommend: user_features", own, listed)
        rows = getattr(features, "features", features)
        rows = self._matrix(rows) if matrices.is_sparse(rows) else as_numpy(rows, "recommend: user_features")
        if len(rows.shape) != 2 or rows.dtype.kind not in "buif":
            raise TypeError(
                f"recommend: user_features is {type(features).__name__}: give a matrix of numbers, or Features, such "
                "as an encoder's transform(table)"
            )
        if rows.shape[0] != len(listed):
            raise ValueError(
                f"recommend: user_features has {rows.shape[0]} rows for {len(listed)} users: give one for each, or "
                "Features with ids"
            )
        said: Array = np.diff(rows.indptr) > 0 if hasattr(rows, "indptr") else np.any(rows != 0, axis=1)
        new = new[said[new]]
        states[new] = "warm"
        return states, rows[new]

    def _dislike_alone(self, at: Array, states: Array) -> Array:
        """Positions of hot users of whom the model knows nothing, since all their values are dislikes."""
        hot, told = np.flatnonzero(states == "hot"), getattr(self.model, "user_states", None)
        if told is None or not len(hot):
            return hot[:0]
        hot = hot[np.asarray(told(self._model_rows(at[hot]))) != "hot"]
        rows = self.interactions.user_items[at[hot]]
        liked = np.append(0, np.cumsum(~(rows.data < 0)))[rows.indptr]
        out: Array = hot[np.diff(liked) == 0]
        return out

    def _dislikes(self, at: Array, alone: Array) -> Iterator[tuple[int, Array]]:
        """Of users without interactions, by position: the items that the model hides from them."""
        disliked = getattr(self.model, "disliked", None)
        if disliked is None or not disliked.nnz:
            return
        rows = self._model_rows(at)
        for row in np.flatnonzero(alone & (rows >= 0)).tolist():
            if len(items := disliked[[rows[row]]].indices):
                yield row, items

    def _matrix(self, x: Any) -> Any:
        """A sparse matrix of features as CSR; one row where it is one-dimensional."""
        read = matrices.matrix("recommend: user_features", x, row=True)
        kind = type(self.interactions.user_items)
        return kind((read.data, read.indices, read.indptr), shape=read.shape)

    def _supported(self, listed: Any, at: Array, states: Array, unsupported: str) -> tuple[Array, Array, list[Any]]:
        """Positions, states and ids of the users that can be answered."""
        lost = (at < 0) & (states == "cold") & (self.fallback is None)
        if lost.any():
            names = [listed[row] for row in np.flatnonzero(lost)[:3]]
            other = self.interactions.users.other_type(names[0])
            some = ", ".join(map(repr, names)) + (", ..." if lost.sum() > 3 else "")
            message = f"recommend: {lost.sum()} of {len(listed)} users have no interactions: {some}{other}"
            if unsupported == "raise":
                fix = "pass on_unsupported_targets='ignore' to leave them out, or make FrameRecommender with a fallback"
                raise ValueError(f"{message}; {fix}")
            if unsupported == "warn":
                warnings.warn(f"{message}; they are left out", stacklevel=3)
        return at[~lost], states[~lost], [listed[row] for row in np.flatnonzero(~lost)]

    def _chosen(self, items: Any) -> Array | None:
        if items is None:
            blank = unnamed(self.interactions.items.to_numpy())
            return np.flatnonzero(~blank) if blank.any() else None
        try:
            known = self.interactions.items
            return np.unique(known.positions(_listed(items, known, "recommend: items_to_recommend", 4)))
        except ValueError as error:
            raise ValueError(f"recommend: items_to_recommend: {error}") from None

    def _checked(self, found: Any, b: int, k: int) -> tuple[Array, Array]:
        ids, scores = np.asarray(found[0]), np.asarray(found[1])
        if ids.shape != (b, k) or scores.shape != (b, k):
            raise ValueError(
                f"recommend: {type(self.model).__name__}.recommend gave ids {ids.shape} and scores {scores.shape} "
                f"for {b} users; want ({b}, {k}) both"
            )
        return ids, scores

    def _fallen_back(self, chosen: Array | None, k: int, hidden: Any = ()) -> tuple[Array, Array]:
        """The k best items by ``fallback``, ties by lower id; (k,) each."""
        assert self.fallback is not None
        able = np.setdiff1d(np.arange(self.interactions.n_items) if chosen is None else chosen, hidden)
        able = able[~np.isnan(self.fallback[able])]
        best = able[np.argsort(-self.fallback[able], kind="stable")[:k]]
        ids, scores = np.full(k, -1, dtype=np.int64), np.full(k, -np.inf, dtype=np.float32)
        ids[: len(best)], scores[: len(best)] = best, self.fallback[best]
        return ids, scores

    def _frame(self, users: Array, items: Array, scores: Array, rank: Array, states: Array | None) -> Any:
        data = self.interactions
        columns = {
            "user": users,
            "item": data.items.names(items),
            "score": scores.astype(np.float32),
            "rank": rank.astype(np.int64),
        }
        if states is not None:
            columns["user_state"] = states
            columns["item_state"] = self._item_states(items)
        return make_frame(columns, data.backend)

    def _item_states(self, items: Array) -> Array:
        """The model's own account, or whether anybody has an item."""
        told = getattr(self.model, "item_states", None)
        if told is not None:
            return np.asarray(told(items))
        x = self.interactions.user_items
        return np.where(np.bincount(x.indices, minlength=x.shape[1])[items] > 0, "hot", "cold")


def _is_count(k: Any) -> bool:
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool) and int(k) > 0


def _listed(ids: Any, known: Ids, argument: str, stacklevel: int = 3) -> list[Any]:
    """A list of ids from one id, or from any iterable of them; a known tuple is one id."""
    ids = native(ids, argument)
    if isinstance(ids, np.ndarray) and ids.ndim == 0:
        ids = plain(ids)
    one_axis(ids, argument)
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__") or (isinstance(ids, tuple) and _holds(known, ids)):
        ids = [ids]
    return known.reading(ids, argument, stacklevel=stacklevel)


def _warn_of_types(listed: list[Any], at: Array, known: Ids) -> None:
    """Unknown users get the fallback or nothing, but not in silence where their ids are of another type."""
    strangers = np.flatnonzero(at < 0)
    told = known.other_type(listed[strangers[0]]) if len(strangers) else ""
    if told:
        warnings.warn(f"recommend: users: {listed[strangers[0]]!r:.60} is unknown{told}", UserWarning, stacklevel=3)


def _holds(known: Ids, name: Any) -> bool:
    try:
        return name in known
    except TypeError:
        return False
