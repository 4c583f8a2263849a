"""Fit and partial fit: checks of the input, the estimator's learning hooks, and the swap of the state."""

from __future__ import annotations

import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from ...data.alignment import Alignment
from ..inputs import checks, dislikes, rating_scale
from ..inputs.histories import CSR, Array, histories, merge_rows, no_rows
from ..inputs.outside import Asked, Outside
from ..storage.encoders import Encoders
from . import tuning
from .state import Fitted

__all__ = ["Learning", "rows_of"]

Report = Callable[[int, float], None]  # epoch (from 1), loss


class Learning(Fitted):
    """``fit``, ``partial_fit_users`` and ``partial_fit_items`` over one hook, :meth:`_learn`.

    An estimator that can be tuned has "tune" in ``accepted_inputs`` and the hook ``_search_space``; :meth:`_trial`
    scores a setting, ``_searches_by_coordinate`` selects a search that changes one parameter at a time, and
    ``_tuned_with`` names the input of ``fit`` that a parameter needs.

    Attributes
    ----------
    tuning_ : Trials or None
        What the last ``fit`` with ``tune`` tried: a list of dicts, with ``to_frame``. It is not saved.
    alignment_ : dict of str -> attnrec.data.Alignment
        How the last ``fit`` or update joined the rows of each input to users or items: by id or by position, how many
        matched, are missing, or were left out. It is not saved.
    """

    tuning_: tuning.Trials | None = None
    alignment_: Mapping[str, Alignment] = MappingProxyType({})
    _searches_by_coordinate = False
    _tuned_with: ClassVar[dict[str, str]] = {}

    def _search_space(self) -> dict[str, Sequence[Any]]:
        """The grid that ``fit(tune=True)`` tries: values by name of a parameter."""
        raise NotImplementedError

    def _trial(self, user_items: CSR, inputs: dict[str, Any]) -> Callable[[dict[str, Any]], float]:
        """Holds out a part of ``user_items``, and gives how good a setting is on it; higher is better."""
        raise NotImplementedError

    def _learn(self, user_items: CSR, inputs: dict[str, Any], show_progress: bool, report: Report) -> dict[str, Any]:
        """The state for these histories. ``inputs`` holds ``user_features``, ``item_features`` and
        ``sample_weight`` (None unless ``accepted_inputs`` names them), ``declared`` ("explicit", "implicit" or
        "unknown"), and ``rating_range``, the range that explicit ratings were declared with, or None.
        """
        raise NotImplementedError

    def _takes_negative(self, user_items: CSR, declared: str) -> str:
        """What becomes of values below 0 (see :func:`dislikes.apart`), for estimators with the parameter."""
        return str(getattr(self, "negative", "interaction"))

    def fit(
        self,
        user_items: Any,
        *,
        user_features: Any = None,
        item_features: Any = None,
        sample_weight: Any = None,
        show_progress: bool = True,
        callback: Callable[[int, float, float], None] | None = None,
        tune: Any = None,
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
        checks.unused(self, **inputs, tune=None if tune is False else tune, checkpoint=checkpoint)
        inputs["declared"], inputs["rating_range"] = _declared(user_items)
        self._check_params()
        started = time.perf_counter()
        given = histories("user_items", user_items)
        x, apart = self._apart(given, inputs["declared"])
        if x.nnz == 0:
            but = f" but {given.nnz} dislikes, values below 0" if given.nnz else ""
            raise ValueError(f"user_items {x.shape} holds no interactions{but}: there is nothing to learn from")
        self._warn_of_dislikes("user_items", given, apart)
        outside = Outside.of(user_items)
        inputs, alignment = outside.features(inputs, x.shape)

        def report(epoch: int, loss: float) -> None:
            if callback is not None:
                callback(epoch, time.perf_counter() - started, loss)

        model, trials = (self, None) if tune in (None, False) else self._tuned(x, inputs, tune, show_progress)
        state = model._learn(x, {**inputs, "checkpoint": checkpoint}, show_progress, report)
        state |= apart
        self.set_params(**model.get_params())
        told = {"_encoders": Encoders.of(inputs), "_outside": outside, "alignment_": alignment, "tuning_": trials}
        vars(self).update(_state=state, **told)  # at once, for other threads
        return self

    def _apart(self, user_items: CSR, declared: str) -> tuple[CSR, dict[str, Any]]:
        """The part that is learned from, and entries of the state for what is not."""
        if "negative" not in self._param_names():
            return user_items, {}
        negative = self._takes_negative(user_items, declared)
        learned, disliked = dislikes.apart(user_items, negative)
        return learned, {"negative": negative} | ({} if disliked is None else {"disliked": disliked})

    def _warn_of_dislikes(self, name: str, given: CSR, apart: dict[str, Any], up: int = 3) -> None:
        """Unless they were asked to be something else."""
        count = int(np.count_nonzero(given.data < 0)) if apart.get("negative") == "seen" else 0
        if count:
            warnings.warn(dislikes.warning(name, count), UserWarning, stacklevel=up)

    def _tuned(self, x: CSR, inputs: dict[str, Any], tune: Any, show_progress: bool) -> tuple[Self, tuning.Trials]:
        """An estimator with the best of the settings, and the table of all."""
        params, trials = self.get_params(), tuning.Trials()
        needs = self._tuned_with
        space = {k: v for k, v in self._search_space().items() if inputs.get(needs.get(k, "declared")) is not None}
        tried: Iterable[dict[str, Any]]
        if self._searches_by_coordinate and isinstance(tune, (bool, int, np.integer)):
            most = None if isinstance(tune, bool) else checks.count("tune", tune)
            tried = itertools.islice(tuning.coordinate_search(space, params, trials), most)
        else:
            tried = tuning.settings(tune, space, list(params), params.get("random_state", 0))
            for one in tried:
                if "negative" in one and "negative" in params:
                    raise ValueError("tune: negative says what the data are; set it on the estimator instead")
                type(self)(**{**params, **one})._check_params()
        best, _ = tuning.search(tried, self._trial(x, inputs), trials=trials, show_progress=show_progress)
        return type(self)(**{**params, **best}), trials

    def partial_fit_users(self, userids: Any, user_items: Any = None, *, user_features: Any = None) -> Self:
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
        checks.unused(self, user_features=user_features)
        user_features = self._encoders.encoded("user_features", user_features)
        old = self._everything()
        wanted, _ = checks.ids("userids", userids)
        checks.new_rows("userids", wanted, old.shape[0], "user")
        asked = self._asked("user", wanted)
        asked.take_names(user_items=user_items, user_features=user_features)
        if user_items is None and user_features is None:
            raise ValueError(
                "user_items is missing: pass the histories, one row for each of userids"
                + (", or user_features" if "user_features" in self.accepted_inputs else "")
            )
        if user_items is not None:
            given, _ = asked.rows("user_items", user_items)
            rows = rows_of("user_items", given, len(wanted), old.shape[1], "userids", "items")
        else:
            rows = _kept(old, wanted)
        user_features = asked.features("user_features", user_features)
        learned, rows, apart = self._changed("user_items", merge_rows(old, wanted, rows), rows, user_items is not None)
        self._swap(self._users_changed(learned, wanted, rows, user_features), apart, asked)
        return self

    def partial_fit_items(
        self, itemids: Any, item_users: Any = None, *, item_features: Any = None, item_vectors: Any = None
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
            Features as in ``fit``, or a table for their encoder, for estimators that use them. Without ``item_users``
            new items have no users, and fitted ones keep theirs. Features with ids are joined like Interactions.
        item_vectors : (k, d), optional
            Directions of item vectors, such as :class:`ContentBridge` makes of content, for estimators that score by
            ``item_vectors``; for attention between items, rows such as those of ``history_weights``, which count for
            as long as the item has no users. ``item_users`` may be left out with them.

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
        checks.unused(self, item_features=item_features, item_vectors=item_vectors)
        item_features = self._encoders.encoded("item_features", item_features)
        old = self._everything()
        wanted, _ = checks.ids("itemids", itemids)
        checks.new_rows("itemids", wanted, old.shape[1], "item")
        asked = self._asked("item", wanted)
        asked.take_names(item_users=item_users, item_features=item_features)
        if item_users is None and item_features is None and item_vectors is None:
            raise ValueError(
                f"{type(self).__name__} learns items from their users: pass item_users, one row for each of itemids"
                + "".join(f", or {name}" for name in ("item_features", "item_vectors") if name in self.accepted_inputs)
            )
        by_item = old.T.tocsr()
        if item_users is not None:
            given_users, _ = asked.rows("item_users", item_users)
            rows = rows_of("item_users", given_users, len(wanted), old.shape[0], "itemids", "users")
        else:  # features or vectors alone
            rows = _kept(by_item, wanted)
        item_features = asked.features("item_features", item_features)
        given = {} if item_vectors is None else {"item_vectors": item_vectors}
        whole = merge_rows(by_item, wanted, rows).T.tocsr()
        learned, rows, apart = self._changed("item_users", whole, rows, item_users is not None)
        self._swap(self._items_changed(learned, wanted, rows, item_features, **given), apart, asked)
        return self

    def _changed(self, name: str, whole: CSR, rows: CSR, fresh: bool) -> tuple[CSR, CSR, dict[str, Any]]:
        """Of all histories, and of rows of theirs (``fresh``: just given), what is learned from; and entries of the
        state for what is not. What was learned with one choice of ``negative`` keeps it; a refit has the one of now."""
        s = self._fitted()
        if self.updates_are_exact:
            learned, apart = self._apart(whole, s.get("declared", "unknown"))
        else:
            learned, disliked = dislikes.apart(whole, self._negative())
            apart = {"negative": self._negative()} | ({} if disliked is None else {"disliked": disliked})
        if fresh:
            self._warn_of_dislikes(name, rows, apart, up=4)
        return learned, dislikes.apart(rows, apart.get("negative", "interaction"))[0], apart

    def _swap(self, state: dict[str, Any], apart: dict[str, Any], asked: Asked) -> None:
        """Publish a state with what is not learned from, and the ids of new rows, in one assignment."""
        state.pop("disliked", None)
        state |= apart
        vars(self).update(_state=state, _outside=self._outside.grown(asked), alignment_=asked.report)

    def _users_changed(self, user_items: CSR, userids: Array, rows: CSR, user_features: Any) -> dict[str, Any]:
        """The state with all histories, of which ``rows`` of ``userids`` are new, and their features if these are
        given."""
        given = {} if user_features is None else {"user_features": (userids, user_features)}
        return self._relearn(user_items, **given)

    def _items_changed(
        self, user_items: CSR, itemids: Array, rows: CSR, item_features: Any, item_vectors: Any = None
    ) -> dict[str, Any]:
        """The state with all histories, in which ``itemids`` have the users ``rows`` now, and features or vectors if
        they are given (vectors by name)."""
        return self._relearn(user_items, item_features=(itemids, item_features), item_vectors=(itemids, item_vectors))

    def _known_features(self, name: str, ids: Array, given: Any, n: int) -> Any:
        """The ``item_features`` or ``user_features`` that the model was fitted with, or ``item_vectors`` that it has
        been given, for ``n`` items or users: ``ids`` have those ``given``."""
        return None

    def _relearn(self, user_items: CSR, **changed: tuple[Array, Any]) -> dict[str, Any]:
        """The state for these histories; ``changed`` are the ids whose features are others now, and these, by name."""
        x = histories("user_items", user_items)
        if x.nnz == 0:
            raise ValueError("no interactions would be left: keep at least one")
        s = self._fitted()
        inputs: dict[str, Any] = {"sample_weight": None, "declared": s.get("declared", "unknown")}
        inputs["rating_range"] = rating_scale.declared(s)
        sizes = {"user_features": x.shape[0], "item_features": x.shape[1], "item_vectors": x.shape[1]}
        for name in sizes.keys() & self.accepted_inputs:
            ids, given = changed.get(name, (np.zeros(0, dtype=np.int64), None))
            inputs[name] = self._known_features(name, ids, given, sizes[name])
        return self._learn(x, inputs, False, lambda epoch, loss: None)


def _declared(user_items: Any) -> tuple[str, tuple[float, float] | None]:
    """Whether the source of the histories says that they are ratings, and of what range, as Interactions does; a matrix
    says nothing."""
    explicit = getattr(user_items, "explicit", None)
    told = "unknown" if explicit is None else "explicit" if explicit else "implicit"
    return told, getattr(user_items, "rating_range", None) if explicit else None


def rows_of(name: str, x: Any, n_rows: int, n_cols: int, ids_name: str, width_name: str) -> CSR:
    def check(shape: tuple[int, int]) -> np.ndarray[Any, Any] | None:
        if shape != (n_rows, n_cols):
            raise ValueError(
                f"{name} has shape {shape}; it must have one row for each of the {n_rows} {ids_name} and a column for "
                f"each of the {n_cols} {width_name}"
            )
        return None

    return histories(name, x, check, row=checks.one_row(name, x, n_rows, ids_name))


def _kept(old: CSR, wanted: Array) -> CSR:
    """Rows as they are; of those past the end, empty ones."""
    fresh = wanted[wanted >= old.shape[0]]
    return merge_rows(old, fresh, no_rows(len(fresh), old.shape[1]))[wanted]
