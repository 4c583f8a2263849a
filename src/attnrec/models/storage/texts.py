"""Lists of texts as a model file holds them: their UTF-8 one after the other, and where each ends. Knows no ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..inputs.histories import Array

__all__ = ["packed", "unpacked"]

_ERRORS = "surrogatepass"  # a lone surrogate, of a name of a file, comes back as it was


def packed(key: str, texts: Sequence[str]) -> dict[str, Array]:
    """Arrays ``key.text`` of bytes and ``key.ends`` of offsets in bytes, so that C reads a text where it lies."""
    each = [text.encode("utf-8", _ERRORS) for text in texts]
    ends = np.cumsum([len(text) for text in each], dtype=np.int64)
    return {f"{key}.text": np.frombuffer(b"".join(each), np.uint8), f"{key}.ends": ends}


def unpacked(text: Any, ends: Any) -> list[str]:
    """The texts of :func:`packed`.

    Raises
    ------
    ValueError
        If the arrays are damaged, or do not fit each other.
    """
    if getattr(text, "dtype", None) != np.uint8 or text.ndim != 1:
        raise ValueError("its texts are no bytes")
    if getattr(ends, "dtype", None) != np.int64 or ends.ndim != 1 or (np.diff(ends, prepend=0) < 0).any():
        raise ValueError("its texts end where none can")
    if len(text) != (int(ends[-1]) if len(ends) else 0):
        raise ValueError("its texts do not fit their lengths")
    whole = text.tobytes()
    starts = [0, *ends[:-1].tolist()]
    return [whole[start:end].decode("utf-8", _ERRORS) for start, end in zip(starts, ends.tolist(), strict=False)]
