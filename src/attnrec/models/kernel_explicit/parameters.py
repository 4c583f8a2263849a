"""Parameters of KernelAttentionRegressor: checks, and the values that tuning tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._util.validate import check_positive_int, check_seed
from .passes import Hyperparameters

if TYPE_CHECKING:
    from .regressor import KernelAttentionRegressor

__all__ = ["SPACE", "check"]

SPACE: dict[str, Sequence[object]] = {
    "residual_weight": (0.05, 0.1, 0.2, 0.35),
    "item_damping": (1.0, 2.0, 4.0, 8.0, 12.0),
    "item_temperature": (0.35, 0.5, 0.7, 1.0, 1.4),
    "user_temperature": (0.3, 0.45, 0.6, 0.85),
    "item_kernel_weight": (0.1, 0.2, 0.4, 0.6),
    "bias_weight": (0.05, 0.1, 0.2),
    "second_pass_item_temperature": (0.25, 0.35, 0.5, 0.7),
    "second_pass_first_product_weight": (0.35, 0.7, 1.4),
    "content_weight": (0.03, 0.1, 0.2, 0.4),
    "user_content_weight": (0.03, 0.1, 0.2, 0.4),
}


def check(model: KernelAttentionRegressor) -> None:
    """Raise ValueError or TypeError for parameters that cannot be used."""
    if model.passes not in (1, 2):
        raise ValueError(f"passes={model.passes!r} is not 1 or 2")
    Hyperparameters.of(model).check()
    check_positive_int("max_steps", model.max_steps)
    if model.memory_budget is not None:
        check_positive_int("memory_budget", model.memory_budget)
    check_seed("random_state", model.random_state)
    if not 0 < model.tolerance < 1:
        raise ValueError(f"tolerance={model.tolerance!r} must lie between 0 and 1, for example 1e-5")
