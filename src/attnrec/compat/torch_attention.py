"""Drop-in for ``torch.nn.functional.scaled_dot_product_attention`` on CPU tensors."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from .. import config, ops
from .._util.extras import require
from ._handover import handed_over

# Multiply-adds of one head below which torch is called: there it is as fast (benchmarks/speed/dropins.py).
LEAST_WORK = 1 << 30


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """``softmax(scale * Q K^T) V`` with the arguments of torch's function, and its result to rounding.

    The kernel of :func:`attnrec.attend` computes long sequences in float32 on the CPU where no gradient is required, on
    :func:`attnrec.num_threads` threads. All other calls are passed to torch's function unchanged, with its results and
    its errors:
    ``attn_mask``, ``is_causal``, dropout and ``enable_gqa``, for which there is no kernel here, gradients, other
    dtypes and devices, heads of less than 2^30 multiply-adds, ``l s (d + m)``, for which torch is as fast, and values
    that the kernel refuses: NaN, infinity, and those whose scores may leave the range in which it is exact.

    Parameters
    ----------
    query : (..., l, d) tensor
        Queries, with any batch and head axes.
    key : (..., s, d) tensor
        Keys, with the batch and head axes of the query; torch decides where they differ.
    value : (..., s, m) tensor
        Values, with the batch and head axes of the query; torch decides where they differ.
    attn_mask : tensor, optional
        Mask, passed on to torch.
    dropout_p : float
        Dropout probability; torch computes the call unless it is 0.
    is_causal : bool
        Whether to mask later keys; torch computes the call if True.
    scale : float, optional
        Factor of the scores; ``1 / sqrt(d)`` if not given.
    enable_gqa : bool
        Whether query heads share keys and values; torch computes the call if True.

    Returns
    -------
    (..., l, m) tensor
        Attention output.

    Raises
    ------
    ImportError
        If torch is not installed; the extra ``torch`` brings it.

    Examples
    --------
    >>> import torch
    >>> from attnrec.compat import scaled_dot_product_attention
    >>> g = torch.Generator().manual_seed(0)
    >>> query, key, value = (torch.randn(2, 600, 64, generator=g) for _ in range(3))
    >>> theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    >>> torch.allclose(scaled_dot_product_attention(query, key, value), theirs, atol=1e-6)
    True
    """
    torch = require("torch", extra="torch")
    plain = attn_mask is None and not is_causal and not dropout_p and not enable_gqa

    def theirs() -> Any:
        extra = {"enable_gqa": True} if enable_gqa else {}  # torch 2.4 has no such argument
        return torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, **extra
        )

    if not plain or not _serves(torch, query, key, value):
        return theirs()
    try:
        return _ours(torch, query, key, value, scale)
    except ValueError as refused:
        return handed_over(refused, theirs)


def _ours(torch: Any, query: Any, key: Any, value: Any, scale: float | None) -> Any:
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    out = torch.empty(*query.shape[:-1], value.shape[-1])
    q, k, v, into = (x.numpy(force=True) for x in (query, key, value, out))
    heads = list(np.ndindex(*query.shape[:-2]))
    threads = config.num_threads()
    together = min(threads, len(heads)) if len(heads) >= threads else 1

    def attend(head: tuple[int, ...]) -> None:
        ops.attend(q[head], k[head], v[head], scale=factor, out=into[head], num_threads=1 if together > 1 else None)

    if together == 1:
        for head in heads:
            attend(head)
    else:  # a thread for each head at a time: they need not wait for each other at the end of each
        with ThreadPoolExecutor(together) as pool:
            list(pool.map(attend, heads))
    return out


def _serves(torch: Any, query: Any, key: Any, value: Any) -> bool:
    """Whether this is work for our kernel, and shapes fit."""
    tensors = (query, key, value)
    if not all(type(x) in (torch.Tensor, torch.nn.Parameter) and x.ndim >= 2 for x in tensors):
        return False
    if any(x.device.type != "cpu" or x.layout is not torch.strided or x.dtype != torch.float32 for x in tensors):
        return False
    if torch.is_grad_enabled() and any(x.requires_grad for x in tensors):
        return False
    if torch.compiler.is_compiling() or torch.is_autocast_enabled("cpu"):
        return False
    (*heads, rows, d), (*_, keys, _), m = query.shape, key.shape, value.shape[-1]
    if key.shape != (*heads, keys, d) or value.shape != (*heads, keys, m) or d == 0:
        return False
    return rows * keys * (d + m) >= LEAST_WORK and all(map(_has_memory, tensors))


def _has_memory(x: Any) -> bool:
    """False inside torch.vmap and other transforms, whose tensors stand for several."""
    try:
        x.data_ptr()
    except RuntimeError:
        return False
    return True
