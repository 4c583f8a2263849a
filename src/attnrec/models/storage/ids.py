"""Outside ids and titles in a model file: numbers, text, or JSON of each."""

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
from . import texts

__all__ = ["holds", "packed", "taken"]

_KEYS = {"user": "user ids", "item": "item ids"}
_TITLES, _FEEDBACK = "item titles", "interactions"


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
        elif all(type(name) is str for name in ids):
            out |= {key: "texts", **texts.packed(key, list(ids))}
        elif holds(ids):
            told = [json.dumps(None if isinstance(name, Unnamed) else name) for name in ids]
            out |= {key: "json", **texts.packed(key, told)}
        else:
            lost.append(side)
    if lost:
        out = {}
    if outside.titles is not None:
        out |= {_TITLES: "texts", **texts.packed(_TITLES, outside.titles)}
    if outside.explicit is not None:
        out[_FEEDBACK] = "explicit" if outside.explicit else "implicit"
    return out, lost


def holds(ids: Ids) -> bool:
    """Whether a file can hold these ids."""
    return ids.to_numpy().dtype.kind in "iu" or all(isinstance(name, Unnamed) or _fits(name) for name in ids)


def _fits(name: Any) -> bool:
    if type(name) is tuple:
        return all(map(_fits, name))
    return type(name) in (int, str, bool) or (type(name) is float and math.isfinite(name))


def taken(state: dict[str, Any]) -> Outside:
    """What :func:`packed` wrote, which is taken out of ``state``.

    Raises
    ------
    ValueError
        If it is damaged, or does not fit the histories; TypeError if one cannot be an id.
    """
    found: dict[str, Any] = {}
    shape = getattr(state.get("histories"), "shape", (0, 0))
    for (side, key), n in zip(_KEYS.items(), shape, strict=True):
        kind, parts = _entry(state, key)
        if kind is None and all(part is None for part in parts.values()):
            continue
        values = _values(kind, parts)
        if values.shape != (n,) or not _distinct(values):
            raise ValueError(f"its {key} are not {n} distinct ones")
        found[side] = Ids._trusted(values)
    if len(found) < len(_KEYS):
        found = {}
    kind, parts = _entry(state, _TITLES)
    if kind is not None or any(part is not None for part in parts.values()):
        if kind != "texts":
            raise ValueError(f"its {_TITLES} of kind {kind!r:.40} are damaged")
        found["titles"] = tuple(texts.unpacked(parts["text"], parts["ends"]))
        if len(found["titles"]) != shape[1]:
            raise ValueError(f"its {_TITLES} are {len(found['titles'])} for {shape[1]} items")
    feedback = state.pop(_FEEDBACK, None)
    if feedback not in (None, "explicit", "implicit"):
        raise ValueError(f"its {_FEEDBACK} are {feedback!r:.40}")
    return Outside(**found, explicit=None if feedback is None else feedback == "explicit")


def _entry(state: dict[str, Any], key: str) -> tuple[Any, dict[str, Any]]:
    return state.pop(key, None), {part: state.pop(f"{key}.{part}", None) for part in ("numbers", "text", "ends")}


def _values(kind: Any, parts: dict[str, Any]) -> Array:
    if kind == "integers" and getattr(parts["numbers"], "dtype", None) == np.int64:
        return np.asarray(parts["numbers"])
    if kind not in ("texts", "json"):
        raise ValueError(f"its ids of kind {kind!r:.40} are damaged")
    told = texts.unpacked(parts["text"], parts["ends"])
    try:
        return object_array(
            told if kind == "texts" else [_name(json.loads(text), row) for row, text in enumerate(told)]
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
