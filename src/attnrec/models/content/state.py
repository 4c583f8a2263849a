"""Content of users or items in the state of a model: blocks, weights and names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..inputs.histories import CSR, Array
from . import fusion

__all__ = [
    "Side",
    "Sides",
    "contents",
    "layout",
    "layout_of_sides",
    "of_queries",
    "packed",
    "packed_sides",
    "rows_of",
    "taken",
    "unpacked",
    "unpacked_sides",
    "updated",
]

_PREFIX = {"item_features": "", "user_features": "user_"}


def taken(name: str, inputs: Mapping[str, Any], n: int, what: str) -> fusion.Content | None:
    """What ``fit`` was given of users or of items, checked."""
    given = inputs.get(name)
    return None if given is None else fusion.content(name, given, n, what)


def updated(name: str, state: Mapping[str, Any], ids: Array, given: Any, n: int) -> fusion.Content | None:
    """The content of ``n`` items or users: that of the state, but ``ids`` have what is given.

    Raises
    ------
    ValueError
        If something is given to a model without content.
    """
    known = unpacked(state, _PREFIX[name])
    if known is None and given is not None:
        raise ValueError(f"{name}: the model was fitted without any; fit it with {name} first")
    return None if known is None else known.with_rows(name, ids, given, n)


def of_queries(state: Mapping[str, Any], given: Any, n: int) -> CSR:
    """Features of ``n`` users who ask, checked: the blocks side by side, for :func:`rows_of`."""
    known = unpacked(state, "user_")
    if known is None:
        raise ValueError("user_features: the model was fitted without any; fit it with user_features first")
    return fusion.content("user_features", given, n, "of userid", like=known).joined()


def rows_of(state: Mapping[str, Any], joined: CSR) -> fusion.Content:
    """Rows of what :func:`of_queries` gives, by modality."""
    return fusion.stored(state["user_modalities"], state["user_content_widths"], joined)


def packed(known: fusion.Content, prefix: str = "") -> dict[str, Any]:
    """Entries of a state, their names after ``prefix``; see :func:`unpacked`."""
    widths = np.array([block.shape[1] for block in known.blocks.values()], dtype=np.int64)
    out = {"content": known.joined(), "content_widths": widths, "modalities": json.dumps(list(known.blocks))}
    if known.names is not None:
        out["content_names"] = json.dumps(known.names)
    return {prefix + name: value for name, value in out.items()}


def unpacked(state: Mapping[str, Any], prefix: str = "") -> fusion.Content | None:
    """The content that a state holds, if any."""
    if f"{prefix}content" not in state:
        return None
    names = state.get(f"{prefix}content_names")
    known = fusion.stored(*(state[prefix + name] for name in ("modalities", "content_widths", "content")))
    return known if names is None else fusion.Content(known.blocks, json.loads(names))


def contents(state: Mapping[str, Any]) -> tuple[fusion.Content | None, fusion.Content | None]:
    """That of items, and that of users."""
    return unpacked(state), unpacked(state, "user_")


def layout(n: int, state: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """What a state with content must look like for ``n`` rows (see :func:`checks.fits`)."""
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    out = fusion.layout(n, own)
    if out and "content_names" in own:
        names = json.loads(own["content_names"])
        if not isinstance(names, list) or len(names) != own["content"].shape[1]:
            raise ValueError("the names of its features do not fit their columns")
        out["content_names"] = str
    return {prefix + name: value for name, value in out.items()}


@dataclass(frozen=True)
class Side:
    """Content that counts in the similarity of users, or of items, in addition to their histories.

    Attributes
    ----------
    known : fusion.Content
    share : float
        How much it counts against the histories, 0 to 1.
    weights : (modalities,) float64
        How much each modality does, adding up to 1.
    """

    known: fusion.Content
    share: float
    weights: Array

    @classmethod
    def of(
        cls, known: fusion.Content | None, share: float, weights: Mapping[str, float] | None, prefix: str = ""
    ) -> Self | None:
        """From the parameters of an estimator, whose names start with ``prefix``; None without content."""
        if known is None:
            return None
        return cls(known, share, fusion.modality_weights(weights, list(known.blocks), f"{prefix}modality_weights"))

    def fused(self, rows: CSR, known: fusion.Content | None = None) -> CSR:
        """Unit rows of histories and content, those of ``known`` unless it is None; see :func:`fusion.fused`."""
        return fusion.fused(rows, self.known if known is None else known, self.weights, self.share)


Sides = tuple[Side | None, Side | None]  # users, items


def packed_sides(sides: Sides) -> dict[str, Any]:
    """Entries of a state for both sides, without their weights ``content_weight`` and ``user_content_weight``."""
    out: dict[str, Any] = {}
    for prefix, side in zip(("user_", ""), sides, strict=True):
        if side is not None:
            out |= packed(side.known, prefix) | {f"{prefix}modality_weights": side.weights}
    return out


def unpacked_sides(state: Mapping[str, Any]) -> Sides:
    """The sides that :func:`packed_sides` made a state of."""
    users, items = (
        None
        if (known := unpacked(state, prefix)) is None
        else Side(known, state[f"{prefix}content_weight"], state[f"{prefix}modality_weights"])
        for prefix in ("user_", "")
    )
    return users, items


def layout_of_sides(shape: tuple[int, int], state: Mapping[str, Any]) -> dict[str, Any]:
    """What such a state must look like."""
    out: dict[str, Any] = {}
    for prefix, n in zip(("user_", ""), shape, strict=True):
        if found := layout(n, state, prefix):
            modalities = found[f"{prefix}content_widths"][1]
            out |= found | {f"{prefix}modality_weights": ("float64", modalities)}
    return out
