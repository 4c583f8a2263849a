"""What a fitted KernelAttentionRegressor holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ..base.state import FittedState
from ..content.state import HeldSide, Side, Sides
from ..inputs.histories import Array
from ..inputs.rating_scale import Scale
from ..storage.fields import Part, of
from .passes import Hyperparameters

__all__ = ["RegressorState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class RegressorState(FittedState):
    """Histories, the numbers of the model, and the solution of each pass.

    Attributes
    ----------
    hyperparameters
        The numbers of the kernels, as they were when it was fitted.
    passes
        Passes that were solved, 1 or 2.
    first, second
        Coefficients of the ratings; the second is empty after one pass.
    first_steps, second_steps
        Steps of conjugate gradients that each took.
    users, items
        Content of both sides, where there is any.
    """

    hyperparameters: Annotated[Hyperparameters, Part()]
    scale: Annotated[Scale, Part()]
    passes: int
    first: Annotated[Array, of("float64", "entries")]
    second: Annotated[Array, of("float64", "second entries")]
    first_steps: int
    second_steps: int
    users: Annotated[HeldSide | None, Part("user_", "users")] = None
    items: Annotated[HeldSide | None, Part("", "items")] = None

    def rating_scale(self) -> Scale:
        """The scale of ratings."""
        return self.scale

    @property
    def sides(self) -> Sides:
        """Content of users and of items beside the histories."""
        s = self.hyperparameters
        return Side.held(self.users, s.user_content_weight), Side.held(self.items, s.content_weight)

    def known_users(self) -> Array:
        """(users,) bool: of whom features are known."""
        return super().known_users() if self.users is None else np.diff(self.users.content.indptr) > 0

    def known_items(self) -> Array:
        """(items,) bool: of which features are known."""
        return super().known_items() if self.items is None else np.diff(self.items.content.indptr) > 0

    def sizes(self) -> dict[str, int]:
        """Sizes that the shapes of arrays are told in, by name."""
        out = super().sizes()
        return out | {"second entries": out["entries"] if self.passes == 2 else 0}

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        super().check()
        if self.passes not in (1, 2):
            raise ValueError(f"passes is {self.passes}")
        self.hyperparameters.check()
        self.scale.check()
        for side in (self.users, self.items):
            if side is not None:
                side.check()
