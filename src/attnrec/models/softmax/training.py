"""Epochs of SoftmaxRecommender: batches, steps, validation, early stopping, divergence."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..inputs.histories import Array
from ..training.adam import Adam
from .objective import Data, Parameters, Setting, gradients, start

__all__ = ["Diverged", "Schedule", "Training"]


class Diverged(ValueError):
    """The loss rose or ceased to be a number."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: see the estimator's parameters of these names."""

    epochs: int
    batch_size: int
    learning_rate: float
    user_learning_rate: float
    weight_decay: float
    lr_schedule: str
    random_state: int

    def rate(self, done: float) -> float:
        """The learning rate's factor once a share ``done`` of all steps was taken: 1 falling to 0, or always 1."""
        return {"cosine": 0.5 * (1 + math.cos(math.pi * done)), "linear": 1 - done, "constant": 1.0}[self.lr_schedule]


@dataclass
class Training:
    """Parameters on their way, and the best of them so far.

    Attributes
    ----------
    parameters, adam
        As the last epoch left them.
    epoch : int
        Epochs done.
    first_loss : float
        Of the first batch, before anything was learned.
    losses, scores : list of float
        One an epoch; scores stay empty without validation.
    best : dict
        A copy of the parameters of the best epoch: by score, or without validation the last.
    """

    data: Data
    setting: Setting
    schedule: Schedule
    factors: int
    parameters: Parameters = field(default_factory=dict)
    adam: Adam = field(default_factory=Adam)
    epoch: int = 0
    first_loss: float = math.nan
    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best: Parameters = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.schedule.random_state, 0])
        self.parameters = start(self.data, self.factors, self.setting.embed_users, rng)

    def run_epoch(self, step: Callable[[int], object]) -> float:
        """One pass over all users in random order; ``step`` is told how many users were done.

        Raises
        ------
        Diverged
            If the loss is not finite, or above where it started or what it had reached. The best parameters are
            untouched.
        """
        rng = np.random.default_rng([self.schedule.random_state, self.epoch + 1])
        n_users = self.data.histories.shape[0]
        batches = batches_of(self.data.histories.indptr, rng.permutation(n_users), self.schedule.batch_size)
        if self.setting.embed_users:
            self.adam.steps["users"] = self.epoch + 1
        total = weight = 0.0
        for at, rows in enumerate(batches):
            done = (self.epoch + at / len(batches)) / self.schedule.epochs
            try:
                loss, by = gradients(self.parameters, self.data, rows, self.setting, rng)
            except FloatingPointError:
                loss, by = math.inf, {}
            if math.isnan(self.first_loss):
                self.first_loss = loss
            n = int(np.diff(self.data.histories.indptr)[rows].sum())
            self._check(loss, self.first_loss + 3, n)
            self._update(by, rows, self.schedule.rate(done))
            total, weight = total + n * loss, weight + n
            step(len(rows))
        loss = total / max(weight, 1)
        self._check(loss, min(self.first_loss + 0.5, min(self.losses, default=math.inf) + 1), weight)
        self.epoch += 1
        self.losses.append(loss)
        return loss

    def _update(self, by: Parameters, rows: Array, rate: float) -> None:
        s = self.schedule
        for name in sorted(by):
            which = rows if name == "users" else None
            lr = s.learning_rate * rate * (s.user_learning_rate if name == "users" else 1.0)
            self.adam.step(name, self.parameters[name], by[name], lr, s.weight_decay, which)

    def _check(self, loss: float, limit: float, n: float) -> None:
        """Refuse a loss above the limit by more than chance: scores are within 1 / temperature, and it means n."""
        chance = 6 / (self.setting.loss.temperature * math.sqrt(max(n, 1)))
        if not math.isfinite(loss) or loss > limit + chance:
            raise Diverged(
                f"training diverged in epoch {self.epoch + 1}: the loss is {loss:.4g} after {self.first_loss:.4g} at "
                f"first. Lower learning_rate={self.schedule.learning_rate:g}"
            )

    def keep(self, score: float | None) -> None:
        """Note the score of the last epoch, and keep its parameters if it is the best (without scores: the last)."""
        if score is not None:
            self.scores.append(score)
        if score is None or score >= max(self.scores):
            self.best = {name: x.copy() for name, x in self.parameters.items()}

    def done(self, patience: int) -> bool:
        """Whether all epochs were run, or the last ``patience`` (0: any number) brought nothing better."""
        behind = len(self.scores) - 1 - int(np.argmax(self.scores)) if self.scores else 0
        return self.epoch >= self.schedule.epochs or bool(patience and behind >= patience)


def batches_of(indptr: Array, order: Array, size: int) -> list[Array]:
    """Users in batches of ``size``, each sorted; those without interactions are left out."""
    order = order[np.diff(indptr)[order] > 0]
    return [np.sort(order[at : at + size]) for at in range(0, len(order), size)]
