"""State of a fitted encoder as facts and arrays for files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._util.sparse import Array
from .columns import Modality
from .kinds.base import Block, State
from .kinds.registry import KINDS, load

__all__ = ["SETTINGS", "Learned", "pack", "unpack"]

_FORMAT = 1
SETTINGS = ("id", "separator", "weights", "min_df", "min_frequency", "max_features")
"""Parameters that are stored; the others follow from the modalities, and a sentence encoder is not stored."""


class Learned(NamedTuple):
    """Modalities with their blocks and weights, the column of ids, and columns without use and why."""

    modalities: list[Modality]
    blocks: list[Block]
    weights: list[float]
    id: str | None
    left_out: dict[str, str]


def pack(learned: Learned, params: Mapping[str, Any]) -> State:
    """Facts that JSON can hold, and arrays by ``position of the modality . name``."""
    parts: list[dict[str, Any]] = []
    arrays: dict[str, Array] = {}
    for k, (modality, block) in enumerate(zip(learned.modalities, learned.blocks, strict=True)):
        facts, found = block.state()
        parts.append(modality._asdict() | facts)
        arrays |= {f"{k}.{name}": array for name, array in found.items()}
    settings = {name: _plain(params[name]) for name in SETTINGS}
    return {"format": _FORMAT, "settings": settings, "id": learned.id, "modalities": parts}, arrays


def _plain(value: Any) -> Any:
    """Mappings as dicts and NumPy numbers as Python's."""
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return value.item() if hasattr(value, "item") else value


def unpack(facts: Any, arrays: dict[str, Any], encoder: Any) -> tuple[dict[str, Any], Learned]:
    """The parameters and what was learned, weights aside; ``arrays`` is emptied.

    Raises
    ------
    ValueError
        If these are not what :func:`pack` gives; the message says what is wrong.
    """
    if not isinstance(facts, dict) or facts.get("format") != _FORMAT:
        raise ValueError(f"want facts of format {_FORMAT}, got {facts!r:.60}")
    settings, parts, id = (facts.get(name) for name in ("settings", "modalities", "id"))
    if not isinstance(settings, dict) or set(settings) != set(SETTINGS):
        raise ValueError(f"its settings are {settings!r:.60}, not {', '.join(SETTINGS)}")
    if not isinstance(parts, list) or not parts or not (id is None or isinstance(id, str)):
        raise ValueError(f"its modalities are {parts!r:.40} and its column of ids is {id!r:.40}")
    loaded = []
    for k, part in enumerate(parts):
        own = {name: arrays.pop(name) for name in list(arrays) if str(name).startswith(f"{k}.")}
        loaded.append(load(part, {name.partition(".")[2]: array for name, array in own.items()}, encoder))
    if arrays:
        raise ValueError(f"it has arrays that belong to nothing: {', '.join(map(str, arrays))}")
    modalities = [modality for modality, _ in loaded]
    if len({modality.name for modality in modalities}) < len(modalities):
        raise ValueError("two modalities have one name")
    kinds = {kind: {m.name: m.columns for m in modalities if m.kind == kind} or () for kind in KINDS}
    return kinds | settings | {"encoder": encoder}, Learned(modalities, [block for _, block in loaded], [], id, {})
