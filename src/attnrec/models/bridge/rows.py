"""Rows of content for a bridge, in the order of its vectors, and attention-weighted sums of values."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..._util.arraylike import native
from ...data.alignment import Alignment
from ...data.ids import Ids
from ..content import fusion
from ..inputs.histories import CSR, Array, no_rows
from ..inputs.outside import Outside

__all__ = ["count", "in_order", "product", "unit"]

_TOGETHER = 32  # known items whose values are added up in float32


def product(k: Array, values: Array) -> Array:
    """``k values``, (b, d) float64: values of opposite signs nearly cancel, so few are added up in float32."""
    out = np.zeros((len(k), values.shape[1]))
    for start in range(0, len(values), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        out += ops.predict_ratings(np.ascontiguousarray(k[:, some]), values[some], check_finite=False)
    return out


def unit(known: fusion.Content, weights: Array) -> CSR:
    """Rows of length 1 whose products are the similarity of content; empty where nothing that counts is known."""
    counts = zip(known.blocks.items(), weights, strict=True)
    used = fusion.Content({name: block for (name, block), weight in counts if weight > 0})
    return fusion.fused(no_rows(len(used.present()), 0), used, weights[weights > 0], 1.0)


def in_order(item_features: object, ids: object, n: int) -> tuple[object, dict[str, Alignment]]:
    """Features with a row for each of ``n`` vectors, by ``ids`` where both have ids, and what became of them."""
    items = ids if ids is None or isinstance(ids, Ids) else Ids(ids)
    if items is not None and len(items) != n:
        raise ValueError(f"ids has {len(items)} entries for {n} rows of item_vectors: give one for each")
    found, report = Outside(item=items).features({"item_features": item_features}, (0, n))
    return found["item_features"], report


def count(given: object) -> int:
    """Rows of what was given, of whatever form; 0 where it has none."""
    x = native(getattr(given, "features", given))
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape else len(x) if hasattr(x, "__len__") else 0
