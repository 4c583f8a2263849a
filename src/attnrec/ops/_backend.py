"""Shared code of the operations: reading of inputs, and calls of the reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from .. import config, reference
from .._util import matrices
from .._util.arraylike import as_floats, native
from .._util.outputs import check_output
from ..index.item_index import ItemIndex

Array = np.ndarray[Any, np.dtype[Any]]
Metric = Literal["dot", "cosine"]


def uses_reference() -> bool:
    return config.backend() == "reference"


def packed(x: Any) -> Any:
    """What stands for an :class:`ItemIndex` below; anything else as it is."""
    return x._snapshot.operand if isinstance(x, ItemIndex) else x


def read(op: str, name: str, x: Any, *, values: bool = True) -> Any:
    """A sparse matrix as the core and the reference read it, by the rule of ``_util/matrices.py``; all else as it is.

    They check CSR themselves and add up in float64 what is repeated, so a CSR matrix of values that float32 holds
    exactly, or of which only the pattern counts, is handed on: it is neither copied nor walked through here.
    """
    if x is None or isinstance(x, np.ndarray) or not matrices.is_sparse(x):
        return x
    if getattr(x, "format", "csr") == "csr" and len(x.shape) == 2:
        dtype = x.data.dtype if values else np.dtype(np.float32)
        if dtype == np.float32 or (dtype.kind in "biuf" and dtype.itemsize <= 2):
            return x
    if not values:
        return matrices.pattern(f"{op}: {name}", x, row=True)
    found = matrices.matrix(f"{op}: {name}", x, row=True)
    return replace(found, shape=tuple(x.shape))  # one row stays one: its result has one axis


def _plain(x: Any) -> Any:
    """What the reference reads: the rows of an :class:`ItemIndex`, array-likes as arrays, else as it is."""
    return x.features if isinstance(x, ItemIndex) else native(x)


def _operand(op: str, x: Any) -> Any:
    """A positional input, which has to be real: NumPy would pass over what is imaginary."""
    x = _plain(x)
    return x if x is None or matrices.is_sparse(x) else as_floats(x, f"{op}: an input", None)


def by_reference(op: str, *inputs: Any, out: Array | None = None, **options: Any) -> Any:
    """The reference's result in float32, in ``out`` if given."""
    if out is not None:
        check_output(f"{op}: out", out, np.float32, inputs=inputs)
    read = {name: _plain(value) for name, value in options.items()}
    result = getattr(reference, op)(*(_operand(op, x) for x in inputs), dtype=np.float32, **read)
    if out is None:
        return result
    first = result[0] if isinstance(result, tuple) else result
    check_output(f"{op}: out", out, np.float32, first.shape)
    out[...] = first
    return (out, *result[1:]) if isinstance(result, tuple) else out
