"""Encoders of raw tables that a model keeps: from the features of the fit, in its file, and applied to new tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..inputs.histories import Array

if TYPE_CHECKING:
    from ...features import FeatureEncoder

__all__ = ["Encoders"]

_SIDES = ("item_features", "user_features")
_KEY = "encoder of "

State = tuple[dict[str, Any], dict[str, Array]]


@dataclass(frozen=True)
class Encoders:
    """What encodes each of ``item_features`` and ``user_features``, as far as it is known.

    packed : their :meth:`attnrec.features.FeatureEncoder.state`, by side
    ready : those that work; a sentence encoder is not stored, so one that needs it works once it is handed back
    """

    packed: dict[str, State] = field(default_factory=dict)
    ready: dict[str, FeatureEncoder] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Encoders:
        """Those that made these inputs of ``fit``."""
        ready = {side: encoder for side in _SIDES if (encoder := getattr(inputs.get(side), "encoder", None))}
        return cls({side: encoder.state() for side, encoder in ready.items()}, ready)

    def entries(self) -> dict[str, Any]:
        """What a file stores of them: facts, and arrays by name."""
        out: dict[str, Any] = {}
        for side, (facts, arrays) in self.packed.items():
            out[_KEY + side] = facts
            out |= {f"{_KEY}{side}.{name}": array for name, array in arrays.items()}
        return out

    @classmethod
    def taken(cls, state: dict[str, Any], encoder: Any) -> Encoders:
        """Those of :meth:`entries`, which are taken out of ``state``; ``encoder`` is the sentence encoder, if any.

        Raises
        ------
        ValueError
            If they are damaged, or ``encoder`` is not the one they were fitted with.
        """
        from ...features import FeatureEncoder

        packed, ready = {}, {}
        for side in _SIDES:
            facts = state.pop(_KEY + side, None)
            prefix = f"{_KEY}{side}."
            arrays = {name[len(prefix) :]: state.pop(name) for name in list(state) if name.startswith(prefix)}
            if facts is None and not arrays:
                continue
            packed[side] = (facts, arrays)
            parts = facts.get("modalities") if isinstance(facts, dict) else None
            told = isinstance(parts, list) and any(isinstance(part, dict) and "encoder" in part for part in parts)
            if encoder is not None or not told:
                ready[side] = FeatureEncoder.from_state(facts, arrays, encoder if told else None)
        return cls(packed, ready)

    def encoded(self, side: str, given: Any, *, ids: bool | None = None) -> Any:
        """Features of a raw table, with ids where it has any (``ids=False``: without), and anything else as it is.

        Raises
        ------
        TypeError
            If it is a table that only an encoder can read, and the model has none.
        ValueError
            If the sentence encoder was not handed back, or the table does not have the columns.
        """
        if not _raw(given, side in self.packed):
            return given
        if side not in self.packed:
            raise TypeError(
                f"{side} is a table ({type(given).__name__}), and the model keeps no encoder for it: fit it with "
                f"{side}=FeatureEncoder(...).fit_transform(table), or pass a matrix"
            )
        if side not in self.ready:
            names = [part["name"] for part in self.packed[side][0]["modalities"] if "encoder" in part]
            raise ValueError(
                f"{side}: text of {', '.join(names)} was encoded by a sentence encoder, which no file stores: load the "
                "model with encoder=, the object (or a dict of modality -> object) that encoded it"
            )
        return self.ready[side].transform(given, ids=ids)


def _raw(given: Any, known: bool) -> bool:
    """Whether this is a table to encode: where there is an encoder, data frames are."""
    if given is None or hasattr(given, "features"):
        return False
    if isinstance(given, (Mapping, str, os.PathLike)):
        return True
    return known and (hasattr(given, "columns") or hasattr(given, "column_names") or hasattr(given, "titles"))
