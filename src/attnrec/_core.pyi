# Types of the compiled module; attnrec.ops documents what these do.
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__version__: str
compiler: str
threading: str
api: object  # a PyCapsule

_Floats = npt.NDArray[np.float32]

class Index:
    def __init__(self, items: Any, precision: str, /) -> None: ...
    @property
    def shape(self) -> tuple[int, int]: ...
    def rows(self, first: int, count: int, /) -> _Floats: ...
    def save(self, path: bytes, ids: Any, /) -> None: ...
    @staticmethod
    def open(path: bytes, map: bool, /) -> Index: ...
    def names(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None: ...
    @property
    def precision(self) -> str: ...

def isa() -> str: ...
def isas() -> list[str]: ...
def num_threads() -> int: ...
def processors() -> int: ...
def set_num_threads(n: int, /) -> None: ...
def memory_budget() -> int: ...
def set_memory_budget(n_bytes: int, /) -> None: ...
def fma_ceiling(seconds: float, num_threads: int | None, /) -> float: ...
def dot_product(u: Any, v: Any, /) -> float: ...
def similarity(
    queries: Any,
    keys: Any,
    /,
    *,
    metric: str,
    scale: float,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
) -> _Floats: ...
def attention_matrix(
    user_features: Any,
    item_features: Any,
    /,
    *,
    scale: float,
    metric: str,
    exclude: Any,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
) -> _Floats: ...
def predict_ratings(
    attention_matrix: Any,
    ratings: Any,
    user_features: Any,
    item_features: Any,
    /,
    *,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
) -> _Floats: ...
def attend(
    queries: Any,
    keys: Any,
    values: Any,
    /,
    *,
    scale: float,
    exclude: Any,
    include: Any,
    return_lse: bool,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
    memory_budget: int | None,
) -> Any: ...
def topk(
    queries: Any,
    features: Any,
    k: int,
    /,
    *,
    scale: float,
    item_bias: Any,
    exclude: Any,
    include: Any,
    filter_items: Any,
    items: Any,
    weights: bool,
    normalize: str,
    precision: str,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
    memory_budget: int | None,
) -> tuple[Any, Any, Any, Any, Any]: ...
def sampled_product(
    left: Any, right: Any, pattern: Any, /, *, check_finite: bool, out: Any, num_threads: int | None
) -> _Floats: ...
def softmax_cross_entropy(
    queries: Any,
    items: Any,
    targets: Any,
    /,
    *,
    scale: float,
    item_bias: Any,
    sample_weight: Any,
    normalize: str,
    lse_weight: float,
    eps: float,
    grad: bool,
    check_finite: bool,
    out: Any,
    num_threads: int | None,
    memory_budget: int | None,
) -> tuple[float, Any, Any, Any]: ...
def adam_step(
    parameters: Any,
    gradient: Any,
    first: Any,
    second: Any,
    step: int,
    /,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    check_finite: bool,
    num_threads: int | None,
) -> None: ...
def score_pairs(
    queries: Any, items: Any, query_ids: Any, item_ids: Any, /, *, check_finite: bool, num_threads: int | None
) -> _Floats: ...
def searcher(
    index: Index,
    names: Any,
    order: Any,
    /,
    *,
    k: int,
    scale: float,
    item_bias: Any,
    filter_items: Any,
    items: Any,
    precision: str,
    check_finite: bool,
    num_threads: int,
) -> Callable[[Any, Any, Any], tuple[npt.NDArray[np.int64], _Floats]]: ...
