"""The model file: safetensors arrays with one JSON header, written atomically and read without pickle."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from ..._util.extras import require
from ..._util.files import written_beside
from ..inputs.histories import CSR, Array, csr, flaw

__all__ = ["FORMAT", "read", "read_header", "write"]

FORMAT = 1
_KEY = "attnrec"
_DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1"}
_FIX = "Fit the model again and save it, or take the file from where it was written"


def write(path: str | os.PathLike[str], model: str, params: dict[str, Any], state: dict[str, Any]) -> None:
    """Write a model's state to a temporary file, then move it to ``path``: a reader sees the old or the new file.

    ``state`` holds arrays, CSR matrices (stored as three arrays and a shape) and plain numbers or strings.
    """
    header: dict[str, Any] = {"format": FORMAT, "class": model, "params": params, "shapes": {}, "facts": {}}
    arrays: dict[str, Array] = {}
    for name, value in state.items():
        if hasattr(value, "indptr"):
            header["shapes"][name] = [int(n) for n in value.shape]
            arrays |= {f"{name}.{part}": getattr(value, part) for part in ("data", "indices", "indptr")}
        elif isinstance(value, np.ndarray):
            arrays[name] = value
        else:
            header["facts"][name] = value
    try:
        text = json.dumps(header, default=_plain, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{model} cannot be saved, a parameter is not a plain number, string or None: {error}"
        ) from None
    with written_beside(path) as beside:
        data = {name: np.ascontiguousarray(a) for name, a in arrays.items()}
        require("safetensors.numpy", extra="models").save_file(data, beside, metadata={_KEY: text})


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r:.60} is {type(value).__name__}")


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON header of a model file.

    Raises
    ------
    ValueError
        If the file is not a whole model file of this format; the message names it.
    """
    safetensors = require("safetensors", extra="models")
    if os.path.isdir(path):
        raise ValueError(f"{os.fspath(path)!r} is a folder: name the model file in it")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{os.fspath(path)!r} is truncated or no model file ({error}). {_FIX}") from None
    try:
        header = json.loads(metadata[_KEY])
    except (KeyError, ValueError, RecursionError):
        raise ValueError(f"{os.fspath(path)!r} holds tensors, but no model of attnrec. {_FIX}") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        got = header.get("format") if isinstance(header, dict) else None
        raise ValueError(
            f"{os.fspath(path)!r} has model format {got!r:.40}; this version of attnrec reads {FORMAT}. Fit the model "
            "again, or use the version of attnrec that wrote it"
        )
    kinds = {"class": str, "params": dict, "shapes": dict, "facts": dict}
    if any(not isinstance(header.get(key), kind) for key, kind in kinds.items()):
        raise ValueError(f"{os.fspath(path)!r} has a damaged header. {_FIX}")
    return header


def read(path: str | os.PathLike[str], *, mmap: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and state of a model file; with ``mmap`` the arrays stay in the file until they are touched.

    Raises
    ------
    ValueError
        If the file is truncated, of another format, or its arrays do not fit together; the message names it.
    """
    header = read_header(path)
    try:
        arrays = _arrays(path, mmap)
        state: dict[str, Any] = dict(header["facts"])
        state |= {name: _csr(name, arrays, shape) for name, shape in header["shapes"].items()}
        state |= arrays
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{os.fspath(path)!r} is damaged: {error}. {_FIX}") from None
    return header, state


def _arrays(path: str | os.PathLike[str], mmap: bool) -> dict[str, Array]:
    """Every array of the file. safetensors has checked by now that they lie inside it and do not overlap."""
    data = np.asarray(np.memmap(path, np.uint8, "r")) if mmap else np.fromfile(path, np.uint8)
    start = 8 + int(data[:8].view("<u8")[0])
    table = json.loads(data[8:start].tobytes())
    out = {}
    for name, entry in table.items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        if entry["dtype"] not in _DTYPES:
            raise ValueError(f"array {name!r} is of type {entry['dtype']}")
        array = np.require(data[start + first : start + last].view(_DTYPES[entry["dtype"]]), requirements="A")
        if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
            raise ValueError(f"array {name!r} holds values that are not finite")
        out[name] = array.reshape(entry["shape"])
    return out


def _csr(name: str, arrays: dict[str, Array], shape: Any) -> CSR:
    """Take three arrays out of ``arrays`` as one CSR matrix, sorted, within ``shape`` and without duplicates."""
    data, indices, indptr = (arrays.pop(f"{name}.{part}") for part in ("data", "indices", "indptr"))
    n_rows, n_cols = shape
    if type(n_rows) is not int or type(n_cols) is not int or n_rows < 0 or n_cols < 0:
        raise ValueError(f"{name} has shape {shape!r:.40}")
    if data.shape != indices.shape or indices.dtype != indptr.dtype:
        raise ValueError(f"the arrays of {name} do not fit together")
    if n_cols > np.iinfo(indices.dtype).max:
        raise ValueError(f"{name}: {n_cols} columns are too many for {indices.dtype} indices")
    problem = flaw(indptr, indices, (n_rows, n_cols))
    if problem is None and int(indptr[-1]) != len(indices):
        problem = "entries past the last row"
    if problem is None:
        rises = indices[1:] > indices[:-1]
        rises[indptr[1:-1][(indptr[1:-1] > 0) & (indptr[1:-1] < len(indices))] - 1] = True
        problem = None if np.all(rises) else "a row is not sorted or holds a column twice"
    if problem:
        raise ValueError(f"{name}: {problem}")
    return csr(data, indices, indptr, (n_rows, n_cols))
