"""ContentBridge: vectors of new items from content alone, for a model that was trained without content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from ... import config, ops
from ..._util.arraylike import as_numpy
from ..._util.validate import check_number, check_positive_int, check_seed
from ...data.alignment import Alignment
from ...explain.explanation import Part
from ..base import batches
from ..base.state import Stored, snapshot_read
from ..base.tuning import Trials
from ..content import feature_rows, fusion
from ..content.state import Held, widths_of
from ..inputs.histories import CSR, Array
from ..linalg.blas import one_thread
from ..linalg.conjugate_gradients import conjugate_gradients
from ..linalg.kernel import Kernel
from ..storage.encoders import Encoders
from . import rows as bridge_rows
from . import tuning
from .state import BridgeState

__all__ = ["ContentBridge"]

_TOLERANCE, _MOST_STEPS = 1e-8, 1000  # squared residual over squared vectors
_LEARNED_FROM = 1000  # known items that the error is measured at, most


class ContentBridge(Stored[BridgeState]):
    r"""Item vectors from content: softmax attention over known items, on values solved in closed form.

    For any model whose scores are products of user and item vectors, and which was trained without content. With
    ``K_ij = exp((C_ij - 1) / temperature)`` for the similarity C of the content of items i and j, and the vectors V of
    the items that the model knows, a new item has the vector::

        v = k (K + regularization I)^-1 V = Z softmax(c / temperature) V~,    V~ = (K + regularization I)^-1 V

    where k and c are its rows of K and C: kernel ridge regression (Saunders et al., 1998) from content to vectors, in
    the form of attention over the known items. C is the mean of the modalities' cosines with ``modality_weights``; a
    modality that an item lacks leaves its part to the others.

    Parameters
    ----------
    temperature : float
        Temperature of the attention over known items, at least 0.01: a larger value averages over less similar ones.
    regularization : float
        Ridge added to the kernel, at least 0.001: a larger value relies less on the vectors of single known items.
    modality_weights : dict of str to float, optional
        Weight, at least 0, of each modality of ``item_features`` in the similarity; all are equal by default.
    normalize : bool
        Return vectors of length 1, for models that compare by cosine, such as :class:`SoftmaxRecommender`. Without it
        an item that is similar to few known ones has a short vector, and so scores near 0.
    memory_budget : int, optional
        Bytes that K may take; by default :func:`attnrec.config.memory_budget`. A K that does not fit is computed anew,
        in tiles, for every step of conjugate gradients.
    random_state : int
        Seed, at least 0, of the 1,000 known items that ``fit(tune=True)`` learns from where there are more.

    Attributes
    ----------
    tuning_ : Trials or None
        Settings that the last ``fit(tune=True)`` tried, a list of dicts with ``to_frame``; ``score`` is the fraction of
        the vectors of left-out items that the others explain. It is not saved.
    alignment_ : dict of str -> attnrec.data.Alignment
        How ``fit`` joined the rows of ``item_features`` to the vectors; it is not saved.

    Notes
    -----
    For n known items and vectors of d numbers a step costs ``2 n^2 d`` FLOP, and the products of all rows of content
    where K does not fit (4 n^2 bytes). Known items without content get no attention; a new item without content has a
    vector of zeros.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import ContentBridge, SoftmaxRecommender
    >>> user_items = csr_array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 1, 0, 1], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]])
    >>> genres = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]]
    >>> model = SoftmaxRecommender(factors=8, epochs=100).fit(user_items, show_progress=False)
    >>> bridge = ContentBridge(normalize=True).fit(model.item_vectors, item_features=genres, show_progress=False)
    >>> new = bridge.transform([[0, 1]])
    >>> model.partial_fit_items([5], item_vectors=new).recommend(3, N=1)[0]
    array([5])
    >>> why = bridge.explain([[0, 1]], model.user_vectors[3] / model.temperature, N=1)
    >>> why.ids, bool(abs(why.total - model.predict(3, 5)) < 1e-4)
    (array([3]), True)

    Vectors of other libraries serve as well, such as implicit's ``item_factors``; a score is then
    ``user_factors[u] @ bridge.transform(...)[0]``.
    """

    _holds = BridgeState
    tuning_: Trials | None = None
    alignment_: Mapping[str, Alignment] = MappingProxyType({})
    _asks = "fit(item_vectors, item_features=...)"

    def __init__(
        self,
        temperature: float = 0.4,
        regularization: float = 1.0,
        *,
        modality_weights: Mapping[str, float] | None = None,
        normalize: bool = False,
        memory_budget: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.temperature = temperature
        self.regularization = regularization
        self.modality_weights = modality_weights
        self.normalize = normalize
        self.memory_budget = memory_budget
        self.random_state = random_state

    def _check_params(self) -> None:
        check_number("temperature", self.temperature, 1e-2)
        check_number("regularization", self.regularization, 1e-3)
        if not isinstance(self.normalize, (bool, np.bool_)):
            raise TypeError(f"normalize={self.normalize!r:.40} is not True or False")
        if self.memory_budget is not None:
            check_positive_int("memory_budget", self.memory_budget)
        check_seed("random_state", self.random_state)

    # Learning.

    def fit(
        self,
        item_vectors: object,
        *,
        item_features: object,
        ids: object = None,
        tune: bool = False,
        show_progress: bool = True,
    ) -> ContentBridge:
        """Fit the regression from content of items to their vectors.

        Parameters
        ----------
        item_vectors : (n, d) array_like
            Vectors of the items that the model knows, such as ``model.item_vectors``; they are copied as float32.
        item_features : (n, f) matrix or attnrec.features.Features
            Content of these items, one row each, sparse or dense. The rows of a matrix are one modality.
        ids : Ids or (n,) iterable of hashables, optional
            The outside id of each vector, such as ``model.item_ids`` or ``interactions.items``: features with ids are
            joined by them, in whatever order their rows are. Items without a row are not attended to, of which a
            UserWarning tells, rows of others are left out, and ``alignment_`` counts both. Without ``ids``, or of a
            matrix, row i belongs to vector i.
        tune : bool
            Choose ``temperature``, ``regularization`` and ``modality_weights``, and set them on the bridge: those that
            predict the vector of a known item best from the content of the others, each left out in turn. The error has
            a closed form with a gradient, which is followed from the parameters that the bridge has, for at most 25
            steps of a few ``n^3`` multiplications, within 0.05 to 1 and 0.05 to 1,000; a weight of 0 stays 0.
        show_progress : bool
            Show a progress bar.

        Returns
        -------
        ContentBridge
            The bridge itself.

        Raises
        ------
        ValueError
            If rows do not belong together, no id matches, a value is not finite, a modality is missing everywhere, or
            the system is too near singular to be solved in float32.
        TypeError
            If the vectors are sparse or not real numbers, or ``tune`` is neither True nor False.
        """
        self._check_params()
        if not isinstance(tune, (bool, np.bool_)):
            raise TypeError(f"tune={tune!r:.40} is not True or False: the bridge follows a gradient, and tries no grid")
        v = feature_rows.dense("item_vectors", item_vectors, bridge_rows.count(item_vectors), "items")
        if not len(v):
            raise ValueError("item_vectors has no rows: there is nothing to learn from")
        item_features, alignment = bridge_rows.in_order(item_features, ids, len(v))
        known = fusion.content("item_features", item_features, len(v), "rows of item_vectors")
        weights = fusion.modality_weights(self.modality_weights, list(known.blocks))
        items = np.flatnonzero(known.present()[:, weights > 0].any(axis=1))
        known = fusion.Content({name: block[items] for name, block in known.blocks.items()})
        params, trials = self.get_params(), None
        if tune:
            trials = Trials()
            params |= self._learned(known, v[items], weights, trials, show_progress)
            weights = fusion.modality_weights(params["modality_weights"], list(known.blocks))
        state = BridgeState(
            temperature=float(params["temperature"]),
            normalize=bool(self.normalize),
            items=items,
            values=type(self)(**params)._solved(bridge_rows.unit(known, weights), v[items], show_progress),
            weights=weights,
            known=Held(
                content=known.joined(), content_widths=widths_of(known), modalities=json.dumps(list(known.blocks))
            ),
        )
        self.set_params(**params)
        told = {"_encoders": Encoders.of({"item_features": item_features}), "alignment_": alignment, "tuning_": trials}
        vars(self).update(_state=state, **told)
        return self

    def _learned(
        self, known: fusion.Content, v: Array, weights: Array, trials: Trials, show_progress: bool
    ) -> tuning.Found:
        """Parameters of little leave-one-out error."""
        rows = np.arange(len(v))
        if len(rows) > _LEARNED_FROM:
            rows = np.sort(np.random.default_rng(self.random_state).permutation(len(v))[:_LEARNED_FROM])
        used = [name for name, weight in zip(known.blocks, weights, strict=True) if weight > 0]
        some = fusion.Content({name: known.blocks[name][rows] for name in used})
        with batches.progress(None, show_progress, "trial") as bar:
            found = tuning.learned(some, v[rows], self.get_params(), weights[weights > 0], trials, bar)
        found["modality_weights"] = {**dict.fromkeys(known.blocks, 0.0), **found["modality_weights"]}
        return found

    def _solved(self, unit: CSR, v: Array, show_progress: bool) -> Array:
        """``(K + regularization I)^-1 V``, (n, d) float32."""
        budget = config.memory_budget() if self.memory_budget is None else int(self.memory_budget)
        kernel = Kernel([(1.0, unit)], float(self.temperature), 4 * len(v) ** 2 <= budget)

        def product(flat: Array) -> Array:
            x = flat.reshape(v.shape)
            out, values = self.regularization * x, x.astype(np.float32)
            for rows, part in kernel.blocks():
                out[rows] += ops.predict_ratings(part, values, check_finite=False)
            return out.ravel()

        with batches.progress(None, show_progress, "step") as bar, one_thread():
            found = conjugate_gradients(
                product,
                v.astype(np.float64).ravel(),
                tolerance=_TOLERANCE,
                max_steps=_MOST_STEPS,
                report=lambda step, residual: bar.update(),
            )
        if found.interrupted:
            raise KeyboardInterrupt
        if not found.residual <= _TOLERANCE:
            raise ValueError(
                f"the kernel matrix of {len(v)} items with regularization={self.regularization:g} is too near singular "
                f"(a residual of {found.residual**0.5:.2g} after {found.steps} steps): raise regularization, or lower "
                "temperature"
            )
        out: Array = found.x.reshape(v.shape).astype(np.float32)
        return out

    # What new items are.

    def _known(self) -> tuple[fusion.Content, Kernel]:
        def make() -> tuple[fusion.Content, Kernel]:
            s = self._fitted()
            known = s.known.known
            return known, Kernel([(1.0, bridge_rows.unit(known, s.weights))], s.temperature, False)

        return self._derived("known", make)

    def _attention(self, unit: CSR) -> Array:
        """Rows of K, (b, n) float32; 0 for an item of which nothing is known."""
        k = self._known()[1].to([unit])
        k[np.diff(unit.indptr) == 0] = 0
        return k

    def _rows(self, item_features: object) -> CSR:
        known, _ = self._known()
        item_features = self._encoders.encoded("item_features", item_features, ids=False)
        new = fusion.content("item_features", item_features, bridge_rows.count(item_features), "items", like=known)
        return bridge_rows.unit(new, self._fitted().weights)

    @snapshot_read
    def transform(self, item_features: object) -> Array:
        """Vectors of items with this content.

        Parameters
        ----------
        item_features : (b, f) matrix, attnrec.features.Features, or table of b rows
            Content with the columns and modalities of ``fit``; a table is encoded by the encoder of that content.

        Returns
        -------
        (b, d) float32
            One vector for each row; zeros for an item without content.

        Raises
        ------
        ValueError, TypeError
            If the content does not fit what the bridge was fitted with, or is not finite.
        """
        s, unit = self._fitted(), self._rows(item_features)
        out = np.zeros((unit.shape[0], s.values.shape[1]), dtype=np.float32)
        for at in batches.blocks(len(out), 12 * len(s.values) + 12 * out.shape[1]):
            out[at] = bridge_rows.product(self._attention(unit[at]), s.values)
        if s.normalize:  # lengths in float64: of an item that is like no other they may be very small
            lengths = np.sqrt(np.einsum("ij,ij->i", out, out, dtype=np.float64))[:, None]
            np.divide(out, lengths, out=out, where=lengths > 0, casting="same_kind")
        return out

    @snapshot_read
    def explain(self, item_features: object, query: object, N: int = 10) -> Part:
        """Attribute the score of a new item, ``query @ transform(item_features)[0]``, to known items.

        Parameters
        ----------
        item_features : (1, f) matrix or attnrec.features.Features
            The content of one item.
        query : (d,) array_like
            Vector that the score is a product with: ``user_factors[u]`` of a library that ranks by dot products,
            ``model.user_vectors[u] / model.temperature`` of a :class:`SoftmaxRecommender`.
        N : int
            Number of known items to list, at least 1.

        Returns
        -------
        Part
            Contributions of known items, as numbered in ``fit``: the attention on each (``weights``, which add up to 1)
            times the product of ``query`` with its corrected vector (``values``). They add up to the score; known items
            that are very similar may have values of opposite signs.

        Raises
        ------
        ValueError, TypeError
            If it is not one item, or the query does not fit.
        """
        d = self._fitted().values.shape[1]
        query = as_numpy(query, "query")
        if np.shape(query) not in ((d,), (1, d)):
            raise ValueError(f"query has shape {np.shape(query)}: it needs the {d} numbers of one vector")
        if (n := bridge_rows.count(item_features)) != 1:
            raise ValueError(
                f"item_features has {n} rows: explain one item, such as features[[0]], or several with explain_many"
            )
        q = feature_rows.dense("query", np.reshape(query, (1, d)), 1, "queries", d)
        return self.explain_many(item_features, q, N)[0]

    def explain_many(self, item_features: object, queries: object, N: int = 10) -> list[Part]:
        """Attribute the scores of many new items, as :meth:`explain` does for one, encoded and compared in one go.

        Parameters
        ----------
        item_features : (p, f) matrix, attnrec.features.Features, or table of p rows
            Content of the item of each pair.
        queries : (p, d) array_like
            Vector that the score of each pair is a product with.
        N : int
            Number of known items to list for each pair, at least 1.

        Returns
        -------
        list of Part
            One part for each pair, in the order given.

        Raises
        ------
        ValueError, TypeError
            If items and queries do not belong together, or do not fit what the bridge was fitted with.

        Examples
        --------
        >>> from attnrec.models import ContentBridge
        >>> bridge = ContentBridge().fit([[1.0, 0], [0, 1]], item_features=[[1, 0], [1, 1]], show_progress=False)
        >>> whys = bridge.explain_many([[1, 0], [0, 1]], [[1, 2], [2, 1]])
        >>> scores = (bridge.transform([[1, 0], [0, 1]]) * [[1, 2], [2, 1]]).sum(axis=1)
        >>> [bool(abs(why.total - score) < 1e-6) for why, score in zip(whys, scores)]
        [True, True]
        """
        s, unit = self._fitted(), self._rows(item_features)
        n, (known, d) = check_positive_int("N", N), s.values.shape
        q = feature_rows.dense("queries", queries, unit.shape[0], "rows of item_features", d).astype(np.float64)
        values, out = s.values.astype(np.float64), []
        for at in batches.blocks(len(q), 64 * known):
            k = self._attention(unit[at]).astype(np.float64)
            whole = k.sum(axis=1, keepdims=True)
            lengths = np.linalg.norm(k @ values, axis=1, keepdims=True) if s.normalize else np.ones((len(k), 1))
            said = q[at] @ values.T * (whole / np.where(lengths > 0, lengths, 1))
            shares = k / np.where(whole > 0, whole, 1)
            pairs = zip(shares, said, strict=True)
            out += [Part.largest(s.items, w * v, n, weights=w, values=v) for w, v in pairs]
        return out
