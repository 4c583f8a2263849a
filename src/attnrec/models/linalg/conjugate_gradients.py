"""Conjugate gradients for symmetric positive definite systems; Ctrl-C returns the last iterate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..inputs.histories import Array

__all__ = ["Solution", "conjugate_gradients"]


@dataclass(frozen=True)
class Solution:
    """Where conjugate gradients stopped.

    Attributes
    ----------
    x : (n,) float64
    steps : int
    residual : float
        ``||y - A x||^2 / ||y||^2``, as the recurrence has it.
    interrupted : bool
        Whether Ctrl-C ended it.
    """

    x: Array
    steps: int
    residual: float
    interrupted: bool = False


def conjugate_gradients(
    product: Callable[[Array], Array],
    y: Array,
    *,
    preconditioner: Callable[[Array], Array] | None = None,
    tolerance: float,
    max_steps: int,
    report: Callable[[int, float], object] | None = None,
) -> Solution:
    """Solve ``A x = y`` for a symmetric positive definite A; Hestenes and Stiefel, 1952.

    It stops at ``||y - A x||^2 <= tolerance ||y||^2``, after ``max_steps``, or at Ctrl-C with the last iterate.
    ``report(step, residual)`` is called after each step.
    """
    x, r = np.zeros_like(y), y.copy()
    total = float(y @ y)
    precondition = preconditioner or np.copy
    direction = slope = None
    for step in range(max_steps + 1):
        residual = float(r @ r) / total if total > 0 else 0.0
        if step and report is not None:
            report(step, residual)
        if residual <= tolerance or step == max_steps:
            return Solution(x, step, residual)
        try:
            z = precondition(r)
            new = float(r @ z)
            direction = z if direction is None or slope is None else z + (new / slope) * direction
            slope = new
            image = product(direction)
            length = slope / float(direction @ image)
        except KeyboardInterrupt:
            return Solution(x, step, residual, interrupted=True)
        x = x + length * direction
        r = r - length * image
    raise AssertionError("unreachable")
