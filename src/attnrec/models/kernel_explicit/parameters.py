"""Parameters of KernelAttentionRegressor: defaults, checks, and the values that tuning tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..content.estimator import WithContent
from ..inputs import checks
from .passes import Hyperparameters

__all__ = ["RegressorParameters"]


class RegressorParameters(WithContent):
    """The constructor of :class:`KernelAttentionRegressor`, where each parameter is described."""

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
        if self.passes not in (1, 2):
            raise ValueError(f"passes={self.passes!r} is not 1 or 2")
        Hyperparameters.of(self).check()
        checks.count("max_steps", self.max_steps)
        if self.memory_budget is not None:
            checks.count("memory_budget", self.memory_budget)
        checks.seed("random_state", self.random_state)
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance={self.tolerance!r} must lie between 0 and 1, for example 1e-5")

    def _search_space(self) -> dict[str, Sequence[Any]]:
        return {
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
