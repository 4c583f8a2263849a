"""Preconditioned conjugate gradients for one pass, with a warning where they end early."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..base import batches
from ..inputs.histories import Array
from ..linalg.blas import one_thread
from ..linalg.conjugate_gradients import Solution, conjugate_gradients
from .passes import Passes
from .preconditioner import Preconditioner
from .system import ProductKernelSystem

__all__ = ["RANK", "Solutions", "solve_passes", "solved"]

RANK = 6  # leading directions that the preconditioner solves for


def solved(
    system: ProductKernelSystem, targets: Array, tell: Callable[[int, float], None], *, tolerance: float, max_steps: int
) -> Solution:
    """Coefficients of a system for its targets; warns, at the caller of ``fit``, where the solve ended early."""
    with one_thread():
        solution = conjugate_gradients(
            system,
            targets,
            preconditioner=Preconditioner(system, RANK),
            tolerance=float(tolerance),
            max_steps=max_steps,
            report=tell,
        )
    if solution.interrupted or solution.residual > tolerance:
        why = "was interrupted" if solution.interrupted else f"did not reach tolerance={tolerance:.3g}"
        more = "fit again" if solution.interrupted else "raise max_steps or noise"
        warnings.warn(
            f"the solve {why} after {solution.steps} steps, at a residual of {solution.residual:.2g}; the model "
            f"holds what was found by then. For more, {more}",
            RuntimeWarning,
            stacklevel=6,
        )
    return solution


class Solutions(NamedTuple):
    """What passes were solved to.

    Attributes
    ----------
    passes : int
        Passes with a solution.
    coefficients : list of (nnz,) float64
        Solution of each of two passes; empty without one.
    steps : list of int
        Steps of conjugate gradients that each took.
    """

    passes: int
    coefficients: list[Array]
    steps: list[int]


def solve_passes(
    passes: Passes,
    count: int,
    show_progress: bool,
    report: Callable[[int, float], None],
    *,
    tolerance: float,
    max_steps: int,
) -> Solutions:
    """Solve up to ``count`` passes one after the other, adding each solution to ``passes``."""
    found, steps, done = [np.zeros(0), np.zeros(0)], [0, 0], 0
    for number in range(count):
        told = sum(steps)
        with batches.progress(None, show_progress, "step") as bar:
            bar.set_description(f"pass {number + 1} of {count}")

            def tell(step: int, residual: float, bar: batches.Progress = bar, told: int = told) -> None:
                bar.set_postfix(residual=f"{residual:.2g}")
                bar.update()
                report(told + step, residual)

            system = passes.system(number)
            solution = solved(system, passes.targets, tell, tolerance=tolerance, max_steps=max_steps)
        if solution.interrupted and number and not solution.steps:
            break
        found[number], steps[number], done = solution.x, solution.steps, number + 1
        passes.add(solution.x)
        if solution.interrupted:
            break
    if sum(steps) == 0:  # all ratings are equal, and there was nothing to solve
        report(1, 0.0)
    return Solutions(done, found, steps)
