"""What a fitted NeighbourAttention holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ..base.state import FittedState
from ..inputs.histories import CSR, Array
from ..inputs.rating_scale import Scale
from ..storage.fields import Part, of
from . import terms

__all__ = ["NeighbourState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class NeighbourState(FittedState):
    """Histories, what they are compared by, and what is attended to.

    Attributes
    ----------
    means
        Damped mean of each user.
    unit
        Values of the rows of length 1 whose products are the cosine, where the histories have theirs.
    values
        What is attended to, ``width`` columns: ones, or deviations and ones side by side.
    overall
        Mean of all stored values.
    """

    means: Annotated[Array, of("float32", "users")]
    unit: Annotated[Array, of("float32", "entries")]
    values: Annotated[CSR, of("float32", "users", "width")]
    overall: float
    feedback: Literal["explicit", "implicit"]
    features: Literal["centred", "raw", "binary"]
    temperature: float
    damping: float
    mean_damping: float
    scale: Annotated[Scale, Part()]

    def rating_scale(self) -> Scale:
        """The scale of ratings."""
        return self.scale

    def sizes(self) -> dict[str, int]:
        """Sizes that the shapes of arrays are told in, by name."""
        out = super().sizes()
        return out | {"width": out["items"] * (2 if self.feedback == "explicit" else 1)}

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        super().check()
        terms.check_numbers(temperature=self.temperature, damping=self.damping, mean_damping=self.mean_damping)
        self.scale.check()
