"""Parameters of KernelAttentionRecommender: defaults, checks, and the grids that tuning tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ..._util.validate import check_choice, check_number, check_share
from ..content.estimator import WithContent
from ..inputs import checks, dislikes

__all__ = ["RecommenderParameters"]

_SPACE: dict[str, dict[str, Sequence[Any]]] = {
    "users": {"temperature": (0.2, 0.25, 0.3, 0.4), "regularization": (0.1, 0.3, 1.0)},
    "items": {"item_temperature": (0.3, 0.5, 0.8), "item_regularization": (0.2, 0.5, 1.0)},
    "both": {"temperature": (0.25, 0.4), "regularization": (0.1, 0.3, 1.0), "item_regularization": (0.3, 1.0)},
}


class RecommenderParameters(WithContent):
    """The constructor of :class:`KernelAttentionRecommender`, where each parameter is described."""

    accepted_inputs = frozenset({"tune", "item_features", "item_vectors"})

    def __init__(
        self,
        temperature: float = 0.25,
        regularization: float = 0.15,
        popularity_exponent: float = 0.2,
        *,
        based_on: Literal["users", "items", "both"] = "users",
        item_temperature: float = 0.5,
        item_regularization: float = 0.5,
        activity_exponent: float = 0.5,
        content_weight: float = 0.3,
        modality_weights: Mapping[str, float] | None = None,
        n_blocks: int | Literal["auto"] = "auto",
        memory_budget: int | None = None,
        random_state: int = 0,
        negative: Literal["seen", "ignore", "interaction"] = "seen",
    ) -> None:
        self.temperature = temperature
        self.regularization = regularization
        self.popularity_exponent = popularity_exponent
        self.based_on = based_on
        self.item_temperature = item_temperature
        self.item_regularization = item_regularization
        self.activity_exponent = activity_exponent
        self.content_weight = content_weight
        self.modality_weights = modality_weights
        self.n_blocks = n_blocks
        self.memory_budget = memory_budget
        self.random_state = random_state
        self.negative = negative

    def _check_params(self) -> None:
        check_choice("based_on", self.based_on, ("users", "items", "both"))
        for prefix in ("", "item_"):
            check_number(f"{prefix}temperature", getattr(self, f"{prefix}temperature"), 1e-2)
            check_number(f"{prefix}regularization", getattr(self, f"{prefix}regularization"), 1e-6)
        check_number("popularity_exponent", self.popularity_exponent)
        check_number("activity_exponent", self.activity_exponent)
        check_share("content_weight", self.content_weight)
        for name, unset in (("n_blocks", "auto"), ("memory_budget", None)):
            if (value := getattr(self, name)) != unset:
                checks.count(name, value)
        checks.seed("random_state", self.random_state)
        check_choice("negative", self.negative, dislikes.CHOICES)

    def _search_space(self) -> dict[str, Sequence[Any]]:
        return _SPACE[self.based_on]
