"""Parameters of KernelAttentionRecommender: checks, and the grids that tuning tries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..._util.validate import check_choice, check_number, check_positive_int, check_seed, check_share
from ..inputs import dislikes

if TYPE_CHECKING:
    from .recommender import KernelAttentionRecommender

__all__ = ["SPACE", "check"]

SPACE: dict[str, dict[str, Sequence[object]]] = {
    "users": {"temperature": (0.2, 0.25, 0.3, 0.4), "regularization": (0.1, 0.3, 1.0)},
    "items": {"item_temperature": (0.3, 0.5, 0.8), "item_regularization": (0.2, 0.5, 1.0)},
    "both": {"temperature": (0.25, 0.4), "regularization": (0.1, 0.3, 1.0), "item_regularization": (0.3, 1.0)},
}


def check(model: KernelAttentionRecommender) -> None:
    """Raise ValueError or TypeError for parameters that cannot be used."""
    check_choice("based_on", model.based_on, ("users", "items", "both"))
    for prefix in ("", "item_"):
        check_number(f"{prefix}temperature", getattr(model, f"{prefix}temperature"), 1e-2)
        check_number(f"{prefix}regularization", getattr(model, f"{prefix}regularization"), 1e-6)
    check_number("popularity_exponent", model.popularity_exponent)
    check_number("activity_exponent", model.activity_exponent)
    check_share("content_weight", model.content_weight)
    for name, unset in (("n_blocks", "auto"), ("memory_budget", None)):
        if (value := getattr(model, name)) != unset:
            check_positive_int(name, value)
    check_seed("random_state", model.random_state)
    check_choice("negative", model.negative, dislikes.CHOICES)
