"""KernelAttentionRegressor: ratings by attention with values solved in closed form."""

from __future__ import annotations

from .regressor import KernelAttentionRegressor

__all__ = ["KernelAttentionRegressor"]
