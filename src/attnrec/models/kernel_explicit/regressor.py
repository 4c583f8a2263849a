"""KernelAttentionRegressor: ratings by attention on values solved in closed form. The contract is in base.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ... import config
from ...data.splits import random_holdout
from ...explain.explanation import Explanation
from ..base import batches
from ..base.fitting import Given, Report
from ..base.recommender import Queries, Recommender
from ..base.state import at_once
from ..content import state as content_state
from ..content.attribution import Columns
from ..content.fusion import Content
from ..inputs import checks
from ..inputs.histories import CSR, Array
from ..inputs.rating_scale import Scale
from . import explain
from .content_attribution import Views
from .passes import Passes, Strengths
from .posterior import standard_deviations
from .solve import RANK, solved
from .state import RegressorState
from .system import Entries

__all__ = ["KernelAttentionRegressor"]


class KernelAttentionRegressor(Recommender[RegressorState]):
    r"""Ratings by softmax attention over users and items at once, with values from kernel ridge regression.

    Users and items are compared by ``C = residual_share * cosine of residuals + (1 - residual_share) * cosine of
    activity``, where residuals are ratings less the mean and the biases of user and item, and activity is 1 for each
    rating, times ``(count + 1)^-1/4`` of the other side. Kernels are ``K = exp((C - 1) / temperature)``, the
    unnormalised attention of one user (item) to another. The covariance of two ratings is::

        k((u,i), (v,j)) = own d_uv K_I[i,j] + same d_ij K_U[u,v] + joint K_U[u,v] K_I[i,j] + bias (d_uv + d_ij)

    d being 1 for equal indices and 0 otherwise, and the prediction is that of kernel ridge regression, which is the
    mean of a Gaussian process (Rasmussen and Williams, 2006, eq. 2.25)::

        R^ = mean + own A K_I + same K_U A + joint K_U A K_I + bias (A 1 1^T + 1 1^T A),   (k + noise I) a = r - mean

    on the observed ratings, A the sparse matrix of the coefficients a. So each term is attention: of the user over
    the own history, over the item's raters, and over all ratings; and contributions add up to the prediction.

    With ``passes=2`` both are done once more, users and items being compared by what the first pass predicts:
    ``C' = predicted_share * cosine of (R^ - mean - biases) + (1 - predicted_share) C``, and::

        k' = own d_uv K'_I + same d_ij K'_U + joint2 K'_U K'_I + joint2_first K_U K_I + bias (d_uv + d_ij)

    All strengths and the noise are in units of the variance of the ratings.

    With ``item_features`` of :meth:`fit` the similarity of items takes in their content, by modality::

        C_ij <- sqrt(g_i g_j) C_ij + sum_m sqrt(g_im g_jm) cos(content_im, content_jm)

    with ``g = 1 - content_share`` and ``g_m = content_share w_m``, the w being ``modality_weights`` that add up to 1.
    What is missing leaves its part to the rest: a new item that nobody rated is compared by content alone
    (``partial_fit_items``), and one without content by its ratings. Likewise of users, with ``user_features`` of
    ``fit`` and of :meth:`recommend`. It is a sum of kernels of weight 0 or more: the system stays positive definite.

    ``weights`` of :meth:`recommend` are the share of the user's attention (K_U of the last pass) on the item's raters.
    Predictions are cut to the range of the ratings fitted; :meth:`recommend` ranks by what they were before.

    Parameters
    ----------
    passes : {1, 2}
        A second pass takes about twice as long again, and gives the better predictions.
    user_temperature, item_temperature : float
        Of the kernels of the first pass.
    residual_share : float
        Weight of the residuals against the activity, 0 to 1.
    own, same, joint, bias, noise : float
        Strengths of the terms.
    user_temperature2, item_temperature2, predicted_share, joint2, joint2_first, noise2 : float
        Of the second pass.
    user_damping, item_damping : float
        Ratings at the mean that each bias starts with.
    content_share, user_content_share : float
        How much ``item_features`` and ``user_features`` count in the similarity against ratings, 0 to 1.
    modality_weights, user_modality_weights : mapping of str to float, optional
        How much each modality counts there, whatever an encoder's ``weights``; equal by default. A matrix is "content".
    tolerance : float
        Conjugate gradients stop at ``||residual||^2 <= tolerance * ||r - mean||^2``.
    max_steps : int
        And after so many steps, with a warning.
    memory_budget : int, optional
        Bytes that the kernels may take, ``8 (users^2 + items^2)`` for two passes; :func:`attnrec.memory_budget` unless
        told. What does not fit is computed again in each step.
    random_state : int
        Of the part that ``fit(tune=...)`` holds out.

    Attributes
    ----------
    steps_ : tuple of int
        Steps of conjugate gradients that each pass took.

    Notes
    -----
    Ctrl-C during the solve keeps the last iterate: ``fit`` warns and returns a usable model.

    A history is predicted from by the coefficients of all others as they are and its own solved given these
    (``h^3 / 3`` operations for h ratings). For a fitted user this is the prediction of the fit, up to ``tolerance``.

    An item that nobody rated is predicted at the level of items with few ratings, which tend to be lower than most.

    With content, explanations have views by feature and by modality. What a similarity adds to a prediction beyond what
    it would with nothing in common, ``exp((C - 1) / temperature) - exp(-1 / temperature)``, is shared by the parts of C
    in proportion; the rest is background. Where users and items have content, each gets half of what both explain
    together. A contribution is how the prediction is told apart by that convention; it is not a cause.

    Defaults were chosen on held-out tenths of the training parts of MovieLens 100K's first fold and of
    ml-latest-small.

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
    takes = frozenset({"tune", "item_features", "user_features"})
    _climbs = True
    _tuned_with: ClassVar[dict[str, str]] = {"content_share": "item_features", "user_content_share": "user_features"}

    def __init__(
        self,
        passes: int = 2,
        *,
        user_temperature: float = 0.45,
        item_temperature: float = 1.0,
        residual_share: float = 0.1,
        own: float = 0.4,
        same: float = 0.05,
        joint: float = 1.0,
        bias: float = 0.1,
        noise: float = 0.7,
        user_temperature2: float = 0.3,
        item_temperature2: float = 0.35,
        predicted_share: float = 0.9,
        joint2: float = 0.3,
        joint2_first: float = 0.35,
        noise2: float = 0.75,
        user_damping: float = 5.0,
        item_damping: float = 8.0,
        content_share: float = 0.1,
        modality_weights: Mapping[str, float] | None = None,
        user_content_share: float = 0.1,
        user_modality_weights: Mapping[str, float] | None = None,
        tolerance: float = 1e-5,
        max_steps: int = 200,
        memory_budget: int | None = None,
        random_state: int = 0,
    ) -> None:
        self.passes = passes
        self.user_temperature = user_temperature
        self.item_temperature = item_temperature
        self.residual_share = residual_share
        self.own = own
        self.same = same
        self.joint = joint
        self.bias = bias
        self.noise = noise
        self.user_temperature2 = user_temperature2
        self.item_temperature2 = item_temperature2
        self.predicted_share = predicted_share
        self.joint2 = joint2
        self.joint2_first = joint2_first
        self.noise2 = noise2
        self.user_damping = user_damping
        self.item_damping = item_damping
        self.content_share = content_share
        self.modality_weights = modality_weights
        self.user_content_share = user_content_share
        self.user_modality_weights = user_modality_weights
        self.tolerance = tolerance
        self.max_steps = max_steps
        self.memory_budget = memory_budget
        self.random_state = random_state

    def _check_params(self) -> None:
        if self.passes not in (1, 2):
            raise ValueError(f"passes={self.passes!r} is not 1 or 2")
        Strengths.of(self).check()
        checks.count("max_steps", self.max_steps)
        if self.memory_budget is not None:
            checks.count("memory_budget", self.memory_budget)
        checks.seed("random_state", self.random_state)
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance={self.tolerance!r} must lie between 0 and 1, for example 1e-5")

    def _search_space(self) -> dict[str, Sequence[object]]:
        return {
            "residual_share": (0.05, 0.1, 0.2, 0.35),
            "item_damping": (1.0, 2.0, 4.0, 8.0, 12.0),
            "item_temperature": (0.35, 0.5, 0.7, 1.0, 1.4),
            "user_temperature": (0.3, 0.45, 0.6, 0.85),
            "own": (0.1, 0.2, 0.4, 0.6),
            "bias": (0.05, 0.1, 0.2),
            "item_temperature2": (0.25, 0.35, 0.5, 0.7),
            "joint2_first": (0.35, 0.7, 1.4),
            "content_share": (0.03, 0.1, 0.2, 0.4),
            "user_content_share": (0.03, 0.1, 0.2, 0.4),
        }

    # Fitting.

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> RegressorState:
        strengths, sides = Strengths.of(self), self._sides(given, user_items.shape)
        found, steps = [np.zeros(0), np.zeros(0)], [0, 0]
        solved_passes = 0
        passes = Passes(user_items, strengths, self.memory_budget or config.memory_budget(), sides)
        told = 0
        for number in range(self.passes):
            with batches.progress(None, show_progress, "step") as bar:
                bar.set_description(f"pass {number + 1} of {self.passes}")

                def tell(step: int, residual: float, bar: batches.Progress = bar, told: int = told) -> None:
                    bar.set_postfix(residual=f"{residual:.2g}")
                    bar.update()
                    report(told + step, residual)

                system = passes.system(number)
                solution = solved(system, passes.targets, tell, tolerance=self.tolerance, max_steps=self.max_steps)
            if solution.interrupted and number and not solution.steps:
                break
            told += solution.steps
            found[number], steps[number], solved_passes = solution.x, solution.steps, number + 1
            passes.add(solution.x)
            if solution.interrupted:
                break
        if told == 0:  # all ratings are equal, and there was nothing to solve
            report(1, 0.0)
        state = RegressorState(
            histories=user_items,
            declared=given.declared,
            strengths=strengths.as_floats(),
            scale=Scale.of(user_items, given.rating_range),
            passes=solved_passes,
            first=found[0],
            second=found[1],
            first_steps=steps[0],
            second_steps=steps[1],
            users=content_state.HeldSide.of(sides[0]),
            items=content_state.HeldSide.of(sides[1]),
        )
        self._cache = (state, {"passes": passes})  # what was made on the way serves predictions too
        return state

    def _sides(self, given: Given, shape: tuple[int, int]) -> content_state.Sides:
        users = content_state.taken("user_features", given.user_features, shape[0], "users")
        items = content_state.taken("item_features", given.item_features, shape[1], "items")
        return (
            content_state.Side.of(users, float(self.user_content_share), self.user_modality_weights, "user_"),
            content_state.Side.of(items, float(self.content_share), self.modality_weights),
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
            return -model._passes().stages[-1].rmse(entries, (state.scale.low, state.scale.high))

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
            out = Passes(s.histories, s.strengths, budget, s.sides)
            for coefficients in (s.first, s.second)[: s.passes]:
                out.system(len(out.stages))
                out.add(coefficients)
            return out

        out: Passes = self._derived("passes", make)
        return out

    def _row_bytes(self) -> int:
        return 12 * self.n_users + 80 * self.n_items

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        rows, kernels = self._passes().predict(queries.userids, queries.given, self._content_of(queries))
        most = float(np.finfo(np.float32).max)
        return np.clip(rows.scores, -most, most).astype(np.float32), self._passes().shares(kernels[0])

    @at_once
    def predict(
        self, userid: object, itemid: object, *, user_items: object = None, return_std: bool = False, clip: bool = True
    ) -> Any:
        """Predicted ratings of pairs.

        Parameters
        ----------
        userid, itemid, user_items, clip
            As for every estimator.
        return_std : bool
            Also return how far a rating is expected to lie from the prediction: the standard deviation of the
            Gaussian process, noise included, before cutting to ``rating_range``. Each pair takes a solve of its own, as
            long as one pass of ``fit`` with coefficients as many; for fitted users only.

        Returns
        -------
        float, or (p,) float32 array; with ``return_std`` a pair of these
        """
        out = super().predict(userid, itemid, user_items=user_items, clip=clip)
        if not return_std:
            return out
        if user_items is not None:
            raise ValueError("return_std needs the whole system: leave user_items out, or partial_fit_users first")
        users, items = np.broadcast_arrays(checks.ids("userid", userid)[0], checks.ids("itemid", itemid)[0])
        stage = self._passes().stages[-1]
        std = np.float32(stage.scale) * standard_deviations(
            stage.system, users, items, tolerance=self.tolerance, max_steps=self.max_steps, rank=RANK
        )
        return out, (float(std[0]) if np.ndim(out) == 0 else std)

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        passes, known, views = self._passes(), self._content_of(queries), None
        rows, kernels = passes.predict(queries.userids, queries.given, known)
        if any(passes.sides):
            content = passes.content_of(queries.userids, queries.given, known)
            views = Views(passes, self._columns(), rows, kernels, queries.userids, content)
        return partial(explain.explanation, passes.stages[-1], rows, kernels, queries.userids, views)

    # Content.

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

    def _vectors(self, rows: CSR, side: int) -> CSR:
        return self._passes().vectors(rows, side)

    def _user_vectors(self) -> CSR:
        return self._vectors(self._fitted().histories, 0)

    def _item_vectors(self) -> CSR:
        return self._vectors(self._fitted().histories.T.tocsr(), 1)

    def _fold_users(self, user_items: CSR) -> CSR:
        return self._vectors(user_items, 0)

    def _fold_items(self, item_users: CSR) -> CSR:
        return self._vectors(item_users, 1)
