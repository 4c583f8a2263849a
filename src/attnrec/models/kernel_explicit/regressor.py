"""KernelAttentionRegressor: rating prediction by kernel attention over users and items, solved in closed form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import config
from ...data.splits import random_holdout
from ...explain.explanation import Explanation
from ..base.fitting import Given, Report
from ..base.recommender import Queries, Recommender
from ..base.state import snapshot_read
from ..content import state as content_state
from ..content.attribution import Columns
from ..content.fusion import Content
from ..inputs import checks
from ..inputs.histories import CSR, Array
from ..inputs.rating_scale import Scale
from . import explain, parameters
from .content_attribution import Views
from .passes import Hyperparameters, Passes
from .posterior import standard_deviations
from .solve import RANK, solve_passes
from .state import RegressorState
from .system import Entries

__all__ = ["KernelAttentionRegressor"]


class KernelAttentionRegressor(Recommender[RegressorState]):
    r"""Ratings by softmax attention over users and items at once, with values from kernel ridge regression.

    Users and items are compared by ``C = residual_weight * cosine of residuals + (1 - residual_weight) * cosine of
    activity``, where residuals are ratings less the mean and the biases of user and item, and activity is 1 for each
    rating, times ``(count + 1)^-1/4`` of the other side. Kernels are ``K = exp((C - 1) / temperature)``, the
    unnormalised attention of one user (item) to another. The covariance of two ratings is::

        k((u,i), (v,j)) = w_i d_uv K_I[i,j] + w_u d_ij K_U[u,v] + w_p K_U[u,v] K_I[i,j] + w_b (d_uv + d_ij)

    with ``w_i = item_kernel_weight``, ``w_u = user_kernel_weight``, ``w_p = product_kernel_weight``, ``w_b =
    bias_weight``, and d 1 for equal indices and 0 otherwise. The prediction is that of kernel ridge regression, which
    is the mean of a Gaussian process (Rasmussen and Williams, 2006, eq. 2.25)::

        R^ = mean + w_i A K_I + w_u K_U A + w_p K_U A K_I + w_b (A 1 1^T + 1 1^T A),   (k + noise I) a = r - mean

    on the observed ratings, A the sparse matrix of the coefficients a. So each term is attention: of the user over
    the own history, over the item's raters, and over all ratings; and contributions add up to the prediction.

    With ``passes=2`` both are done once more, and users and items are compared by the predictions of the first pass:
    ``C' = predicted_weight * cosine of (R^ - mean - biases) + (1 - predicted_weight) C``, and::

        k' = w_i d_uv K'_I + w_u d_ij K'_U + w_p' K'_U K'_I + w_1' K_U K_I + w_b (d_uv + d_ij)

    with ``w_p' = second_pass_product_weight`` and ``w_1' = second_pass_first_product_weight``. The weights of kernels
    and biases, and the noise, are in units of the variance of the ratings.

    With ``item_features`` of :meth:`fit` the similarity of items takes in their content, by modality::

        C_ij <- sqrt(g_i g_j) C_ij + sum_m sqrt(g_im g_jm) cos(content_im, content_jm)

    with ``g = 1 - content_weight`` and ``g_m = content_weight w_m``, the w being ``modality_weights`` that add up to 1.
    A missing part leaves its weight to the rest: a new item without ratings is compared by content alone
    (``partial_fit_items``), and one without content by its ratings. The same holds for users, with ``user_features`` of
    ``fit`` and of :meth:`recommend`. It is a sum of kernels of weight 0 or more: the system stays positive definite.

    ``weights`` of :meth:`recommend` are the fraction of the user's attention (K_U of the last pass) on the item's
    raters. Predictions are cut to the range of the fitted ratings; :meth:`recommend` ranks by the uncut ones.

    Parameters
    ----------
    passes : {1, 2}
        Number of passes; a second one compares by the predictions of the first, predicts better and takes about twice
        as long again.
    user_temperature : float
        Temperature, above 0, of the kernel between users in the first pass: a larger value spreads attention over less
        similar users.
    item_temperature : float
        Temperature, above 0, of the kernel between items in the first pass: a larger value spreads attention over less
        similar items.
    residual_weight : float
        Weight of the cosine of residuals in the similarity of the first pass, 0 to 1; the cosine of activity has the
        rest, so a larger value compares by what was rated high or low rather than by what was rated at all.
    item_kernel_weight : float
        Variance, at least 0, of the term of the kernel between items for one user: a larger value lets a prediction
        follow the user's own ratings of similar items more.
    user_kernel_weight : float
        Variance, at least 0, of the term of the kernel between users for one item: a larger value lets a prediction
        follow the ratings of the same item by similar users more.
    product_kernel_weight : float
        Variance, at least 0, of the product of both kernels in the first pass: a larger value lets a prediction follow
        similar users' ratings of similar items more.
    bias_weight : float
        Variance, at least 0, of the biases of users and items: a larger value shrinks them less towards the mean.
    noise : float
        Variance of the noise of a rating in the first pass, above 0: a larger value smooths predictions towards the
        mean of all ratings, and the solve takes fewer steps.
    second_pass_user_temperature : float
        Temperature, above 0, of the kernel between users in the second pass, as ``user_temperature``.
    second_pass_item_temperature : float
        Temperature, above 0, of the kernel between items in the second pass, as ``item_temperature``.
    predicted_weight : float
        Weight of the cosine of first-pass predictions in the similarity of the second pass, 0 to 1; the similarity of
        the first pass has the rest, so a larger value relies on predictions more.
    second_pass_product_weight : float
        Variance, at least 0, of the product of both kernels in the second pass, as ``product_kernel_weight``.
    second_pass_first_product_weight : float
        Variance, at least 0, of the product of the first pass's kernels in the second pass: a larger value keeps more
        of what observed ratings alone say of similarity.
    second_pass_noise : float
        Variance of the noise of a rating in the second pass, above 0, as ``noise``.
    user_damping : float
        Number of ratings at the mean, at least 0, that each user's bias starts with: a larger value shrinks the biases
        of users with few ratings more.
    item_damping : float
        Number of ratings at the mean, at least 0, that each item's bias starts with, as ``user_damping``.
    content_weight : float
        Weight of ``item_features`` in the similarity of items, 0 to 1; ratings have the rest, so a larger value
        compares items by content more.
    modality_weights : mapping of str to float, optional
        Weight of each modality of ``item_features``, at least 0, relative to the others and in place of an encoder's
        ``weights``; all are equal by default. A matrix is the modality "content".
    user_content_weight : float
        Weight of ``user_features`` in the similarity of users, 0 to 1, as ``content_weight``.
    user_modality_weights : mapping of str to float, optional
        Weight of each modality of ``user_features``, as ``modality_weights``.
    tolerance : float
        Conjugate gradients stop at ``||residual||^2 <= tolerance * ||r - mean||^2``, above 0 and below 1; a larger
        value stops earlier, at a less exact solution.
    max_steps : int
        Maximum number of conjugate-gradient iterations of a pass, at least 1; ``fit`` warns if it is reached.
    memory_budget : int, optional
        Bytes that the kernels may take; two passes need ``8 (users^2 + items^2)``. By default this is
        :func:`attnrec.memory_budget`. A kernel that does not fit is computed again in each step.
    random_state : int
        Seed, at least 0, of the ratings that ``fit(tune=...)`` holds out.

    Attributes
    ----------
    steps_ : tuple of int
        Number of conjugate-gradient iterations of each pass.

    Notes
    -----
    Ctrl-C during the solve keeps the last iterate: ``fit`` warns and returns a usable model.

    A prediction from a history takes the coefficients of all other users as fitted, and solves for the coefficients of
    the history (``h^3 / 3`` operations for h ratings). For a fitted user this is the prediction of the fit, up to
    ``tolerance``.

    An item without ratings is predicted at the level of items with few ratings, which tend to be lower than most.

    With content, explanations have views by feature and by modality. The part of a kernel above its value at a
    similarity of 0, ``exp((C - 1) / temperature) - exp(-1 / temperature)``, is divided among the parts of C in
    proportion; the rest is background. Where users and items have content, each gets half of the product of both. A
    contribution is the part of the prediction by that convention; it is not a cause.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import KernelAttentionRegressor
    >>> user_items = csr_array([[5, 4, 0, 0, 1], [4, 5, 2, 0, 1], [5, 5, 1, 4, 0], [1, 0, 5, 4, 4]])
    >>> model = KernelAttentionRegressor().fit(user_items, show_progress=False)
    >>> model.predict([0, 0], [2, 3]).round(1)
    array([2.5, 3.4], dtype=float32)
    >>> why = model.explain(0, 3)
    >>> bool(abs(why.bias + why.contributions.total - model.predict(0, 3)) < 1e-4)
    True
    >>> genres = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]]
    >>> model = KernelAttentionRegressor().fit(user_items, item_features=genres, show_progress=False)
    >>> model.partial_fit_items([5, 6], item_features=[[1, 0], [0, 1]]).predict(0, [5, 6]).round(1)
    array([3.9, 2.5], dtype=float32)
    >>> sorted(model.explain(0, 6).shares())
    ['content', 'interactions']
    """

    _holds = RegressorState
    accepted_inputs = frozenset({"tune", "item_features", "user_features"})
    _searches_by_coordinate = True
    _tuned_with: ClassVar[dict[str, str]] = {"content_weight": "item_features", "user_content_weight": "user_features"}

    def __init__(
        self,
        passes: int = 2,
        *,
        user_temperature: float = 0.45,
        item_temperature: float = 1.0,
        residual_weight: float = 0.1,
        item_kernel_weight: float = 0.4,
        user_kernel_weight: float = 0.05,
        product_kernel_weight: float = 1.0,
        bias_weight: float = 0.1,
        noise: float = 0.7,
        second_pass_user_temperature: float = 0.3,
        second_pass_item_temperature: float = 0.35,
        predicted_weight: float = 0.9,
        second_pass_product_weight: float = 0.3,
        second_pass_first_product_weight: float = 0.35,
        second_pass_noise: float = 0.75,
        user_damping: float = 5.0,
        item_damping: float = 8.0,
        content_weight: float = 0.1,
        modality_weights: Mapping[str, float] | None = None,
        user_content_weight: float = 0.1,
        user_modality_weights: Mapping[str, float] | None = None,
        tolerance: float = 1e-5,
        max_steps: int = 200,
        memory_budget: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.passes = passes
        self.user_temperature = user_temperature
        self.item_temperature = item_temperature
        self.residual_weight = residual_weight
        self.item_kernel_weight = item_kernel_weight
        self.user_kernel_weight = user_kernel_weight
        self.product_kernel_weight = product_kernel_weight
        self.bias_weight = bias_weight
        self.noise = noise
        self.second_pass_user_temperature = second_pass_user_temperature
        self.second_pass_item_temperature = second_pass_item_temperature
        self.predicted_weight = predicted_weight
        self.second_pass_product_weight = second_pass_product_weight
        self.second_pass_first_product_weight = second_pass_first_product_weight
        self.second_pass_noise = second_pass_noise
        self.user_damping = user_damping
        self.item_damping = item_damping
        self.content_weight = content_weight
        self.modality_weights = modality_weights
        self.user_content_weight = user_content_weight
        self.user_modality_weights = user_modality_weights
        self.tolerance = tolerance
        self.max_steps = max_steps
        self.memory_budget = memory_budget
        self.random_state = random_state

    def _check_params(self) -> None:
        parameters.check(self)

    def _search_space(self) -> Mapping[str, Sequence[object]]:
        return parameters.SPACE

    # Fitting.

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> RegressorState:
        hyperparameters, sides = Hyperparameters.of(self), self._sides(given, user_items.shape)
        passes = Passes(user_items, hyperparameters, self.memory_budget or config.memory_budget(), sides)
        found = solve_passes(
            passes, self.passes, show_progress, report, tolerance=self.tolerance, max_steps=self.max_steps
        )
        state = RegressorState(
            histories=user_items,
            declared=given.declared,
            hyperparameters=hyperparameters.as_floats(),
            scale=Scale.of(user_items, given.rating_range),
            passes=found.passes,
            first=found.coefficients[0],
            second=found.coefficients[1],
            first_steps=found.steps[0],
            second_steps=found.steps[1],
            users=content_state.HeldSide.of(sides[0]),
            items=content_state.HeldSide.of(sides[1]),
        )
        self._cache = (state, {"passes": passes})  # predictions use the same kernels
        return state

    def _sides(self, given: Given, shape: tuple[int, int]) -> content_state.Sides:
        users = content_state.taken("user_features", given.user_features, shape[0], "users")
        items = content_state.taken("item_features", given.item_features, shape[1], "items")
        return (
            content_state.Side.of(users, float(self.user_content_weight), self.user_modality_weights, "user_"),
            content_state.Side.of(items, float(self.content_weight), self.modality_weights),
        )

    def _trial(self, user_items: CSR, given: Given) -> Callable[[Mapping[str, object]], float]:
        """Minus the RMSE on a tenth of the ratings."""
        train, test = random_holdout(user_items, 0.1, self.random_state)
        if test.nnz == 0:
            raise ValueError(
                f"tuning holds out a tenth of the ratings, and {user_items.nnz} are too few: fit without tune"
            )
        entries = Entries(test)

        def score(setting: Mapping[str, object]) -> float:
            model = type(self)(**{**self.get_params(), **setting})
            model._state = state = model._learn(train, given, False, lambda epoch, loss: None)
            return -model._passes().predictors[-1].rmse(entries, (state.scale.low, state.scale.high))

        return score

    @property
    def predicts_ratings(self) -> bool:
        """True: the stored values are taken as ratings, unless they were declared as something else."""
        s = self._fitted()
        return bool(s.declared != "implicit" and s.scale.low < s.scale.high)

    @property
    def steps_(self) -> tuple[int, ...]:
        """Steps of conjugate gradients that each pass took."""
        s = self._fitted()
        return (s.first_steps, s.second_steps)[: s.passes]

    # Scores.

    def _passes(self) -> Passes:
        def make() -> Passes:
            s = self._fitted()
            budget = self.memory_budget or config.memory_budget()
            out = Passes(s.histories, s.hyperparameters, budget, s.sides)
            for coefficients in (s.first, s.second)[: s.passes]:
                out.system(len(out.predictors))
                out.add(coefficients)
            return out

        return self._derived("passes", make)

    def _row_bytes(self) -> int:
        return 12 * self.n_users + 80 * self.n_items

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        rows, kernels = self._passes().predict(queries.userids, queries.given, self._content_of(queries))
        most = float(np.finfo(np.float32).max)
        return np.clip(rows.scores, -most, most).astype(np.float32), self._passes().shares(kernels[0])

    @snapshot_read
    def predict(
        self, userid: object, itemid: object, *, user_items: object = None, return_std: bool = False, clip: bool = True
    ) -> Any:
        """Predicted ratings of pairs.

        Parameters
        ----------
        userid, itemid : int or (p,) array_like of int
            Users and items of the pairs, broadcast against each other.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix, found as
            in :meth:`recommend`.
        return_std : bool
            Return standard deviations, too: those of the Gaussian process, noise included, before cutting to
            ``rating_range``. Each pair takes a solve as long as one pass of ``fit``; for fitted users only.
        clip : bool
            Cut predicted ratings to ``rating_range``.

        Returns
        -------
        float or (p,) float32 array, or a pair of these with ``return_std``
            Predictions, and with ``return_std`` their standard deviations.
        """
        out = super().predict(userid, itemid, user_items=user_items, clip=clip)
        if not return_std:
            return out
        if user_items is not None:
            raise ValueError("return_std needs the whole system: leave user_items out, or partial_fit_users first")
        users, items = np.broadcast_arrays(checks.ids("userid", userid)[0], checks.ids("itemid", itemid)[0])
        predictor = self._passes().predictors[-1]
        std = np.float32(predictor.scale) * standard_deviations(
            predictor.system, users, items, tolerance=self.tolerance, max_steps=self.max_steps, rank=RANK
        )
        return out, (float(std[0]) if np.ndim(out) == 0 else std)

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        passes, known, views = self._passes(), self._content_of(queries), None
        rows, kernels = passes.predict(queries.userids, queries.given, known)
        if any(passes.sides):
            content = passes.content_of(queries.userids, queries.given, known)
            views = Views(passes, self._columns(), rows, kernels, queries.userids, content)
        return partial(explain.explanation, passes.predictors[-1], rows, kernels, queries.userids, views)

    def _known_features(self, name: str, ids: Array, given: object, n: int) -> object:
        s = self._fitted()
        return content_state.updated(name, s.users if name == "user_features" else s.items, ids, given, n)

    def _user_features(self, given: object, n: int) -> CSR:
        return content_state.of_queries(self._fitted().users, given, n)

    def _content_of(self, queries: Queries) -> Content | None:
        """What users bring along, if they do."""
        return content_state.rows_of(self._fitted().users, queries.features)

    def _columns(self) -> Columns:
        users, items = (None if side is None else side.known for side in self._fitted().sides)
        return self._derived("columns", lambda: Columns.of_content(items, users))

    # Vectors: residuals and activity, as in the first pass.

    def _user_vectors(self) -> CSR:
        return self._passes().vectors(self._fitted().histories, 0)

    def _item_vectors(self) -> CSR:
        return self._passes().vectors(self._fitted().histories.T.tocsr(), 1)

    def _fold_users(self, user_items: CSR) -> CSR:
        return self._passes().vectors(user_items, 0)

    def _fold_items(self, item_users: CSR) -> CSR:
        return self._passes().vectors(item_users, 1)
