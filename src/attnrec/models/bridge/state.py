"""What a fitted ContentBridge holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ..._util.validate import check_number
from ..content.state import Held
from ..inputs.histories import Array
from ..storage.fields import Part, State, of

__all__ = ["BridgeState"]


@dataclass(frozen=True, eq=False, kw_only=True)
class BridgeState(State):
    """Known items with content, and what attention to them gives.

    Attributes
    ----------
    items
        Numbers of the known items that have content.
    values
        ``(K + regularization I)^-1 V`` for their vectors V.
    weights
        How much each modality counts, adding up to 1.
    known
        Their content.
    """

    temperature: float
    normalize: bool
    items: Annotated[Array, of("int64", "known")]
    values: Annotated[Array, of("float32", "known", "d")]
    weights: Annotated[Array, of("float64", "weights")]
    known: Annotated[Held, Part(rows="known")]

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        self.known.check()
        check_number("temperature", self.temperature, 1e-2)
        if self.weights.shape != self.known.content_widths.shape:
            raise ValueError("weights are not one for each modality")
        if np.any(self.items < 0) or np.any(self.weights < 0):
            raise ValueError("items or weights are below 0")
