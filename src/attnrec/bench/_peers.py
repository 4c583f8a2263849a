"""Implementations of the tasks in other libraries, with their best settings: float32, equal threads, reused buffers.

A library is imported when its implementations are requested; it has none for a task that it does not support.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._util.extras import require
from ._forms import Form, Result
from ._tasks import Data, Task

__all__ = ["faiss_forms", "implicit_forms", "torch_forms"]


def implicit_forms(task: Task, data: Data, num_threads: int) -> Iterator[Form]:
    """implicit.cpu.topk: blocks of scores from BLAS, then a heap. Its makers advise one thread for the BLAS."""
    if task.op != "topk" or task.weights:
        return
    topk = require("implicit.cpu.topk", extra="bench").topk

    def call() -> Result:
        ids, scores = topk(data.items, data.queries, task.k, num_threads=num_threads)
        return {"ids": ids, "scores": scores}

    yield Form("topk, BLAS on one thread", call, blas_threads=1)
    if num_threads > 1:
        yield Form("topk, BLAS on all threads", call)


def faiss_forms(task: Task, data: Data, num_threads: int) -> Iterator[Form]:
    """An exact index of inner products, built beforehand: as it comes, and always through BLAS.

    Left to itself, FAISS 1.15 takes BLAS only from b d = 128,000 on, far past where it begins to pay.
    """
    if task.op != "topk" or task.weights:
        return
    faiss = require("faiss", extra="bench")
    index = faiss.IndexFlatIP(task.d)
    index.add(data.items)
    blas = {"distance_compute_blas_threshold": 1}
    wide = {"distance_compute_blas_query_bs": 512, "distance_compute_blas_database_bs": 4096}
    yield Form("IndexFlatIP", _faiss_search(faiss, index, task, data, {}))
    yield Form("IndexFlatIP, BLAS", _faiss_search(faiss, index, task, data, blas))
    yield Form("IndexFlatIP, BLAS, long blocks", _faiss_search(faiss, index, task, data, blas | wide))
    if num_threads > 1:
        yield Form("IndexFlatIP, BLAS on one thread", _faiss_search(faiss, index, task, data, blas), blas_threads=1)
    if 1 < num_threads <= task.n and task.b < 20:  # so few queries leave threads idle unless items are split
        shards = faiss.IndexShards(task.d, True, True)
        for rows in np.array_split(data.items, num_threads):
            part = faiss.IndexFlatIP(task.d)
            part.add(rows)
            shards.add_shard(part)
        yield Form("IndexShards, a thread each", _faiss_search(faiss, shards, task, data, {}))


def _faiss_search(faiss: Any, index: Any, task: Task, data: Data, settings: dict[str, int]) -> Callable[[], Result]:
    """A search under global settings of FAISS, which are put back after it."""

    def call() -> Result:
        before = {name: getattr(faiss.cvar, name) for name in settings}
        try:
            for name, value in settings.items():
                setattr(faiss.cvar, name, value)
            scores, ids = index.search(data.queries, task.k)
        finally:
            for name, value in before.items():
                setattr(faiss.cvar, name, value)
        return {"ids": ids, "scores": scores}

    return call


def torch_forms(task: Task, data: Data) -> Iterator[Form]:
    """Products and softmax into buffers that are kept, and the fused attention."""
    torch = require("torch", extra="bench")
    queries, items = torch.from_numpy(data.queries), torch.from_numpy(data.items)
    scores = torch.empty(task.b, task.n)
    # Nothing here is ever differentiated; inference mode spares the bookkeeping.
    for label, call in _torch_calls(torch, task, data, queries, items, scores):
        yield Form(label, torch.inference_mode()(call))


def _torch_calls(
    torch: Any, task: Task, data: Data, queries: Any, items: Any, scores: Any
) -> Iterator[tuple[str, Any]]:
    def product() -> Any:
        return torch.matmul(queries, items.T, out=scores)

    def softmax() -> Any:
        return torch.softmax(product(), 1, out=scores)

    def topk() -> Result:
        best, ids = torch.topk(product(), task.k)
        return {"ids": ids, "scores": best}

    def topk_of_softmax() -> Result:
        weights, ids = torch.topk(softmax(), task.k)
        return {"ids": ids, "weights": weights}

    def topk_then_lse() -> Result:
        best, ids = torch.topk(product(), task.k)
        return {"ids": ids, "scores": best, "weights": torch.exp(best - torch.logsumexp(scores, 1, keepdim=True))}

    def topk_then_sum() -> Result:
        best, ids = torch.topk(product(), task.k)
        top = best[:, :1]
        total = scores.sub_(top).exp_().sum(1, keepdim=True)
        return {"ids": ids, "scores": best, "weights": torch.exp(best - top) / total}

    if task.op == "similarity":
        yield "matmul", lambda: {"out": product()}
    elif task.op == "topk" and task.weights:
        yield "softmax, topk", topk_of_softmax
        yield "topk, logsumexp", topk_then_lse
        yield "topk, exp in place", topk_then_sum
    elif task.op == "topk":
        yield "matmul, topk", topk
    else:
        yield from _torch_attention(torch, task, data, queries, items, softmax)


def _torch_attention(
    torch: Any, task: Task, data: Data, queries: Any, items: Any, softmax: Any
) -> Iterator[tuple[str, Any]]:
    sparse = task.density < 1
    values = torch.from_numpy(np.ascontiguousarray(data.values.toarray() if sparse else data.values))
    attention = torch.nn.functional.scaled_dot_product_attention
    one = (None, None)  # a batch of one, a head of one

    def fused() -> Result:
        return {"out": attention(queries[one], items[one], values[one], scale=1.0)[0, 0]}

    yield "fused attention (SDPA)", fused
    yield "softmax, dense product", lambda: {"out": softmax() @ values}
    if sparse:
        turned = values.T.to_sparse_csr()
        yield "softmax, sparse product", lambda: {"out": (turned @ softmax().T).T}
