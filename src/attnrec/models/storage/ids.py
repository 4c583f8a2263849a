"""Outside ids in a model file: numbers, text, or JSON of each."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ...data.alignment import Unnamed
from ...data.factorize import object_array
from ...data.ids import Ids
from ..inputs.histories import Array
from ..inputs.outside import Outside

__all__ = ["packed", "taken"]

_KEYS = {"user": "user ids", "item": "item ids"}
_ERRORS = "surrogatepass"


def packed(outside: Outside) -> tuple[dict[str, Any], list[str]]:
    """Entries of a file, and the sides whose ids it can not hold, since one is neither a number nor text nor a tuple of
    these."""
    out: dict[str, Any] = {}
    lost = []
    for side, key in _KEYS.items():
        ids: Ids | None = getattr(outside, side)
        if ids is None:
            continue
        values = ids.to_numpy()
        if values.dtype == np.int64:
            out |= {key: "integers", f"{key}.numbers": values}
            continue
        names = values.tolist()
        if all(type(name) is str for name in names):
            kind, texts = "texts", names
        elif all(isinstance(name, Unnamed) or _fits(name) for name in names):
            kind, texts = "json", [json.dumps(None if isinstance(name, Unnamed) else name) for name in names]
        else:
            lost.append(side)
            continue
        whole = "".join(texts).encode("utf-8", _ERRORS)
        ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
        out |= {key: kind, f"{key}.text": np.frombuffer(whole, np.uint8), f"{key}.ends": ends}
    return out, lost


def _fits(name: Any) -> bool:
    if type(name) is tuple:
        return all(map(_fits, name))
    return type(name) in (int, str, bool) or (type(name) is float and math.isfinite(name))


def taken(state: dict[str, Any]) -> Outside:
    """The ids of :func:`packed`, which are taken out of ``state``.

    Raises
    ------
    ValueError
        If they are damaged, or do not fit the histories; TypeError if one cannot be an id.
    """
    found: dict[str, Ids] = {}
    for (side, key), n in zip(_KEYS.items(), getattr(state.get("histories"), "shape", (0, 0)), strict=True):
        kind = state.pop(key, None)
        parts = {part: state.pop(f"{key}.{part}", None) for part in ("numbers", "text", "ends")}
        if kind is None and all(part is None for part in parts.values()):
            continue
        values = _values(kind, parts)
        if values.shape != (n,) or not _distinct(values):
            raise ValueError(f"its {key} are not {n} distinct ones")
        found[side] = Ids._trusted(values)
    return Outside(**found) if len(found) == len(_KEYS) else Outside()


def _values(kind: Any, parts: dict[str, Any]) -> Array:
    if kind == "integers" and getattr(parts["numbers"], "dtype", None) == np.int64:
        return np.asarray(parts["numbers"])
    text, ends = parts["text"], parts["ends"]
    fine = kind in ("texts", "json") and getattr(text, "dtype", None) == np.uint8 and text.ndim == 1
    if not fine or getattr(ends, "dtype", None) != np.int64 or ends.ndim != 1 or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError(f"its ids of kind {kind!r:.40} are damaged")
    whole = text.tobytes().decode("utf-8", _ERRORS)
    if len(whole) != (int(ends[-1]) if len(ends) else 0):
        raise ValueError("its ids do not fit their lengths")
    starts = [0, *ends[:-1].tolist()]
    texts = [whole[start:end] for start, end in zip(starts, ends.tolist(), strict=False)]
    try:
        return object_array(
            texts if kind == "texts" else [_name(json.loads(text), row) for row, text in enumerate(texts)]
        )
    except RecursionError:
        raise ValueError("its ids are damaged: tuples of tuples without end") from None


def _distinct(values: Array) -> bool:
    if values.dtype == np.int64:
        return len(np.unique(values)) == len(values)
    return len(set(values.tolist())) == len(values)  # TypeError for what no id can be


def _name(value: Any, row: int) -> Any:
    if value is None:
        return Unnamed(row)
    return tuple(_name(each, row) for each in value) if isinstance(value, list) else value
