"""SoftmaxRecommender: user and item embeddings learned by gradient descent on the full softmax loss."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from ... import metrics, ops
from ...explain.explanation import Explanation
from ..base import batches, tuning
from ..base.fitting import Given, Report
from ..base.recommender import Queries, Recommender
from ..base.state import Declared
from ..content import feature_rows
from ..content.attribution import described
from ..inputs.histories import CSR, Array, ones, product
from . import checkpoint, parameters, vectors
from . import inference as serving
from .objective import Data, Setting, item_rows, sample_weights, user_rows
from .state import Popularity, SoftmaxState, Tower, UserTower
from .training import Diverged, Schedule, Training
from .vectors import Loss

__all__ = ["SoftmaxRecommender"]

Held = tuple[CSR, Array]  # what was held out, and whose it is


class SoftmaxRecommender(Recommender[SoftmaxState]):
    r"""Implicit feedback, large and sparse: vectors of users and items learned under the softmax loss over all items.

    Scores are cosines over a temperature, and p their softmax over the items; training makes what users chose likely::

        s_ui = cos(u, v_i) / temperature + popularity_exponent log n_i
        L = -1/N sum_u sum_{i in H_u} log p_ui

    over the history H_u of each user, N interactions in all, n_i of them with item i, by stochastic gradients (Adam,
    Kingma and Ba, 2015) on batches of users. The gradient runs over every item, none is sampled, and the (users, items)
    scores are never stored (:func:`attnrec.softmax_cross_entropy`).

    A user's vector is a function of the history, so new users are served as fitted ones are. With
    ``user_representation="pooled"`` it is the sum of the vectors of the history's items, ``u = n^-1/2 sum_{j in H}
    v_j``, and training drops a part of each history from the sum. With ``user_representation="embedding"`` every user
    has an embedding during training; after training, a user's vector minimises the loss with the item vectors fixed
    (fold-in; see Notes).

    Parameters
    ----------
    factors : int
        Dimension of the user and item vectors, at least 1: a larger one fits finer tastes, and costs memory and time in
        proportion.
    temperature : float
        Temperature of the softmax, at least 0.01: a larger value spreads probability over more items.
    user_representation : {"pooled", "embedding"}
        Representation of a user in training: the pooled vectors of the history's items, or an embedding of its own.
    normalize : {"unseen", "all"}
        Items that the softmax of a chosen item runs over: itself with those that the user did not choose, or all.
    positive_temperature : float, optional
        Temperature of chosen items in the bilateral softmax loss (Wu et al., 2024), at least 0.01 and by default
        ``temperature``: the loss of an item is ``positive_temperature / temperature * log sum e^s - s_ui``, so a larger
        value pushes other items away more.
    popularity_exponent : float
        Exponent, at least 0, with which an item's probability grows with the number of its users, for
        ``user_representation="pooled"``: a larger value leaves more of popularity to this term and less to the
        vectors, and with 0 the vectors express both taste and popularity.
    history_dropout : float
        Probability of dropping a history item from the pooled vector in a step, for ``user_representation="pooled"``,
        at least 0 and below 1: a larger value regularises more.
    id_dropout : float
        Probability of dropping an item's ID embedding in a step (ID dropout), at least 0 and below 1, so that the
        tower over ``item_features`` also works without it; with ``user_features`` also of dropping a user's history. A
        larger value relies on features more.
    epochs : int
        Maximum number of passes over all users, at least 1.
    batch_size : int, optional
        Number of users in a step, at least 1. By default 2,048, or fewer on small data so that an epoch has at least 16
        steps, but no fewer than 32. A larger batch takes fewer, less noisy steps an epoch.
    learning_rate : float
        Initial learning rate of Adam, at least 0, which ``lr_schedule`` lowers: a larger value learns faster, and
        diverges sooner.
    user_learning_rate : float
        Factor, at least 0, on ``learning_rate`` for user embeddings (``user_representation="embedding"``), which get
        one step an epoch: a larger value moves them further in it.
    weight_decay : float
        Fraction of a parameter that a step subtracts, divided by the learning rate (AdamW, Loshchilov and Hutter,
        2019), at least 0: a larger value regularises more.
    lr_schedule : {"cosine", "linear", "constant"}
        Schedule by which the learning rate falls to 0 over all epochs, or stays constant.
    validation_users : int
        Number of users, at least 0 and drawn with ``random_state``, for each of which a fifth of the history is held
        out; NDCG@20 is measured on it after each epoch, and the best epoch is kept. A larger number measures more
        precisely and learns from less; 0 learns from everything and keeps the last epoch.
    patience : int
        Number of epochs without a better NDCG@20 after which training stops, at least 0 and with ``validation_users``
        alone: a larger value waits longer, and 0 never stops early.
    eps : float
        Probability, at least 0 and below 1, under which an item gets no gradient (see
        :func:`attnrec.softmax_cross_entropy`): a larger value is faster and less exact, and 0 is exact.
    random_state : int
        Seed, at least 0, of all random draws: the same seed gives the same bits for any number of threads.
    negative : {"seen", "ignore", "interaction"}
        Meaning of stored values below 0. "seen" takes them for dislikes, which are hidden from their user and not
        learned from; "ignore" drops them; "interaction" takes them for interactions, as all other values.

    Attributes
    ----------
    losses_ : list of float
        Mean loss of each epoch of the last ``fit``; it is not saved.
    scores_ : list of float
        NDCG@20 of each epoch of the last ``fit`` on the held-out interactions; it is not saved.

    Notes
    -----
    Of values stored in ``user_items`` only the sign counts. ``sample_weight`` (users,) weighs users in the loss.
    ``item_features`` (items, f) enter by a linear tower, ``v_i = e_i + W c_i``, and ``user_features`` (users, g)
    likewise in addition to the history; sparse or dense, without scaling.

    An epoch costs ``8 U I d`` FLOP for U users and I items, memory is ``O((U + I) d)``. A loss that is not finite, or
    far above earlier ones, ends training with the best epoch so far, and in the first epoch with an error. Ctrl-C keeps
    the last whole epoch, and during the fold-in after training the user embeddings of training.
    ``fit(..., checkpoint=path)`` continues the training of a killed process.

    With ``user_representation="embedding"`` fold-in takes gradient steps from the pooled history, ``u += eta (sum_{h
    in H} (1 - p_h) v_h - sum_h (1 - p_h) E[v])``, and normalises u to length 1 after each: history items attract, the
    more the less probable they still are, and the softmax average of the others repels.

    An explanation splits the score exactly by history item: with either representation a user's vector is a weighted
    sum of the vectors of the history, plus a rest (the repulsion, or the part of ``user_features``), which is the
    background. An empty history has the mean user's vector.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import SoftmaxRecommender
    >>> user_items = csr_array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 1, 0, 1], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]])
    >>> model = SoftmaxRecommender(factors=8, epochs=100).fit(user_items, show_progress=False)
    >>> ids, scores = model.recommend(0, N=2)
    >>> ids
    array([2, 3])
    >>> why = model.explain(0, 2)
    >>> bool(abs(why.contributions.total - scores[0]) < 1e-4)
    True
    """

    _holds = SoftmaxState
    updates_are_exact = False
    scores_are_shares = False
    accepted_inputs = frozenset(
        {"tune", "item_features", "item_vectors", "user_features", "sample_weight", "checkpoint"}
    )

    def __init__(
        self,
        factors: int = 64,
        temperature: float = 0.08,
        *,
        user_representation: Literal["pooled", "embedding"] = "pooled",
        normalize: Literal["unseen", "all"] = "unseen",
        positive_temperature: float | None = None,
        popularity_exponent: float = 0.0,
        history_dropout: float = 0.2,
        id_dropout: float = 0.2,
        epochs: int = 12,
        batch_size: int | None = None,
        learning_rate: float = 0.03,
        user_learning_rate: float = 5.0,
        weight_decay: float = 0.0,
        lr_schedule: Literal["cosine", "linear", "constant"] = "cosine",
        validation_users: int = 0,
        patience: int = 3,
        eps: float = 0.0,
        random_state: int = 0,
        negative: Literal["seen", "ignore", "interaction"] = "seen",
    ) -> None:
        self.factors = factors
        self.temperature = temperature
        self.user_representation = user_representation
        self.normalize = normalize
        self.positive_temperature = positive_temperature
        self.popularity_exponent = popularity_exponent
        self.history_dropout = history_dropout
        self.id_dropout = id_dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.user_learning_rate = user_learning_rate
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.validation_users = validation_users
        self.patience = patience
        self.eps = eps
        self.random_state = random_state
        self.negative = negative

    def _check_params(self) -> None:
        parameters.check(self)

    def _search_space(self) -> Mapping[str, Sequence[object]]:
        return {"temperature": (0.06, 0.08, 0.1, 0.14), "history_dropout": (0.1, 0.2, 0.4)}

    # Learning.

    def _data(self, x: CSR, given: Given) -> Data:
        """What is learned from, checked."""
        items, users = (
            None if features is None else feature_rows.features(name, features, n, what)
            for name, features, n, what in (
                ("item_features", given.item_features, x.shape[1], "items"),
                ("user_features", given.user_features, x.shape[0], "users"),
            )
        )
        if users is not None and self.user_representation == "embedding":
            raise ValueError(
                "user_features go with user_representation='pooled': an embedding learns all that they could say"
            )
        return Data(ones(x), items, users, sample_weights(given.sample_weight, x))

    def _loss(self) -> Loss:
        t = float(self.temperature)
        return Loss(t, float(self.positive_temperature or t) / t, self.normalize)

    def _bias(self, x: CSR) -> Array | None:
        """What scores of items start from, given who chose them, if anything."""
        if not self.popularity_exponent:
            return None
        return vectors.bias(np.bincount(x.indices, minlength=x.shape[1]), float(self.popularity_exponent))

    def _training(self, data: Data) -> Training:
        dropout = (float(self.history_dropout), float(self.id_dropout))
        setting = Setting(
            self._loss(), self.user_representation == "embedding", *dropout, float(self.eps), self._bias(data.histories)
        )
        rates = (float(self.learning_rate), float(self.user_learning_rate), float(self.weight_decay))
        size = self.batch_size or min(2048, max(32, -(-data.histories.shape[0] // 16)))
        schedule = Schedule(self.epochs, size, *rates, self.lr_schedule, int(self.random_state))
        return Training(data, setting, schedule, self.factors)

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> SoftmaxState:
        data = self._data(user_items, given)
        held: Held | None = None
        learned = data
        if self.validation_users:
            part, test, userids = tuning.hold_out(data.histories, int(self.random_state), most=self.validation_users)
            held = test, userids
            learned = Data(part, data.item_features, data.user_features, data.sample_weight)
        training, path = self._training(learned), given.checkpoint
        resumable = {k: v for k, v in self.get_params().items() if k not in ("patience", "negative")}
        checkpoint.resume(path, training, resumable)
        n_users = int(np.count_nonzero(np.diff(learned.histories.indptr)))
        with batches.progress(self.epochs * n_users, show_progress, "user") as bar:
            bar.update(training.epoch * n_users)
            while not training.done(self.patience):
                try:
                    loss = training.run_epoch(bar.update)
                    score = None if held is None else self._score(training, held)
                except (KeyboardInterrupt, Diverged) as stopped:
                    if not training.best:
                        raise
                    _say(stopped, training)
                    break
                training.keep(score)
                if path is not None:
                    checkpoint.write(path, training, resumable)
                bar.set_postfix(loss=f"{loss:.4f}", **({} if score is None else {"NDCG@20": f"{score:.4f}"}))
                report(training.epoch, loss)
        self.losses_, self.scores_ = training.losses, training.scores
        columns = (given.item_features, given.user_features)
        return self._state_of(training.best, data, user_items, given.declared, columns)

    def _score(self, training: Training, held: Held) -> float:
        """NDCG@20 on what was held out, of the parameters as they are."""
        test, userids = held
        twin = type(self)(**self.get_params())
        twin._state = self._state_of(
            training.parameters, training.data, training.data.histories, "implicit", only=userids
        )
        return metrics.ndcg(twin.recommend(userids, N=20)[0], test)

    def _state_of(
        self,
        p: dict[str, Array],
        data: Data,
        histories: CSR,
        declared: Declared,
        columns: tuple[object, object] = (None, None),
        only: Array | None = None,
    ) -> SoftmaxState:
        """State from parameters; with ``only`` the vectors of these users alone, others being left at 0.

        ``columns`` are the features of items and users as they were given, by which columns have names.
        """
        loss, items = self._loss(), item_rows(p, data)
        rows = np.arange(histories.shape[0]) if only is None else only
        part = user_rows(p, data, rows)
        placed = np.zeros((histories.shape[0], self.factors), dtype=np.float32)
        try:
            placed[rows] = serving.raw_vectors(
                data.histories[rows], items, loss if self.user_representation == "embedding" else None, part
            )
        except KeyboardInterrupt:
            if "users" not in p or only is not None:
                raise
            message = (
                "interrupted after training: fitted users keep the embeddings of training; fold-in is not affected"
            )
            warnings.warn(message, RuntimeWarning, stacklevel=5)
            placed[...] = p["users"] * (np.diff(histories.indptr) > 0)[:, None]
        bias, item, user = self._bias(data.histories), None, None
        if (x := data.item_features) is not None:
            item = Tower(features=p["item_features"], content=x, columns=described(columns[0], x.shape[1]))
        if (y := data.user_features) is not None and part is not None:
            parts = np.zeros_like(placed)
            parts[rows] = part
            told = described(columns[1], y.shape[1])
            user = UserTower(features=p["user_features"], content=y, columns=told, part=parts)
        return SoftmaxState(
            histories=histories,
            declared=declared,
            user_representation=self.user_representation,
            normalize=self.normalize,
            temperature=loss.temperature,
            lse_weight=loss.lse_weight,
            items=items,
            user_rows=placed,
            average=serving.average(placed),
            popularity=None
            if bias is None
            else Popularity(item_bias=bias, popularity_exponent=float(self.popularity_exponent)),
            item=item,
            user=user,
        )

    # Vectors.

    def _item_vectors(self) -> Array:
        return vectors.unit(self._fitted().items)

    def _user_vectors(self) -> Array:
        s = self._fitted()
        return serving.standing(s, s.user_rows)

    def _fold_users(self, user_items: CSR) -> Array:
        s = self._fitted()
        return serving.standing(s, serving.raw_users(s, ones(user_items), None))

    def _fold_items(self, item_users: CSR) -> Array:
        """The mean direction of an item's users."""
        return vectors.unit(product(ones(item_users), self._derived("user_vectors", self._user_vectors)))

    def _user_features(self, given: object, n: int) -> CSR | Array:
        return serving.user_features(self._fitted(), given, n)

    # Scores.

    def _standing(self, queries: Queries) -> Array:
        s = self._fitted()
        return serving.standing(s, serving.raw_of(s, queries))

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        s, index = self._fitted(), serving.index_of(self)
        scores = ops.similarity(self._standing(queries), index, scale=1 / s.temperature, check_finite=False)
        scores += np.float32(0) if s.item_bias is None else s.item_bias
        return scores, scores

    def _retrieve(
        self, queries: Queries, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
    ) -> tuple[Array, Array, Array]:
        return serving.retrieved(self, self._standing(queries), k, hidden, allowed, shown)

    def _attention(self, queries: Queries, ids: Array, weights: Array) -> Array:
        """Softmax over all items, from the scores that :meth:`_retrieve` left."""
        return serving.attention(self, self._standing(queries), ids, weights)

    # Why, and updates.

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        return serving.explainer(self, queries)

    def _users_changed(self, user_items: CSR, userids: Array, rows: CSR, user_features: object) -> SoftmaxState:
        return serving.users_changed(self._fitted(), user_items, userids, rows, user_features)

    def _items_changed(
        self, user_items: CSR, itemids: Array, rows: CSR, item_features: object, item_vectors: object
    ) -> SoftmaxState:
        return serving.items_changed(self, user_items, itemids, rows, item_features, item_vectors)


def _say(stopped: BaseException, training: Training) -> None:
    best = int(np.argmax(training.scores)) + 1 if training.scores else training.epoch
    why = f"{stopped}" if isinstance(stopped, Diverged) else f"training was interrupted in epoch {training.epoch + 1}"
    warnings.warn(f"{why}; the model is that of epoch {best}", RuntimeWarning, stacklevel=5)
