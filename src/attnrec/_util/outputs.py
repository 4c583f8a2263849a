"""Checks of output arrays that callers pass as ``out``, made before anything is written. Imports NumPy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["check_ids", "check_output"]

Array = np.ndarray[Any, np.dtype[Any]]


def check_output(
    name: str, out: Any, dtype: Any, shape: tuple[int, ...] | None = None, *, inputs: tuple[Any, ...] = ()
) -> None:
    """Refuse what the compiled operations refuse, where NumPy would round, cut off, repeat or write over an input.

    Raises
    ------
    TypeError
        If ``out`` is no NumPy array of ``dtype``.
    ValueError
        If it has another shape, gaps, no alignment, is read-only, or shares memory with one of ``inputs``.

    Examples
    --------
    >>> check_output("topk: out.ids", np.empty(3, np.int32), np.int64)
    Traceback (most recent call last):
        ...
    TypeError: topk: out.ids has to be a writeable C-contiguous int64 array; it is int32
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} is not a numpy array")
    of_shape = "" if shape is None else f" of shape {shape}"
    wanted = f"{name} has to be a writeable C-contiguous {np.dtype(dtype)} array{of_shape}; it"
    if out.dtype != dtype:
        raise TypeError(f"{wanted} is {out.dtype}")
    if shape is not None and out.shape != shape:
        raise ValueError(f"{wanted} has shape {out.shape}")
    flags = {"strided": out.flags.c_contiguous, "not aligned": out.flags.aligned, "read-only": out.flags.writeable}
    for state, good in flags.items():
        if not good:
            raise ValueError(f"{wanted} is {state}")
    if any(isinstance(x, np.ndarray) and np.may_share_memory(out, x) for x in inputs):
        raise ValueError(f"{name} overlaps an input; give memory of its own")


def check_ids(name: str, out: Any, largest: int) -> None:
    """Refuse an array of ids that the largest id does not fit in; other arrays are checked elsewhere.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> check_ids("topk: out.ids", np.empty(3, np.int32), 2**33)
    Traceback (most recent call last):
        ...
    ValueError: topk: out.ids is int32, which cannot hold the id 8589934592 of the index; give np.empty((3,), np.int64)
    """
    if isinstance(out, np.ndarray) and out.dtype == np.int32 and largest > np.iinfo(np.int32).max:
        raise ValueError(
            f"{name} is int32, which cannot hold the id {largest} of the index; give np.empty({out.shape}, np.int64)"
        )
