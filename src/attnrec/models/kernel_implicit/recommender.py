"""KernelAttentionRecommender: top-n recommendation by softmax attention, with values solved in closed form."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np

from ... import ops
from ...explain.explanation import Explanation
from ..base import batches
from ..base.fitting import Given, Report
from ..base.recommender import Queries, Recommender
from ..content import state as content_state
from ..content.attribution import Columns
from ..inputs import dislikes
from ..inputs.histories import CSR, Array, csr, histories, ones
from . import item_kernel, parameters, ridge, vector_items
from .explain import Similarity, Users, explanation
from .state import KernelState
from .user_block import UserBlock

__all__ = ["KernelAttentionRecommender"]


class KernelAttentionRecommender(Recommender[KernelState]):
    r"""Implicit feedback: softmax attention on values that are solved for, in closed form, instead of looked up.

    Histories are compared through an exponential kernel, the numerator of softmax attention::

        k(x, y) = exp((cos(x, y) - 1) / temperature)

    with the cosine of binary histories whose columns weigh ``n_i^-popularity_exponent``, n_i the users of item i.
    Kernel ridge regression (Saunders et al., 1998) on all users' histories X gives the values
    ``R~ = (K + regularization I)^-1 X``, and the score of item i for a user with history x is ``k(x) R~_i``, which is
    ``softmax(cos / temperature) R~_i`` times a number that is the same for all items. In other words each neighbour v
    has a weight, which may be negative, and the score is the sum of the weights of those who have the item::

        w = k(x) (K + regularization I)^-1          score_i = sum_v w_v X_vi

    No user is a neighbour of itself: a fitted user's weights are those of the system without that user,
    ``w_v = -W_uv / W_uu`` with ``W = (K + regularization I)^-1``. Hence a new user has the scores that a fitted user
    with the same history would have (to rounding, apart from the part in n_i; exactly with ``popularity_exponent=0``).

    This is user-based recommendation. ``based_on="items"`` does the same with items and users exchanged: items are
    compared by who uses them, and the score is a sum over the history, ``score_i = sum_j x_j B_ji``, where off the
    diagonal ``B = -item_regularization (K_I + item_regularization I)^-1``, and 0 on it. An item without users is
    similar to no other, and scores 0. With a linear kernel this would be EASE (Steck, 2019) up to the scale of its
    columns. ``based_on="both"`` adds the two scores.

    ``weights`` of :meth:`recommend` are the fraction of ``sum_v |w_v|`` that belongs to users who have the item, or of
    ``sum_j |B_ji|`` that belongs to items of the history; the mean of both with ``based_on="both"``.

    Parameters
    ----------
    temperature : float
        Temperature of the attention between users, at least 0.01: a larger value spreads attention over less similar
        users, and so ranks nearer to popularity.
    regularization : float
        Ridge added to the kernel between users, at least 1e-6: a larger value gives smoother scores, nearer to plain
        attention on the histories of similar users.
    popularity_exponent : float
        Exponent, at least 0, by which an item's weight in the similarity of users falls with the number of its users:
        a larger value lets popular items count less, and 0 weighs all items equally.
    based_on : {"users", "items", "both"}
        What is compared: users (user-based), items (item-based), or both, whose scores are added.
    item_temperature : float
        Temperature of the attention between items, at least 0.01, as ``temperature``.
    item_regularization : float
        Ridge added to the kernel between items, at least 1e-6, as ``regularization``.
    activity_exponent : float
        Exponent, at least 0, by which a user's weight in the similarity of items falls with the length of the history:
        a larger value lets active users count less, and 0 weighs all users equally.
    content_weight : float
        Weight of ``item_features`` in the similarity of items, 0 to 1; histories have the rest, so a larger value
        compares items by content more.
    modality_weights : mapping of str to float, optional
        Weight of each modality of ``item_features``, at least 0, relative to the others and in place of an encoder's
        ``weights``; all are equal by default. A matrix is the modality "content".
    n_blocks : "auto" or int
        Number of blocks of users, drawn with ``random_state``, that are solved for separately and whose scores are
        averaged, at least 1. A larger number divides memory by ``n_blocks`` and time by its square, and costs accuracy,
        less so with a ``temperature`` that is raised or chosen by ``fit(tune=...)``. "auto" takes the fewest blocks
        that fit the memory budget.
    memory_budget : int, optional
        Bytes that ``fit`` may take; by default :func:`attnrec.memory_budget`. A larger budget allows more users and
        items, or fewer blocks.
    random_state : int
        Seed, at least 0, of the blocks of users and of the part of the histories that ``fit(tune=...)`` holds out.
    negative : {"seen", "ignore", "interaction"}
        Meaning of stored values below 0. "seen" takes them for dislikes, which are hidden from their user and not
        learned from; "ignore" drops them; "interaction" takes them for interactions, as all other values.

    Notes
    -----
    An empty history gives all users the same attention, which ranks by popularity; with ``based_on="items"`` an item's
    score is then the fraction of users who have it.

    Time: ``n^3`` multiplications and additions for n users (or items), memory ``4 n^2`` bytes, in place;
    :meth:`memory_needed` says how much beforehand, and so does the progress bar.

    An explanation by neighbour lists ``weight * 1`` for each user who has the item. One by history item splits
    ``k(x, v) = k_0 + (k(x, v) - k_0)``, ``k_0 = exp(-1 / temperature)``: the first is there whatever the history and
    goes to the background, with the rounding of the inverse; the second is divided among the items that x and v
    have in common, in proportion to their part of the cosine. With ``based_on="items"`` or "both" items add
    ``x_j B_ji``. With content, that is divided among interactions and modalities, in proportion to the size of their
    parts of the similarity of i and j, and the part of a modality among its columns likewise; the part of users counts
    as interactions. A
    contribution is the part of the score by that convention; it is not a cause.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import KernelAttentionRecommender
    >>> user_items = csr_array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [1, 1, 1, 0, 0], [0, 0, 1, 1, 0]])
    >>> model = KernelAttentionRecommender(temperature=0.5).fit(user_items, show_progress=False)
    >>> ids, scores = model.recommend(0, N=2)
    >>> ids
    array([2, 3])
    >>> why = model.explain(0, 2)
    >>> bool(abs(why.neighbours.total - scores[0]) < 1e-5), bool(abs(why.contributions.total - scores[0]) < 1e-5)
    (True, True)
    """

    _holds = KernelState
    accepted_inputs = frozenset({"tune", "item_features", "item_vectors"})

    def __init__(
        self,
        temperature: float = 0.25,
        regularization: float = 0.15,
        popularity_exponent: float = 0.2,
        *,
        based_on: Literal["users", "items", "both"] = "users",
        item_temperature: float = 0.5,
        item_regularization: float = 0.5,
        activity_exponent: float = 0.5,
        content_weight: float = 0.3,
        modality_weights: Mapping[str, float] | None = None,
        n_blocks: int | Literal["auto"] = "auto",
        memory_budget: int | None = None,
        random_state: int = 0,
        negative: Literal["seen", "ignore", "interaction"] = "seen",
    ) -> None:
        self.temperature = temperature
        self.regularization = regularization
        self.popularity_exponent = popularity_exponent
        self.based_on = based_on
        self.item_temperature = item_temperature
        self.item_regularization = item_regularization
        self.activity_exponent = activity_exponent
        self.content_weight = content_weight
        self.modality_weights = modality_weights
        self.n_blocks = n_blocks
        self.memory_budget = memory_budget
        self.random_state = random_state
        self.negative = negative

    def _check_params(self) -> None:
        parameters.check(self)

    def _search_space(self) -> Mapping[str, Sequence[object]]:
        return parameters.SPACE[self.based_on]

    def _side(self, item_features: object, n_items: int) -> content_state.Side | None:
        known = content_state.taken("item_features", item_features, n_items, "items")
        if known is not None and self.based_on == "users":
            raise ValueError(
                "item_features say which items are alike: use them with based_on='items' or based_on='both'"
            )
        return content_state.Side.of(known, float(self.content_weight), self.modality_weights)

    # Memory.

    def _plan(self, x: CSR, content: int | None) -> tuple[int, int]:
        """Bytes that fitting takes with so many values of content, and blocks of users; ValueError over the budget."""
        more = 0 if content is None else item_kernel.content_bytes(x, content)
        return ridge.plan(x.shape, x.nnz, self.based_on, self.n_blocks, self.memory_budget, more)

    def memory_needed(self, user_items: object, item_features: object = None) -> int:
        """Peak memory of ``fit(user_items, item_features=item_features)``, in addition to its input.

        Parameters
        ----------
        user_items : sparse or attnrec.data.Interactions
            Histories as for ``fit``.
        item_features : (items, f) matrix or attnrec.features.Features, optional
            Features as for ``fit``.

        Returns
        -------
        int
            Bytes.

        Raises
        ------
        ValueError
            If that is more than the memory budget; the message says how much it is, and what else would do.
        """
        self._check_params()
        x = dislikes.apart(histories("user_items", user_items), self.negative)[0]
        beside = self._side(item_features, x.shape[1])
        return self._plan(x, None if beside is None else beside.known.nnz)[0]

    # Learning.

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> KernelState:
        x = user_items
        beside = self._side(given.item_features, x.shape[1])
        bytes_, n_blocks = self._plan(x, None if beside is None else beside.known.nnz)
        if self.n_blocks == "auto" and n_blocks > 1:
            warnings.warn(
                f"users are solved for in {n_blocks} blocks to stay within the memory budget, which costs accuracy "
                "unless temperature is chosen for it: pass a larger memory_budget, fit(tune=...), or "
                f"n_blocks={n_blocks} to have it so",
                RuntimeWarning,
                stacklevel=4,
            )
        counts = np.bincount(x.indices, minlength=x.shape[1])
        weights = ridge.column_weights(counts, float(self.popularity_exponent))
        unit = ridge.features(x, weights)
        activity = ridge.column_weights(np.diff(x.indptr), float(self.activity_exponent))
        inverse: list[Array] = []
        between, given_vectors = None, None
        columns = (x.shape[0] if self.based_on != "items" else 0) + (x.shape[1] if self.based_on != "users" else 0)
        with batches.progress(columns, show_progress, "column") as bar:
            bar.set_description(f"{bytes_ / 1e9:.2f} GB" + (f", {n_blocks} blocks of users" if n_blocks > 1 else ""))
            if self.based_on != "items":
                for rows in ridge.parts(x.shape[0], n_blocks, int(self.random_state)):
                    part = unit if n_blocks == 1 else unit[rows]
                    inverse.append(self._inverse(part, bar.update))
            if self.based_on != "users":
                between = self._between(ridge.features(x.T.tocsr(), activity), beside, bar.update)
                given_vectors = vector_items.put(between, given.item_vectors, counts > 0)
        state = KernelState(
            histories=x,
            declared=given.declared,
            based_on=self.based_on,
            temperature=float(self.temperature),
            n_blocks=n_blocks,
            random_state=int(self.random_state),
            unit=unit.data,
            item_weights=weights,
            user_weights=activity,
            inverse=tuple(inverse),
            between_items=between,
            vectors=given_vectors,
            items=content_state.HeldSide.of(beside),
            content_weight=None if beside is None else beside.share,
        )
        report(1, float("nan"))
        return state

    def _between(self, by_item: CSR, beside: content_state.Side | None, step: Callable[[int], object]) -> Array:
        unit = by_item if beside is None else beside.fused(by_item)
        used = np.diff(by_item.indptr) > 0
        return self._solved("item_", lambda t, r: item_kernel.between(unit, used, t, r, step), unit)

    def _inverse(self, unit: CSR, step: Callable[[int], object]) -> Array:
        return self._solved("", lambda t, r: ridge.inverse(unit, t, r, step), unit)

    def _solved(self, prefix: str, solve: Callable[[float, float], Array], unit: CSR) -> Array:
        temperature, regularization = (float(getattr(self, prefix + n)) for n in ("temperature", "regularization"))
        try:
            return solve(temperature, regularization)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                f"the kernel matrix of {unit.shape[0]} {'items' if prefix else 'users'} with {prefix}regularization="
                f"{regularization:g} is {error}: raise {prefix}regularization, or lower {prefix}temperature"
            ) from None

    def _known_features(self, name: str, ids: Array, given: object, n: int) -> object:
        s = self._fitted()
        if name == "item_vectors":
            return vector_items.updated(s, ids, given, n)
        return content_state.updated(name, s.items, ids, given, n)

    @property
    def history_weights(self) -> Array:
        """Weight of each history item in the score of each item, (items, items) float32, for :class:`ContentBridge`.

        ``user_items @ history_weights[i]`` are the scores of item i, without the part of users if ``based_on="both"``.
        """
        return np.asarray(self._between_items(self._fitted()).T)

    def _between_items(self, s: KernelState) -> Array:
        if s.between_items is None:
            raise ValueError("based_on='users' has no weights between items: use based_on='items' or based_on='both'")
        return s.between_items

    def _row_bytes(self) -> int:
        return 48 * self.n_items + 24 * self.n_users

    # Vectors: a user is its history, an item its users.

    def _user_vectors(self) -> CSR:
        s = self._fitted()
        x = s.histories
        return csr(s.unit, x.indices, x.indptr, x.shape)

    def _fold_users(self, user_items: CSR) -> CSR:
        return ridge.features(user_items, self._fitted().item_weights)

    def _item_vectors(self) -> CSR:
        return self._fold_items(self._fitted().histories.T.tocsr())

    def _fold_items(self, item_users: CSR) -> CSR:
        return ridge.features(item_users, self._fitted().user_weights)

    # Scores.

    def _liked(self) -> Array:
        """Share of users who have each item, (items,) float32."""
        x = self._fitted().histories
        out: Array = (np.bincount(x.indices, minlength=x.shape[1]) / max(x.shape[0], 1)).astype(np.float32)
        return out

    def _user_blocks(self) -> list[UserBlock]:
        s = self._fitted()

        def make() -> list[UserBlock]:
            unit, x = self._derived("user_vectors", self._user_vectors), ones(s.histories)
            found = ridge.parts(x.shape[0], s.n_blocks, s.random_state)
            if len(found) == 1:
                return [UserBlock(found[0], s.inverse[0], unit, x)]
            return [
                UserBlock(rows, inverse, unit[rows], x[rows]) for rows, inverse in zip(found, s.inverse, strict=True)
            ]

        return list(self._derived("blocks", make)) if s.based_on != "items" else []

    def _weights(self, block: UserBlock, queries: Queries, x: CSR) -> Array:
        """Weight of every user of the block for each query, (b, n) float32."""
        same = np.ones(x.shape[0], dtype=bool)
        if queries.given is not None:
            same = ridge.same_rows(x, self._fitted().histories, queries.userids)
        return block.weights(self._fold_users(x), queries.userids, same, self._fitted().temperature)

    def _histories(self, queries: Queries) -> CSR:
        stored = self._fitted().histories
        return ones(stored[queries.userids] if queries.given is None else queries.given)

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        s = self._fitted()
        x = self._histories(queries)
        shape = (x.shape[0], self.n_items)
        if s.based_on == "items":
            scores = ridge.sums_of_rows(x, self._between_items(s))
            scores[np.diff(x.indptr) == 0] = self._liked()
            return scores, scores
        scores, share = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        size = np.zeros(shape[0])
        blocks = self._user_blocks()
        for block in blocks:
            w = self._weights(block, queries, x)
            scores += ops.predict_ratings(w, block.histories, check_finite=False)
            np.abs(w, out=w)
            share += ops.predict_ratings(w, block.histories, check_finite=False)
            size += w.sum(axis=1, dtype=np.float64)
        scores *= np.float32(1 / len(blocks))
        share /= np.maximum(size, np.finfo(np.float32).tiny)[:, None].astype(np.float32)
        if s.based_on == "both":
            scores += ridge.sums_of_rows(x, self._between_items(s))
        return scores, share

    def _attention(self, queries: Queries, ids: Array, weights: Array) -> Array:
        s = self._fitted()
        if s.based_on == "users":
            return np.minimum(weights, np.float32(1))
        between = self._between_items(s)
        whole = self._derived("sizes", lambda: ridge.absolute_sums(between))
        share = ridge.shares(self._histories(queries), ids, between, whole)
        weights = (weights + share) / 2 if s.based_on == "both" else share
        return np.minimum(weights, np.float32(1))

    # Why.

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        s = self._fitted()
        x, raters_of = self._histories(queries), self._derived("raters", lambda: s.histories.T.tocsr())
        blocks = self._user_blocks()
        weights = np.zeros((len(queries.userids), self.n_users if blocks else 0), np.float32)
        for block in blocks:
            weights[:, block.rows] = self._weights(block, queries, x)
        units, temperature = self._fold_users(x), s.temperature
        users = None
        if blocks:
            turned = self._derived("keys_by_item", lambda: self._user_vectors().T.tocsr())
            users = Users(queries.userids, blocks, weights, raters_of, units, turned, temperature)
        side = s.beside
        similarity = None
        if side is not None:
            columns = self._derived("columns", lambda: Columns.of_content(side.known, None))
            similarity = self._derived("similarity", lambda: Similarity.of(self._item_vectors(), side, columns))
        return partial(explanation, queries.userids, x, s.between_items, users, similarity, self._liked())
