"""Adam over named arrays, or over some of their rows, with its moments."""

from __future__ import annotations

from functools import partial

import numpy as np

from ... import ops
from ..inputs.histories import Array

__all__ = ["Adam"]


class Adam:
    """Moments of parameters by name; :meth:`step` changes the parameters in place.

    Attributes
    ----------
    moments : dict
        (first, second) of each parameter's shape.
    steps : dict
        Steps taken by each.
    """

    def __init__(self) -> None:
        self.moments: dict[str, tuple[Array, Array]] = {}
        self.steps: dict[str, int] = {}

    def step(
        self, name: str, x: Array, gradient: Array, rate: float, decay: float = 0.0, rows: Array | None = None
    ) -> None:
        """One step of ``x``, or of its ``rows``, whose moments then are those of an earlier step of theirs.

        With ``rows`` the caller counts the steps, in ``steps``: rows of one sweep share a number.
        """
        if name not in self.moments:
            self.moments[name] = (np.zeros_like(x), np.zeros_like(x))
        first, second = self.moments[name]
        update = partial(ops.adam_step, learning_rate=rate, weight_decay=decay, check_finite=False)
        if rows is None:
            self.steps[name] = self.steps.get(name, 0) + 1
            update(x, gradient, first, second, self.steps[name])
            return
        some = [np.ascontiguousarray(whole[rows]) for whole in (x, first, second)]
        update(some[0], gradient, some[1], some[2], self.steps[name])
        for whole, part in zip((x, first, second), some, strict=True):
            whole[rows] = part
