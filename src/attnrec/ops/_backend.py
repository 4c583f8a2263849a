"""What the operations share: the forms of their inputs, and the way through the reference. Layer 1."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import config, reference
from ..index import ItemIndex

Array = np.ndarray[Any, np.dtype[Any]]
Metric = Literal["dot", "cosine"]


def uses_reference() -> bool:
    return config._backend == "reference"


def packed(x: Any) -> Any:
    """What stands for an :class:`ItemIndex` below; anything else as it is."""
    return x._snapshot.operand if isinstance(x, ItemIndex) else x


def _plain(x: Any) -> Any:
    """What the reference reads: arrays, and sparse matrices as CSR."""
    if isinstance(x, ItemIndex):
        return x.features
    return x.tocsr() if hasattr(x, "tocsr") and getattr(x, "format", "csr") != "csr" else x


def by_reference(op: str, *inputs: Any, out: Array | None = None, **options: Any) -> Any:
    """The reference's result in float32, in ``out`` if given."""
    read = {name: _plain(value) for name, value in options.items()}
    result = getattr(reference, op)(*map(_plain, inputs), dtype=np.float32, **read)
    if out is None:
        return result
    np.copyto(out, result[0] if isinstance(result, tuple) else result)
    return (out, *result[1:]) if isinstance(result, tuple) else out
