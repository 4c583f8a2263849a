"""Conversion of array-likes of any library to NumPy arrays. Imports NumPy alone."""

from __future__ import annotations

import ctypes
import math
import re
from typing import Any

import numpy as np

__all__ = ["as_floats", "as_integers", "as_numpy", "chosen", "is_array_like", "native", "whole_numbers"]

Array = np.ndarray[Any, np.dtype[Any]]

_PROTOCOLS = ("__array__", "__dlpack__", "__array_interface__", "__array_struct__", "__cuda_array_interface__")
# Columns that Arrow and data frames read themselves, with what NumPy has no word for: missing values, categories.
_COLUMNS = (
    "__arrow_array__",
    "__arrow_c_array__",
    "__arrow_c_stream__",
    "to_arrow",
    "to_pylist",
    "to_list",
    "_from_sequence",  # pandas' interface of columns
)
_HOST = {1, 3, 11}  # DLPack's numbers of devices whose memory the processor reads: its own, and pinned by CUDA or ROCm
_DEVICES = {2: "a CUDA device", 8: "a Metal device", 10: "a ROCm device", 14: "a oneAPI device"}
_LARGEST = np.iinfo(np.int64).max
_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,30}").fullmatch
_BFLOAT = 4  # DLPack's code of bfloat16


def is_array_like(x: Any) -> bool:
    """Whether ``x`` speaks a protocol of arrays, and is neither a NumPy array nor a column of a frame.

    Examples
    --------
    >>> is_array_like(np.float32(1)), is_array_like(np.ones(2)), is_array_like([1, 2])
    (True, False, False)
    """
    return (
        not isinstance(x, (np.ndarray, type))
        and any(hasattr(x, name) for name in _PROTOCOLS)
        and not any(hasattr(x, name) for name in _COLUMNS)
    )


def native(x: Any, name: str = "the argument") -> Any:
    """Array-likes and buffers as NumPy arrays; columns of frames, lists and whatever else there is as they are.

    Examples
    --------
    >>> native(memoryview(b"ab")).tolist(), native(["a"])
    ([97, 98], ['a'])
    """
    if isinstance(x, np.ndarray):
        return _widened(x)
    if isinstance(x, (list, tuple, str, bytes, range, dict, set, frozenset)):
        return x
    return _read(x, name) if is_array_like(x) or _is_buffer(x) else x


def as_numpy(x: Any, name: str = "the argument") -> Array:
    """Anything that stands for an array as a NumPy array: array-likes, buffers, columns, numbers, and lists of these.

    What NumPy has a dtype for keeps it and is not copied; bfloat16 becomes float32, which holds it exactly.

    Parameters
    ----------
    x : array_like, or anything with ``__array__``, ``__dlpack__``, ``__array_interface__`` or a buffer
    name : str
        Of the argument, for messages.

    Raises
    ------
    ValueError
        If it lies on another device, or is ragged; the message names the argument.
    TypeError
        If it cannot be read: a tensor that wants a gradient, or whose numbers NumPy has no dtype for, such as float8.

    Examples
    --------
    >>> as_numpy([np.array(1), np.array(2)])
    array([1, 2])
    """
    if isinstance(x, np.ndarray):
        return _widened(x)
    if is_array_like(x):
        return _read(x, name)
    if isinstance(x, (list, tuple)) and any(map(is_array_like, x)):
        x = [_read(part, f"{name}[{at}]") if is_array_like(part) else part for at, part in enumerate(x)]
    return _widened(_said(lambda: np.asarray(x), name))


def as_floats(x: Any, name: str, dtype: Any = np.float64) -> Array:
    """Real numbers of any kind as ``dtype``, or as they are for None; too large for it become infinite.

    Raises
    ------
    TypeError
        If they are not real numbers (complex ones, text, dates).

    Examples
    --------
    >>> as_floats([1, True], "x")
    array([1., 1.])
    """
    out = as_numpy(x, name)
    if out.dtype.kind not in "biufO":
        raise TypeError(
            f"{name} has dtype {out.dtype}, which is not real; give numbers that convert to {np.dtype(dtype)}"
        )
    if dtype is None:
        return out
    with np.errstate(over="ignore"):
        return _said(lambda: out.astype(dtype, copy=False), name)


def as_integers(x: Any, name: str, want: str = "give integers") -> Array:
    """Integers of any kind as int64; an empty list, which NumPy makes float64, holds none that are not.

    Raises
    ------
    TypeError
        If they are not integers.
    ValueError
        If one is past int64.

    Examples
    --------
    >>> as_integers(np.array([7], np.uint64), "ids"), as_integers([], "ids")
    (array([7]), array([], dtype=int64))
    """
    out = as_numpy(x, name)
    if out.size and out.dtype.kind not in "iu":
        whole = _whole(x if isinstance(x, (list, tuple)) else out)
        if whole is None:
            raise TypeError(f"{name} has dtype {out.dtype}; {want}")
        out = whole
    if out.size and out.dtype.kind in "uO" and (out.max() > _LARGEST or out.min() < -_LARGEST - 1):
        past = out.max() if out.max() > _LARGEST else out.min()
        raise ValueError(f"{name} holds {past}, which is past int64 and so past every id")
    return out.astype(np.int64, copy=False)


def chosen(x: Any, n: int, name: str) -> Array | None:
    """Ids, or a mask over n things, as ids in 0 .. n - 1; None is None.

    Raises
    ------
    TypeError, ValueError
        If they are neither, an id is out of range, or the mask has another length.

    Examples
    --------
    >>> chosen([True, False, True], 3, "items").tolist(), chosen([1], 3, "items").tolist()
    ([0, 2], [1])
    """
    if x is None:
        return None
    given = as_numpy(x, name)
    if given.dtype == bool and given.shape != (n,):
        raise ValueError(f"{name} is a mask of shape {given.shape} for {n} items; give one value for each item")
    ids = np.flatnonzero(given) if given.dtype == bool else as_integers(given, name, "ids are integers")
    if ids.ndim != 1:
        raise ValueError(f"{name} has shape {ids.shape}; give a list of ids")
    bad = np.flatnonzero((ids < 0) | (ids >= n))
    if len(bad):
        raise ValueError(f"{name}[{bad[0]}] is {ids[bad[0]]}, but there are {n} rows, counted from 0")
    return ids


def _whole(x: Any) -> Array | None:
    """A list or an array of Python's integers, to which NumPy gives another dtype where some are past int64."""
    if isinstance(x, np.ndarray) and x.dtype != object:
        return None
    values = x.ravel().tolist() if isinstance(x, np.ndarray) else list(x)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in values):
        return None
    return np.array(values, dtype=object).reshape(x.shape if isinstance(x, np.ndarray) else len(values))


def whole_numbers(texts: list[str]) -> list[int] | None:
    """The integers that texts spell, if all do so plainly; "0101", "+1", " 1" and "1.0" could not be turned back.

    Examples
    --------
    >>> whole_numbers(["101", "-2"]), whole_numbers(["101", "007"])
    ([101, -2], None)
    """
    return [int(text) for text in texts] if all(map(_PLAIN_INTEGER, texts)) else None


def _read(x: Any, name: str) -> Array:
    """What speaks a protocol, or is a buffer."""
    device = _device(x)
    if device is not None and device not in _HOST:
        where = getattr(x, "device", _DEVICES.get(device, f"a device of DLPack's kind {device}"))
        raise ValueError(f"{name} is on {where}; this computes on the CPU: copy it there first (.cpu(), .get())")
    only_dlpack = hasattr(x, "__dlpack__") and not any(hasattr(x, p) for p in _PROTOCOLS if p != "__dlpack__")
    on_gpu = not any(hasattr(x, protocol) for protocol in _PROTOCOLS[:-1]) and hasattr(x, _PROTOCOLS[-1])
    if on_gpu:
        raise ValueError(f"{name} is in the memory of a GPU; this computes on the CPU: copy it there first (.get())")
    try:
        out = np.from_dlpack(x) if only_dlpack else np.asarray(x)
    except MemoryError:
        raise
    except Exception as error:
        found = _bfloat16(x)
        if found is not None:
            return found
        raise _unreadable(name, error) from error
    if type(x) is not type(out) and out.dtype == object and out.ndim == 0 and out[()] is x:
        raise TypeError(f"{name} can not be read as an array: {type(x).__name__} gives no numbers to NumPy")
    return _widened(out)


def _device(x: Any) -> int | None:
    """DLPack's number of the device that has the memory; None where it is not told."""
    try:
        return int(x.__dlpack_device__()[0])
    except Exception:  # not there, or of a device that DLPack does not know: reading says what is wrong
        return None


def _said(read: Any, name: str) -> Array:
    """What ``read`` gives, or an error that names the argument."""
    try:
        out: Array = read()
    except MemoryError:
        raise
    except Exception as error:  # ragged lists, tensors that will not be read
        raise _unreadable(name, error) from error
    return out


def _unreadable(name: str, error: Exception) -> Exception:
    kind = ValueError if isinstance(error, ValueError) else TypeError
    return kind(f"{name} can not be read as an array: {error}")


def _widened(x: Array) -> Array:
    """bfloat16, which packages add to NumPy, as float32."""
    return x.astype(np.float32) if x.dtype.kind == "V" and x.dtype.name == "bfloat16" else x


def _is_buffer(x: Any) -> bool:
    try:
        memoryview(x).release()
    except (TypeError, ValueError, BufferError):
        return False
    return True


class _Tensor(ctypes.Structure):
    """DLPack's DLTensor, which DLManagedTensor begins with."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", ctypes.c_int32 * 2),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _bfloat16(x: Any) -> Array | None:
    """A bfloat16 array, which ``np.from_dlpack`` refuses, as float32; None for anything else.

    The capsule keeps its name, so that the memory is given back with it.
    """
    try:
        capsule = x.__dlpack__()
        tensor = _Tensor.from_address(_pointer(capsule, b"dltensor"))
    except Exception:
        return None
    if (tensor.code, tensor.bits, tensor.lanes) != (_BFLOAT, 16, 1):
        return None
    ndim = tensor.ndim
    shape = tuple(tensor.shape[:ndim]) if ndim else ()
    if 0 in shape:
        return np.zeros(shape, np.float32)
    if tensor.strides and ndim:
        strides = tuple(2 * step for step in tensor.strides[:ndim])
    else:  # row by row
        strides = tuple(2 * math.prod(shape[axis + 1 :]) for axis in range(ndim))
    first = np.ctypeslib.as_array(ctypes.c_uint16.from_address(tensor.data + tensor.byte_offset))
    bits = np.lib.stride_tricks.as_strided(first, shape, strides).astype(np.uint32)
    bits <<= np.uint32(16)
    return bits.view(np.float32)
