"""The passes of kernel attention on ratings: features, kernels, systems and predictions."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple, Self

import numpy as np

from ... import ops
from ..._util.extras import require
from ..content.fusion import Content
from ..content.state import Sides
from ..inputs.histories import CSR, Array, csr, unit_rows
from ..linalg.kernel import Kernel, Part
from .biases import Biases
from .stage import RatingPredictor, Rows
from .system import ProductKernel, ProductKernelSystem

__all__ = ["Hyperparameters", "Passes"]

_BLOCK = 512  # users predicted at a time
_FRACTIONS = {"residual_weight", "predicted_weight", "content_weight", "user_content_weight"}


@dataclass(frozen=True)
class Hyperparameters:
    """Temperatures, weights, noise and damping of the model; see :class:`KernelAttentionRegressor`."""

    user_temperature: float
    item_temperature: float
    residual_weight: float
    item_kernel_weight: float
    user_kernel_weight: float
    product_kernel_weight: float
    bias_weight: float
    noise: float
    second_pass_user_temperature: float
    second_pass_item_temperature: float
    predicted_weight: float
    second_pass_product_weight: float
    second_pass_first_product_weight: float
    second_pass_noise: float
    user_damping: float
    item_damping: float
    content_weight: float
    user_content_weight: float

    @classmethod
    def names(cls) -> list[str]:
        """Names of the hyperparameters."""
        return [f.name for f in fields(cls)]

    @classmethod
    def of(cls, estimator: object) -> Self:
        """The parameters of an estimator."""
        return cls(**{name: getattr(estimator, name) for name in cls.names()})

    def as_floats(self) -> Self:
        """Them, as plain numbers."""
        return type(self)(**{name: float(value) for name, value in asdict(self).items()})

    def check(self) -> None:
        """Raise ValueError or TypeError, naming the parameter, unless a kernel can be made of them."""
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise TypeError(f"{name}={value!r} is not a number")
            positive = "temperature" in name or "noise" in name
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                raise ValueError(f"{name}={value!r} must be finite and {'above 0' if positive else 'at least 0'}")
            if name in _FRACTIONS and value > 1:
                raise ValueError(f"{name}={value!r} must lie between 0 and 1")


class ContentColumns(NamedTuple):
    """Columns of content, (n, width), and their transpose."""

    rows: CSR
    transposed: CSR


class Passes:
    """Systems one after the other, each made once the solution of the one before it is known.

    Attributes
    ----------
    scale : float
        Standard deviation of the ratings.
    targets : (nnz,) float64
        Ratings less their mean, over ``scale``: the right-hand side of every system.
    """

    def __init__(
        self, x: CSR, hyperparameters: Hyperparameters, memory_budget: int, sides: Sides = (None, None)
    ) -> None:
        self.x, self._s, self._left, self.sides = x, hyperparameters, memory_budget, sides
        self.biases = Biases(x, hyperparameters.user_damping, hyperparameters.item_damping)
        self.predictors: list[RatingPredictor] = []
        self.scale = float(np.std(x.data, dtype=np.float64)) or 1.0
        self.targets = (x.data.astype(np.float64) - self.biases.mean) / self.scale
        transposed = x.T.tocsr()
        self._parts: list[list[Part]] = [
            list(zip(self._weights(side), self._rows(rows, side), strict=True))
            for side, rows in enumerate((x, transposed))
        ]
        self._contents: dict[int, ContentColumns] = {}
        self._product_kernels: list[ProductKernel] = []
        self._system: ProductKernelSystem | None = None

    def _weights(self, side: int) -> list[float]:
        weight = self._s.residual_weight
        return [weight, 1 - weight] if self.sides[side] is None else [1.0]

    def _rows(self, rows: CSR, side: int, known: Content | None = None) -> list[CSR]:
        """What the first pass compares of users (side 0) or items (side 1), a matrix for each of its parts: residuals
        and activity, or with content one of everything. ``known`` is their content, unless that of the fitted ones."""
        content_side = self.sides[side]
        if content_side is None:
            return list(self.biases.features(rows, side))
        return [content_side.fused(self.vectors(rows, side), known)]

    def _users(self, userids: Array, histories: CSR, known: Content | None) -> list[CSR]:
        """The same of users who ask: with the content of fitted ones unless ``known`` says otherwise."""
        if known is None and (content_side := self.sides[0]) is not None:
            known = content_side.known.rows(userids)
        return self._rows(histories, 0, known)

    def content(self, side: int) -> ContentColumns | None:
        """Columns of content as users (side 0) or items (side 1) are compared by them, if there are any."""
        content_side = self.sides[side]
        if content_side is not None and side not in self._contents:
            rows = self._parts[side][-1][1][:, -content_side.known.width :]
            self._contents[side] = ContentColumns(rows, rows.T.tocsr())
        return self._contents.get(side)

    def content_of(self, userids: Array, histories: CSR | None, known: Content | None) -> CSR | None:
        """The same of users who ask, (b, width)."""
        content_side = self.sides[0]
        if content_side is None:
            return None
        histories = self.x[userids] if histories is None else histories
        out: CSR = self._users(userids, histories, known)[0][:, -content_side.known.width :]
        return out

    def system(self, number: int) -> ProductKernelSystem:
        """The system of pass 0 or 1."""
        s = self._s
        temperatures = (
            (s.user_temperature, s.item_temperature),
            (s.second_pass_user_temperature, s.second_pass_item_temperature),
        )[number]
        if number == 1:
            predicted = self._predicted()
            for side, rows in enumerate((predicted, np.ascontiguousarray(predicted.T))):
                keep = [((1 - s.predicted_weight) * weight, part) for weight, part in self._parts[side]]
                self._parts[side] = [(s.predicted_weight, _unit(rows)), *keep]
        users, items = (self._kernel(parts, t) for parts, t in zip(self._parts, temperatures, strict=True))
        if number == 0:
            self._product_kernels = [ProductKernel(users, items, s.product_kernel_weight)]
        else:
            first = self._product_kernels[0]
            self._product_kernels = [
                ProductKernel(users, items, s.second_pass_product_weight),
                ProductKernel(first.users, first.items, s.second_pass_first_product_weight),
            ]
        noise = (s.noise, s.second_pass_noise)[number]
        self._system = ProductKernelSystem(
            self.x,
            self._product_kernels,
            item_kernel_weight=s.item_kernel_weight,
            user_kernel_weight=s.user_kernel_weight,
            bias_weight=s.bias_weight,
            noise=noise,
        )
        return self._system

    def _kernel(self, parts: list[Part], temperature: float) -> Kernel:
        size = 4 * parts[0][1].shape[0] ** 2
        stored = size <= self._left
        self._left -= size if stored else 0
        return Kernel(parts, temperature, stored)

    def add(self, coefficients: Array) -> None:
        """Take the solution of the system that was made last."""
        if self._system is None:
            raise RuntimeError("add() goes with the system made before it")
        self.predictors.append(RatingPredictor(self._system, coefficients, self.biases.mean, self.scale))

    def _predicted(self) -> Array:
        """What the first pass predicts for all fitted users, scaled, less mean and biases, (users, items) float32."""
        out = np.empty(self.x.shape, np.float32)
        for start in range(0, self.x.shape[0], _BLOCK):
            users = np.arange(start, min(start + _BLOCK, self.x.shape[0]))
            out[users] = self._deviations(self.x[users], self._fitted(0, users)[0])
        return out

    def _fitted(self, number: int, userids: Array) -> tuple[Rows, list[Array]]:
        """Predictions of a pass for fitted users, whose rows of the kernels there are already."""
        predictor = self.predictors[number]
        kernels = [_without(term.users.rows(userids), userids) for term in predictor.system.product_kernels]
        return predictor.predict(kernels, self.x[userids], userids), kernels

    def _deviations(self, histories: CSR, rows: Rows) -> Array:
        biases = self.biases.of(histories, 0)[:, None] + self.biases.biases[1]
        out: Array = (rows.scores - self.biases.mean - biases) / self.scale
        return out

    def predict(self, userids: Array, histories: CSR | None, known: Content | None = None) -> tuple[Rows, list[Array]]:
        """Predictions of the last pass for users with these histories (None: fitted ones with theirs).

        ``userids`` are fitted numbers, or -1 for other users; ``known`` is the content of these users, unless they
        have what they were fitted with.

        Returns
        -------
        Rows, and for each product kernel the attention (b, users) of these users, 0 for themselves
        """
        if histories is None and known is None:
            return self._fitted(len(self.predictors) - 1, userids)
        histories = self.x[userids] if histories is None else histories
        features = self._users(userids, histories, known)
        first = _without(self.predictors[0].system.product_kernels[0].users.to(features), userids)
        rows = self.predictors[0].predict([first], histories, userids)
        if len(self.predictors) == 1:
            return rows, [first]
        deviations = _unit(self._deviations(histories, rows).astype(np.float32))
        second = _without(self.predictors[1].system.product_kernels[0].users.to([deviations, *features]), userids)
        return self.predictors[1].predict([second, first], histories, userids), [second, first]

    def shares(self, kernel: Array) -> Array:
        """Share of attention on those who rated an item, (b, items) float32."""
        raters = csr(np.ones(self.x.nnz, np.float32), self.x.indices, self.x.indptr, self.x.shape)
        total = kernel.sum(axis=1, dtype=np.float64)[:, None]
        attention = np.divide(kernel, total, out=np.zeros_like(kernel), where=total > 0)
        return np.minimum(ops.predict_ratings(attention, raters, check_finite=False), np.float32(1))

    def vectors(self, rows: CSR, side: int) -> CSR:
        """Histories as the first pass compares them, with rows of length 1, whose cosine is C without content."""
        residuals, activity = self.biases.features(rows, side)
        weight = self._s.residual_weight
        pair = [residuals * np.float32(weight**0.5), activity * np.float32((1 - weight) ** 0.5)]
        return unit_rows(require("scipy.sparse", extra="models").hstack(pair, format="csr"))


def _without(kernel: Array, userids: Array) -> Array:
    """The rows with 0 at the users themselves, whose own coefficients are solved for instead."""
    fitted = np.flatnonzero(userids >= 0)
    kernel[fitted, userids[fitted]] = 0
    return kernel


def _unit(rows: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    out: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return out
