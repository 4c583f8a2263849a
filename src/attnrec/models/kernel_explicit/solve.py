"""The solve of a pass, preconditioned, and what there is to say where it ends early. Knows no estimator."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from ..inputs.histories import Array
from ..linalg.blas import one_thread
from ..linalg.conjugate_gradients import Solution, conjugate_gradients
from .preconditioner import Preconditioner
from .system import ProductKernelSystem

__all__ = ["RANK", "solved"]

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
            stacklevel=4,
        )
    return solution
