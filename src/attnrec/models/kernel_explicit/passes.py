"""The passes of kernel attention on ratings: features, kernels, systems, rows of predictions. Knows no estimator."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple, Self

import numpy as np

from ... import ops
from ..._util.extras import need
from ..content.fusion import Content
from ..content.state import Sides
from ..inputs.histories import CSR, Array, csr, unit_rows
from ..linalg.kernel import Kernel, Part
from .biases import Biases
from .stage import Rows, Stage
from .system import Joint, System

__all__ = ["Passes", "Strengths"]

_BLOCK = 512  # users predicted at a time


@dataclass(frozen=True)
class Strengths:
    """The numbers of the model; see :class:`KernelAttentionRegressor`."""

    user_temperature: float
    item_temperature: float
    residual_share: float
    own: float
    same: float
    joint: float
    bias: float
    noise: float
    user_temperature2: float
    item_temperature2: float
    predicted_share: float
    joint2: float
    joint2_first: float
    noise2: float
    user_damping: float
    item_damping: float
    content_share: float
    user_content_share: float

    @classmethod
    def names(cls) -> list[str]:
        """Names of the numbers."""
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
            positive = "temperature" in name or name.startswith("noise")
            if not math.isfinite(value) or value < 0 or (positive and value == 0):
                raise ValueError(f"{name}={value!r} must be finite and {'above 0' if positive else 'at least 0'}")
            if name.endswith("share") and value > 1:
                raise ValueError(f"{name}={value!r} must lie between 0 and 1")


class Beside(NamedTuple):
    """Columns of content, (n, width) and turned."""

    rows: CSR
    turned: CSR


class Passes:
    """Systems one after the other, each made once the solution of the one before it is known.

    Attributes
    ----------
    scale : float
        Standard deviation of the ratings.
    targets : (nnz,) float64
        Ratings less their mean, over ``scale``: the right-hand side of every system.
    """

    def __init__(self, x: CSR, strengths: Strengths, memory_budget: int, sides: Sides = (None, None)) -> None:
        self.x, self._s, self._left, self.sides = x, strengths, memory_budget, sides
        self.biases = Biases(x, strengths.user_damping, strengths.item_damping)
        self.stages: list[Stage] = []
        self.scale = float(np.std(x.data, dtype=np.float64)) or 1.0
        self.targets = (x.data.astype(np.float64) - self.biases.mean) / self.scale
        turned = x.T.tocsr()
        self._parts: list[list[Part]] = [
            list(zip(self._weights(side), self._rows(rows, side), strict=True)) for side, rows in enumerate((x, turned))
        ]
        self._contents: dict[int, Beside] = {}
        self._joints: list[Joint] = []
        self._system: System | None = None

    def _weights(self, side: int) -> list[float]:
        share = self._s.residual_share
        return [share, 1 - share] if self.sides[side] is None else [1.0]

    def _rows(self, rows: CSR, side: int, known: Content | None = None) -> list[CSR]:
        """What the first pass compares of users (side 0) or items (side 1), a matrix for each of its parts: residuals
        and activity, or with content one of everything. ``known`` is their content, unless that of the fitted ones."""
        beside = self.sides[side]
        if beside is None:
            return list(self.biases.features(rows, side))
        return [beside.fused(self.vectors(rows, side), known)]

    def _users(self, userids: Array, histories: CSR, known: Content | None) -> list[CSR]:
        """The same of users who ask: with the content of fitted ones unless ``known`` says otherwise."""
        if known is None and (beside := self.sides[0]) is not None:
            known = beside.known.rows(userids)
        return self._rows(histories, 0, known)

    def content(self, side: int) -> Beside | None:
        """Columns of content as users (side 0) or items (side 1) are compared by them, if there are any."""
        beside = self.sides[side]
        if beside is not None and side not in self._contents:
            rows = self._parts[side][-1][1][:, -beside.known.width :]
            self._contents[side] = Beside(rows, rows.T.tocsr())
        return self._contents.get(side)

    def content_of(self, userids: Array, histories: CSR | None, known: Content | None) -> CSR | None:
        """The same of users who ask, (b, width)."""
        beside = self.sides[0]
        if beside is None:
            return None
        histories = self.x[userids] if histories is None else histories
        out: CSR = self._users(userids, histories, known)[0][:, -beside.known.width :]
        return out

    def system(self, number: int) -> System:
        """The system of pass 0 or 1."""
        s = self._s
        temperatures = ((s.user_temperature, s.item_temperature), (s.user_temperature2, s.item_temperature2))[number]
        if number == 1:
            predicted = self._predicted()
            for side, rows in enumerate((predicted, np.ascontiguousarray(predicted.T))):
                keep = [((1 - s.predicted_share) * weight, part) for weight, part in self._parts[side]]
                self._parts[side] = [(s.predicted_share, _unit(rows)), *keep]
        users, items = (self._kernel(parts, t) for parts, t in zip(self._parts, temperatures, strict=True))
        if number == 0:
            self._joints = [Joint(users, items, s.joint)]
        else:
            first = self._joints[0]
            self._joints = [Joint(users, items, s.joint2), Joint(first.users, first.items, s.joint2_first)]
        noise = (s.noise, s.noise2)[number]
        self._system = System(self.x, self._joints, own=s.own, same=s.same, bias=s.bias, noise=noise)
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
        self.stages.append(Stage(self._system, coefficients, self.biases.mean, self.scale))

    def _predicted(self) -> Array:
        """What the first pass predicts for all fitted users, scaled, less mean and biases, (users, items) float32."""
        out = np.empty(self.x.shape, np.float32)
        for start in range(0, self.x.shape[0], _BLOCK):
            users = np.arange(start, min(start + _BLOCK, self.x.shape[0]))
            out[users] = self._deviations(self.x[users], self._fitted(0, users)[0])
        return out

    def _fitted(self, number: int, userids: Array) -> tuple[Rows, list[Array]]:
        """Predictions of a pass for fitted users, whose rows of the kernels there are already."""
        stage = self.stages[number]
        kernels = [_without(joint.users.rows(userids), userids) for joint in stage.system.joints]
        return stage.predict(kernels, self.x[userids], userids), kernels

    def _deviations(self, histories: CSR, rows: Rows) -> Array:
        biases = self.biases.of(histories, 0)[:, None] + self.biases.biases[1]
        out: Array = (rows.scores - self.biases.mean - biases) / self.scale
        return out

    def predict(self, userids: Array, histories: CSR | None, known: Content | None = None) -> tuple[Rows, list[Array]]:
        """Predictions of the last pass for users with these histories (None: fitted ones with theirs).

        ``userids`` are fitted numbers, or -1 for somebody else; ``known`` is the content of these users, unless they
        have what they were fitted with.

        Returns
        -------
        Rows, and for each joint kernel the attention (b, users) of these users, 0 for themselves
        """
        if histories is None and known is None:
            return self._fitted(len(self.stages) - 1, userids)
        histories = self.x[userids] if histories is None else histories
        features = self._users(userids, histories, known)
        first = _without(self.stages[0].system.joints[0].users.to(features), userids)
        rows = self.stages[0].predict([first], histories, userids)
        if len(self.stages) == 1:
            return rows, [first]
        deviations = _unit(self._deviations(histories, rows).astype(np.float32))
        second = _without(self.stages[1].system.joints[0].users.to([deviations, *features]), userids)
        return self.stages[1].predict([second, first], histories, userids), [second, first]

    def shares(self, kernel: Array) -> Array:
        """Share of attention on those who rated an item, (b, items) float32."""
        raters = csr(np.ones(self.x.nnz, np.float32), self.x.indices, self.x.indptr, self.x.shape)
        total = kernel.sum(axis=1, dtype=np.float64)[:, None]
        attention = np.divide(kernel, total, out=np.zeros_like(kernel), where=total > 0)
        return np.minimum(ops.predict_ratings(attention, raters, check_finite=False), np.float32(1))

    def vectors(self, rows: CSR, side: int) -> CSR:
        """Histories as the first pass compares them, with rows of length 1, whose cosine is C without content."""
        residuals, activity = self.biases.features(rows, side)
        share = self._s.residual_share
        pair = [residuals * np.float32(share**0.5), activity * np.float32((1 - share) ** 0.5)]
        return unit_rows(need("scipy.sparse", extra="models").hstack(pair, format="csr"))


def _without(kernel: Array, userids: Array) -> Array:
    """The rows, with 0 for the users themselves: nobody attends to themselves, that part is solved for."""
    fitted = np.flatnonzero(userids >= 0)
    kernel[fitted, userids[fitted]] = 0
    return kernel


def _unit(rows: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None]
    out: Array = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return out
