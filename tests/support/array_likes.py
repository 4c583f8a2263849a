"""Arrays as other libraries have them: stand-ins that speak one protocol each, and tensors where torch is there."""

from __future__ import annotations

import array
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np


class DLPack:
    """Like a JAX array or a tensor of another library that knows DLPack and nothing of NumPy."""

    def __init__(self, x: Any) -> None:
        self.x = np.asarray(x)

    def __dlpack__(self, **options: Any) -> Any:
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class OldDLPack(DLPack):
    """One whose ``__dlpack__`` was written before there were options."""

    def __dlpack__(self, stream: Any = None) -> Any:
        return self.x.__dlpack__()


class Method:
    def __init__(self, x: Any) -> None:
        self.x = np.asarray(x)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.x if dtype is None else self.x.astype(dtype)


class Interface:
    def __init__(self, x: Any) -> None:
        self.x = np.asarray(x)
        self.__array_interface__ = self.x.__array_interface__


class OnGpu:
    """Like an array of CuPy, as far as the processor sees it."""

    def __init__(self, x: Any) -> None:
        self.__cuda_array_interface__ = {"shape": np.shape(x), "typestr": "<f4", "data": (0, False), "version": 3}


class OnGpuWithDLPack(DLPack):
    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed")


class Unreadable(Method):
    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("this tensor requires grad")


ELSEWHERE: dict[str, Callable[[Any], Any]] = {"cuda-interface": OnGpu, "cuda-dlpack": OnGpuWithDLPack}

FORMS: dict[str, Callable[[Any], Any]] = {
    "dlpack": DLPack,
    "old-dlpack": OldDLPack,
    "__array__": Method,
    "__array_interface__": Interface,
}
# What has one axis of numbers alone, and no form for an array without axes.
BUFFERS: dict[str, Callable[[Any], Any]] = {
    "memoryview": lambda x: memoryview(np.asarray(x)),
    "array.array": lambda x: array.array("q" if np.asarray(x).dtype.kind in "iu" else "d", np.asarray(x).tolist()),
}
if importlib.util.find_spec("torch"):
    import torch

    FORMS["torch"] = lambda x: torch.from_numpy(np.asarray(x).copy())
    FORMS["parameter"] = lambda x: torch.nn.Parameter(torch.from_numpy(np.asarray(x).copy()), requires_grad=False)
