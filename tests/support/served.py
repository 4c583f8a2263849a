"""Models for the C interface to serve, and a small C program that does, called from Python. Holds no test."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

import attnrec
from attnrec.models import (
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    Recommender,
    SoftmaxRecommender,
)
from attnrec.models.storage.model_file import read_header
from estimators import ITEMS, USERS, made
from toolchain import c_compiler, run, shared_flags

INVALID = 1
R = np.random.default_rng(3)
FEATURES = {"item_features": R.random((ITEMS, 4)), "user_features": R.random((USERS, 3))}
CONTENT = {"item_features": FEATURES["item_features"]}

# An estimator, what it is fitted with beside histories, and how far scores may be from Python's, by the largest.
# Free users take ten steps, of which one that hardly changes the loss is taken or not as rounding has it.
SERVED: dict[str, tuple[Callable[[], Recommender], dict[str, Any], float]] = {
    "neighbours": (NeighbourAttention, {}, 0),
    "neighbours, raw": (lambda: NeighbourAttention(features="raw", damping=0.0), {}, 0),
    "neighbours, binary": (lambda: NeighbourAttention(features="binary", mean_damping=0.0), {}, 0),
    "kernel": (KernelAttentionRecommender, {}, 1e-6),
    "kernel, item": (lambda: KernelAttentionRecommender(based_on="items"), {}, 0),
    "kernel, both": (lambda: KernelAttentionRecommender(based_on="both"), {}, 1e-6),
    "kernel, content": (lambda: KernelAttentionRecommender(based_on="items"), CONTENT, 0),
    "regressor": (KernelAttentionRegressor, {}, 1e-5),
    "regressor, one pass": (lambda: KernelAttentionRegressor(passes=1, item_kernel_weight=0.0), {}, 1e-5),
    "regressor, no damping": (lambda: KernelAttentionRegressor(user_damping=0.0, item_damping=0.0), {}, 1e-5),
    "softmax": (lambda: SoftmaxRecommender(factors=8, epochs=2), {}, 1e-6),
    "softmax, free": (lambda: SoftmaxRecommender(factors=8, epochs=2, user_representation="embedding"), {}, 1e-3),
    "softmax, free, all": (
        lambda: SoftmaxRecommender(factors=8, epochs=2, user_representation="embedding", normalize="all"),
        {},
        1e-3,
    ),
    "softmax, popularity": (lambda: SoftmaxRecommender(factors=8, epochs=2, popularity_exponent=1.0), {}, 1e-6),
    "softmax, features": (lambda: SoftmaxRecommender(factors=8, epochs=2), FEATURES, 1e-6),
}


def saved(name: str, kind: str, folder: Path) -> tuple[Recommender, Path, float]:
    make, features, within = SERVED[name]
    model = make().fit(made(kind), show_progress=False, **features)
    path = folder / "model.safetensors"
    model.save(path)
    return model, path, within


def equal(got: tuple[np.ndarray, ...], want: tuple[np.ndarray, ...], within: float) -> None:
    """The same lists; scores to the bit, or within that share of the largest, and then also items that lie as close may
    stand in either order."""
    np.testing.assert_array_equal(got[2], (want[0] >= 0).sum(axis=1))
    close = within * float(np.max(np.abs(want[1][want[0] >= 0]), initial=0))
    np.testing.assert_allclose(got[1], want[1], rtol=0, atol=close)
    for row in np.flatnonzero((got[0] != want[0]).any(axis=1)):
        known = dict(zip(want[0][row].tolist(), want[1][row].tolist(), strict=True))
        assert within > 0, (row, got[0][row], want[0][row])
        real = slice(0, got[2][row])
        for itemid, score in zip(got[0][row][real].tolist(), got[1][row][real].tolist(), strict=True):
            assert abs(known.get(itemid, want[1][row][real][-1]) - score) <= close, (row, itemid, score)


def forge(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> None:
    """Rewrite a model file with its header and arrays changed, as a valid safetensors file."""
    header, arrays = read_header(path), {k: v.copy() for k, v in load_file(path).items()}
    change(header, arrays)
    save_file(arrays, path, metadata={"attnrec": json.dumps(header)})


def table() -> int:
    """Address of the table of functions, from the capsule that the extension exports."""
    from attnrec import _core

    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(get(_core.api, b"attnrec._core.api"))


def _pointer(x: np.ndarray | None, dtype: Any) -> Any:
    if x is None:
        return None
    assert x.dtype == dtype
    assert x.flags.c_contiguous
    return x.ctypes.data_as(ctypes.c_void_p)


class Service:
    """The compiled ``serve.c``. Refusals are ValueErrors, like those of Python."""

    def __init__(self, folder: Path) -> None:
        library = folder / "serve.so"
        strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]
        source = Path(__file__).parents[1] / "consumers" / "serve.c"
        run(*c_compiler(), *strict, *shared_flags(), f"-I{attnrec.get_include()}", source, "-o", library)
        self._c = ctypes.CDLL(str(library))
        self._c.serve_use.argtypes = [ctypes.c_void_p]
        self._c.serve_error.restype = self._c.serve_info.restype = ctypes.c_char_p
        self._c.serve_open.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self._c.serve_close.argtypes = [ctypes.c_void_p]
        self._c.serve_info.argtypes = [ctypes.c_void_p] * 3
        p, n, i = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
        self._c.serve_recommend.argtypes = [p, p, p, p, n, n, p, n, i, i, p, n, p, n, i, n, p, p, p]
        self._c.serve_use(table())

    def _check(self, status: int) -> None:
        if status != 0:
            told = self._c.serve_error().decode()
            raise (ValueError if status == INVALID else RuntimeError)(told)

    @contextmanager
    def open(self, path: os.PathLike[str] | str) -> Iterator[int]:
        model = ctypes.c_void_p()
        self._check(self._c.serve_open(os.fsencode(path), ctypes.byref(model)))
        try:
            yield int(model.value or 0)
        finally:
            self._c.serve_close(model)

    def info(self, model: int) -> tuple[str, int, int]:
        n_users, n_items = ctypes.c_int64(), ctypes.c_int64()
        name = self._c.serve_info(model, ctypes.byref(n_users), ctypes.byref(n_items))
        return name.decode(), n_users.value, n_items.value

    def recommend(
        self,
        model: int,
        histories: Any = None,
        *,
        k: int = 10,
        userids: Any = None,
        ones: bool = False,
        keep: bool = False,
        clip: bool = True,
        items: Any = None,
        filter_items: Any = None,
        num_threads: int = 0,
        memory_budget: int = 0,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """ids (b, k), scores (b, k) and counts (b,); ``ones`` leaves out the data of the histories."""
        ids_of = [None if x is None else np.ascontiguousarray(x, np.int64) for x in (userids, items, filter_items)]
        b = histories.shape[0] if histories is not None else 0 if ids_of[0] is None else len(ids_of[0])
        width = 0 if histories is None else histories.shape[1]
        indptr = indices = data = None
        if histories is not None:
            indptr, indices = histories.indptr.astype(np.int64), histories.indices.astype(np.int32)
            data = None if ones else histories.data.astype(np.float32)
        room = (b, max(k, 0))
        ids, scores, counts = np.full(room, -7, np.int64), np.full(room, np.nan, np.float32), np.full(b, -7, np.int64)
        only, never = ids_of[1:]
        status = self._c.serve_recommend(
            model,
            _pointer(indptr, np.int64),
            _pointer(indices, np.int32),
            _pointer(data, np.float32),
            b,
            width,
            _pointer(ids_of[0], np.int64),
            k,
            int(keep),
            int(not clip),
            _pointer(only, np.int64),
            0 if only is None else len(only),
            _pointer(never, np.int64),
            0 if never is None else len(never),
            num_threads,
            memory_budget,
            _pointer(ids, np.int64),
            _pointer(scores, np.float32),
            _pointer(counts, np.int64),
        )
        self._check(status)
        return ids, scores, counts
