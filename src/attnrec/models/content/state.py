"""Content of users or items in the state of a model: blocks, weights and names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np

from ..inputs.histories import CSR, Array
from ..storage.fields import of
from . import fusion

__all__ = ["Held", "HeldSide", "Side", "Sides", "of_queries", "rows_of", "taken", "updated", "widths_of"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Held:
    """Content as a state holds it.

    Attributes
    ----------
    content
        The blocks of the modalities side by side.
    content_widths
        Columns of each.
    modalities
        Their names, as JSON.
    """

    content: Annotated[CSR, of("float32", "rows", "columns")]
    content_widths: Annotated[Array, of("int64", "modality")]
    modalities: str

    @property
    def known(self) -> fusion.Content:
        """By modality."""
        return fusion.stored(self.modalities, self.content_widths, self.content)

    def check(self) -> None:
        """Raise ValueError unless names and widths fit the columns."""
        names, widths = json.loads(self.modalities), self.content_widths
        if not isinstance(names, list) or len(names) != len(widths) or np.any(widths < 1):
            raise ValueError("the widths of its modalities do not fit their names")
        if int(widths.sum()) != self.content.shape[1]:
            raise ValueError("the widths of its modalities do not fit their columns")


def widths_of(known: fusion.Content) -> Array:
    """Columns of each modality."""
    return np.array([block.shape[1] for block in known.blocks.values()], dtype=np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldSide(Held):
    """Content that counts beside the histories.

    Attributes
    ----------
    content_names
        What the columns are called, as JSON, if they have names.
    modality_weights
        How much each modality counts, adding up to 1.
    """

    content_names: str | None = None
    modality_weights: Annotated[Array, of("float64", "modality")]

    @classmethod
    def of(cls, side: Side | None) -> Self | None:
        """As a state holds it, if there is any."""
        if side is None:
            return None
        names = side.known.names
        return cls(
            content=side.known.joined(),
            content_widths=widths_of(side.known),
            modalities=json.dumps(list(side.known.blocks)),
            content_names=None if names is None else json.dumps(names),
            modality_weights=side.weights,
        )

    @property
    def known(self) -> fusion.Content:
        """By modality, with names."""
        known = super().known
        return known if self.content_names is None else fusion.Content(known.blocks, json.loads(self.content_names))

    def check(self) -> None:
        """Raise ValueError unless names and widths fit the columns."""
        super().check()
        names = None if self.content_names is None else json.loads(self.content_names)
        if names is not None and (not isinstance(names, list) or len(names) != self.content.shape[1]):
            raise ValueError("the names of its features do not fit their columns")


def taken(name: str, given: object, n: int, what: str) -> fusion.Content | None:
    """What ``fit`` was given of users or of items, checked."""
    return None if given is None else fusion.content(name, given, n, what)


def updated(name: str, held: Held | None, ids: Array, given: object, n: int) -> fusion.Content | None:
    """The content of ``n`` items or users: what is held, but ``ids`` have what is given.

    Raises
    ------
    ValueError
        If something is given to a model without content.
    """
    if held is None and given is not None:
        raise ValueError(f"{name}: the model was fitted without any; fit it with {name} first")
    return None if held is None else held.known.with_rows(name, ids, given, n)


def of_queries(held: Held | None, given: object, n: int) -> CSR:
    """Features of ``n`` users who ask, checked: the blocks side by side, for :func:`rows_of`."""
    if held is None:
        raise ValueError("user_features: the model was fitted without any; fit it with user_features first")
    return fusion.content("user_features", given, n, "of userid", like=held.known).joined()


def rows_of(held: Held | None, joined: CSR | Array | None) -> fusion.Content | None:
    """Rows of what :func:`of_queries` gives, by modality; None unless users brought any."""
    if held is None or joined is None or isinstance(joined, np.ndarray):
        return None
    return fusion.stored(held.modalities, held.content_widths, joined)


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

    @classmethod
    def held(cls, held: HeldSide | None, share: float | None) -> Self | None:
        """From what a state holds of it."""
        return None if held is None else cls(held.known, share or 0.0, held.modality_weights)

    def fused(self, rows: CSR, known: fusion.Content | None = None) -> CSR:
        """Unit rows of histories and content, those of ``known`` unless it is None; see :func:`fusion.fused`."""
        return fusion.fused(rows, self.known if known is None else known, self.weights, self.share)


Sides = tuple[Side | None, Side | None]  # users, items
