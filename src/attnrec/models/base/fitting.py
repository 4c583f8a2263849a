"""Fit and partial fit: checks of the input, the estimator's learning hooks, and the swap of the state."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Self, TypeVar

from ...data.alignment import Alignment
from ...data.ids import Ids
from ..inputs.histories import CSR, Array, no_rows
from ..storage import fields
from ..storage import titles as titles_of
from . import cold_start, learning, similar, tuning
from .learning import Given, Report
from .state import Declared, FittedState, Negative, Stored, snapshot_read

__all__ = ["Given", "Learning", "Report", "Rows"]

Rows = CSR | Array
StateT_co = TypeVar("StateT_co", bound=FittedState, covariant=True)


class Learning(Stored[StateT_co]):
    """``fit``, ``partial_fit_users`` and ``partial_fit_items`` over one hook, :meth:`_learn`.

    An estimator that can be tuned has "tune" in ``accepted_inputs`` and the hook ``_search_space``; :meth:`_trial`
    scores a setting, ``_searches_by_coordinate`` selects a search that changes one parameter at a time, and
    ``_tuned_with`` names the input of ``fit`` that a parameter needs.

    Attributes
    ----------
    accepted_inputs : frozenset of str
        The optional inputs that the estimator uses, out of ``user_features``, ``item_features``, ``item_vectors``,
        ``sample_weight``, ``tune`` and ``checkpoint``; it refuses the others.
    updates_are_exact : bool
        Whether ``partial_fit_users`` and ``partial_fit_items`` give the model that ``fit`` on the changed histories
        would, at the cost of learning again. Where it is False they are cheap and approximate: they change the vectors
        of the named users or items alone, and everything else stays as it was learned until the next ``fit``.
    scores_are_shares : bool
        Whether scores that are not ratings are fractions of 1, such as of the attention on who has an item.
    tuning_ : Trials or None
        What the last ``fit`` with ``tune`` tried: a list of dicts, with ``to_frame``. It is not saved.
    alignment_ : dict of str -> attnrec.data.Alignment
        How the last ``fit`` or update joined the rows of each input to users or items: by id or by position, how many
        matched, are missing, or were left out. It is not saved.
    """

    accepted_inputs: ClassVar[frozenset[str]] = frozenset()
    updates_are_exact: ClassVar[bool] = True
    scores_are_shares: ClassVar[bool] = True
    tuning_: tuning.Trials | None = None
    alignment_: Mapping[str, Alignment] = MappingProxyType({})
    _searches_by_coordinate = False
    _tuned_with: ClassVar[dict[str, str]] = {}

    # Hooks of an estimator.

    def _search_space(self) -> Mapping[str, Sequence[object]]:
        """The grid that ``fit(tune=True)`` tries: values by name of a parameter."""
        raise NotImplementedError

    def _trial(self, user_items: CSR, given: Given) -> Callable[[Mapping[str, object]], float]:
        """Holds out a part of ``user_items``, and gives how good a setting is on it; higher is better."""
        raise NotImplementedError

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> StateT_co:
        """The state for these histories, and what was ``given`` beside them."""
        raise NotImplementedError

    def _takes_negative(self, user_items: CSR, declared: Declared) -> Negative:
        """What becomes of values below 0 (see :func:`dislikes.apart`), for estimators with the parameter."""
        out: Negative = getattr(self, "negative", "interaction")
        return out

    def _known_features(self, name: str, ids: Array, given: object, n: int) -> object:
        """The ``item_features`` or ``user_features`` that the model was fitted with, or ``item_vectors`` that it has
        been given, for ``n`` items or users: ``ids`` have those ``given``."""
        return None

    def _users_changed(self, user_items: CSR, userids: Array, rows: CSR, user_features: object) -> StateT_co:
        """The state with all histories, of which ``rows`` of ``userids`` are new, and their features if these are
        given."""
        changed = {} if user_features is None else {"user_features": (userids, user_features)}
        return learning.again(self, user_items, changed)

    def _items_changed(
        self, user_items: CSR, itemids: Array, rows: CSR, item_features: object, item_vectors: object
    ) -> StateT_co:
        """The state with all histories, in which ``itemids`` have the users ``rows`` now, and features or vectors if
        they are given."""
        changed = {"item_features": (itemids, item_features), "item_vectors": (itemids, item_vectors)}
        return learning.again(self, user_items, changed)

    def _user_vectors(self) -> Rows:
        """Rows of length 1."""
        raise NotImplementedError

    def _item_vectors(self) -> Rows:
        raise NotImplementedError

    def _fold_users(self, user_items: CSR) -> Rows:
        """Vectors of users with these histories, the same bits as a fitted user with them has."""
        raise NotImplementedError

    def _fold_items(self, item_users: CSR) -> Rows:
        raise NotImplementedError

    # Learning.

    def fit(
        self,
        user_items: object,
        *,
        user_features: object = None,
        item_features: object = None,
        sample_weight: object = None,
        show_progress: bool = True,
        callback: Callable[[int, float, float], None] | None = None,
        tune: object = None,
        checkpoint: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Learn from histories.

        Parameters
        ----------
        user_items : (users, items) scipy sparse matrix or array, or attnrec.data.Interactions
            Ratings, counts or ones. A stored entry is an interaction, also where it is 0, and for estimators with the
            parameter ``negative`` a dislike where it is below 0, with a UserWarning; duplicate entries add up, as
            everywhere in SciPy. Any index type, order and real dtype is accepted, and copied as float32.
        user_features : (users, f) matrix or attnrec.features.Features, optional
            Content of users, for estimators that use it, as ``item_features``.
        item_features : (items, f) matrix or attnrec.features.Features, optional
            Content of items, for estimators that use it; others refuse it. The model keeps the encoder of
            :class:`attnrec.features.Features`, so that later inputs may be raw tables. Features with ids are joined to
            Interactions by id, in any order: rows of unknown ids are left out, a missing row is missing content, with a
            UserWarning, and ``alignment_`` counts both. If either has no ids, row i is item (or user) i.
        sample_weight : (users,) array_like, optional
            Weight of each user in the loss, at least 0, for estimators that use it: a larger weight counts more.
        show_progress : bool
            Show a progress bar.
        callback : callable, optional
            Function called as ``callback(epoch, seconds, loss)`` after each epoch, or once with a loss of NaN by an
            estimator without epochs.
        tune : True, int, mapping of sequences, or iterable of mappings, optional
            Hyperparameter search: fit on a part of the histories with several settings, choose the one that is best on
            the rest, then fit on all. True tries the estimator's own grid (or a coordinate search, one parameter at a
            time, if the parameters are many), a number that many of its settings, ``{"name": [values]}`` a grid of
            yours, and a list of dicts these settings. The held-out part is drawn with ``random_state`` from
            ``user_items`` alone. The chosen parameters are set on the estimator, and all trials are kept as
            ``tuning_``.
        checkpoint : path, optional
            File to which training in epochs writes its whole state after each one. If the file exists, and is of the
            same data and parameters, training continues from it, to the same bits.

        Returns
        -------
        the estimator
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If there are no interactions, a value is not finite (named by row and column), a parameter is unusable, or
            features and interactions have no id in common.
        TypeError
            If ``user_items`` is not sparse or not real.
        """
        inputs = {"user_features": user_features, "item_features": item_features, "sample_weight": sample_weight}
        learning.fit(self, user_items, inputs, show_progress, callback, tune, checkpoint)
        return self

    def partial_fit_users(self, userids: object, user_items: object = None, *, user_features: object = None) -> Self:
        """Replace the histories or the features of some users, or add users.

        The model is then as if fitted with them from the start, or, where ``updates_are_exact`` is False, the new
        vectors are computed by fold-in, without training, and the vectors of items stay as they were.

        Parameters
        ----------
        userids : (k,) array_like of int
            Fitted users, or new ones numbered on from ``n_users``.
        user_items : (k, items) sparse, optional
            Whole histories of these users, one row for each of ``userids``. Interactions are joined by id, if the model
            was fitted with some: rows of fitted users are found in any order, users that the model does not know are
            the new ones of ``userids``, in their order, and items that it does not know are left out with a
            UserWarning.
        user_features : (k, f) or table of k rows, optional
            Features as in ``fit``, or a table for their encoder, for estimators that use them. Without ``user_items``
            new users have no history, and fitted ones keep theirs; without features fitted users keep their features,
            and new ones have none. Features with ids are joined like Interactions. New users without an id in their
            rows are matched by number from then on.

        Returns
        -------
        the estimator
            The updated estimator itself.

        Raises
        ------
        ValueError
            If ids repeat or leave a gap, the rows do not belong to them, no outside id matches, neither is given, or
            the model was fitted without ``user_features``.
        """
        learning.update_users(self, userids, user_items, user_features)
        return self

    def partial_fit_items(
        self, itemids: object, item_users: object = None, *, item_features: object = None, item_vectors: object = None
    ) -> Self:
        """Replace the users or the features of some items, or add items.

        The model is then as if fitted with them from the start. Where ``updates_are_exact`` is False, there is no
        training: an item's vector is then the mean of its users' vectors, rescaled to the average item norm, plus the
        output of the tower for its features, plus a given vector, rescaled likewise; users keep their vectors.

        Parameters
        ----------
        itemids : (k,) array_like of int
            Fitted items, or new ones numbered on from ``n_items``.
        item_users : (k, users) sparse, optional
            All interactions of these items, one row for each of ``itemids``; or Interactions (users, items), joined by
            id if the model was fitted with some, as in :meth:`partial_fit_users`.
        item_features : (k, f) or table of k rows, optional
            Features as in ``fit``, or a table for their encoder. Without ``item_users`` new items have no users, and
            fitted ones keep theirs. Features with ids are joined like Interactions.
        item_vectors : (k, d), optional
            Directions of item vectors, such as those of :class:`ContentBridge`, for estimators that score by them; for
            attention between items, rows of ``history_weights``, used while the item has no users.

        Returns
        -------
        the estimator
            The updated estimator itself.

        Raises
        ------
        ValueError
            If ids repeat or leave a gap, the rows do not belong to them, no outside id matches, or ``item_users`` is
            missing.
        """
        learning.update_items(self, itemids, item_users, item_features, item_vectors)
        return self

    def _of_entries(self, entries: fields.Entries) -> StateT_co:
        state = super()._of_entries(entries)
        if (state.negative is None) == ("negative" in self._param_names()):
            raise ValueError(f"negative is {state.negative!r}")
        return state

    # What is known.

    @property
    def user_items(self) -> CSR:
        """Histories that the model learned from, (users, items) CSR of float32; not to be changed."""
        return self._fitted().histories

    @property
    def disliked(self) -> CSR:
        """Dislikes: stored values below 0 that are hidden from their users and not learned from.

        It is a (users, items) CSR of float32, not to be changed; see the parameter ``negative`` of estimators.
        """
        s = self._fitted()
        return no_rows(*s.histories.shape) if s.disliked is None else s.disliked

    @property
    def user_ids(self) -> Ids | None:
        """Outside ids of the users by number, from the Interactions that the model was fitted with.

        Later inputs with ids are joined by them. It is None if the model was fitted with a matrix. A user added without
        an id has a placeholder that equals no other id.
        """
        return self._outside.user

    @property
    def item_ids(self) -> Ids | None:
        """Outside ids of the items by number, as :attr:`user_ids`."""
        return self._outside.item

    def _titles_of_items(self, titles: object) -> tuple[str, ...]:
        return titles_of.checked(titles, self.item_ids or Ids(range(self.n_items)))

    @property
    def n_users(self) -> int:
        """Users that the model was fitted with."""
        return int(self._fitted().histories.shape[0])

    @property
    def n_items(self) -> int:
        """Items that the model was fitted with."""
        return int(self._fitted().histories.shape[1])

    @property
    def predicts_ratings(self) -> bool:
        """Whether scores are ratings on the scale of the data, rather than numbers that only rank."""
        self._fitted()
        return False

    @property
    @snapshot_read
    def rating_range(self) -> tuple[float, float] | None:
        """What predicted ratings are shown within unless ``clip`` is False; None where scores are no ratings.

        The range that :class:`attnrec.data.Interactions` declared, or else the lowest and the highest rating that is
        stored; a declared one is widened to whatever an update stores.
        """
        scale = self._fitted().rating_scale()
        return (scale.low, scale.high) if scale is not None and self.predicts_ratings else None

    @property
    @snapshot_read
    def item_vectors(self) -> Rows:
        """Vectors of length 1 that :meth:`similar_items` compares, (items, width) dense or CSR; not to be changed."""
        return self._derived("item_vectors", self._item_vectors)

    @property
    @snapshot_read
    def user_vectors(self) -> Rows:
        """Vectors of length 1 that :meth:`similar_users` compares, (users, width) dense or CSR; not to be changed."""
        return self._derived("user_vectors", self._user_vectors)

    @snapshot_read
    def user_states(self, userids: object = None) -> Array:
        """Cold-start state of users: "hot" with interactions, "warm" with features alone, "cold" with neither.

        Dislikes are not interactions (see the parameter ``negative`` of estimators that have it).

        Parameters
        ----------
        userids : int or (k,) array_like of int, optional
            Numbers of users, by default of all fitted ones; numbers that the model was not fitted with are cold.

        Returns
        -------
        (k,) ndarray of str
            The state of each user.

        Examples
        --------
        >>> from scipy.sparse import csr_array
        >>> from attnrec.models import NeighbourAttention
        >>> NeighbourAttention().fit(csr_array([[1, 1], [0, 0]])).user_states([0, 1, -1]).tolist()
        ['hot', 'cold', 'cold']
        """
        return cold_start.users(self._fitted(), userids)

    @snapshot_read
    def item_states(self, itemids: object = None) -> Array:
        """Cold-start state of items: "hot" with interactions, "warm" with features or a vector alone, else "cold".

        Parameters
        ----------
        itemids : int or (k,) array_like of int, optional
            Numbers of items, by default of all fitted ones; numbers that the model was not fitted with are cold.

        Returns
        -------
        (k,) ndarray of str
            The state of each item.
        """
        return cold_start.items(self._fitted(), itemids)

    @snapshot_read
    def recalculate_user(self, userid: object, user_items: object) -> Rows:
        """Vectors of length 1 of users with these histories (fold-in), as :meth:`similar_users` compares them.

        Parameters
        ----------
        userid : int or (b,) array_like of int
            Users that the histories belong to; -1 for a new user.
        user_items : sparse or attnrec.data.Interactions
            Histories: the rows aligned with ``userid``, the full matrix, or Interactions, as in :meth:`recommend`.

        Returns
        -------
        (b, width) array or CSR
            One vector for each of ``userid``.
        """
        return similar.folded_users(self, userid, user_items)

    @snapshot_read
    def recalculate_item(self, itemid: object, item_users: object) -> Rows:
        """Vectors of length 1 of items with these users, as :meth:`similar_items` compares them.

        Parameters
        ----------
        itemid : int or (b,) array_like of int
            Items that the users belong to; -1 for a new item.
        item_users : sparse or attnrec.data.Interactions
            Users of the items: the rows aligned with ``itemid``, the full (items, users) matrix, or Interactions
            (users, items), joined by id as in :meth:`partial_fit_items`.

        Returns
        -------
        (b, width) array or CSR
            One vector for each of ``itemid``.
        """
        return similar.folded_items(self, itemid, item_users)
