"""The softmax loss over all items as a differentiable function of torch CPU tensors."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np

from .. import ops
from .._util.arraylike import as_numpy
from .._util.extras import require
from ._handover import handed_over
from .torch_attention import _has_memory

OP = "compat.softmax_cross_entropy"


def softmax_cross_entropy(
    queries: Any,
    items: Any,
    targets: Any,
    *,
    scale: float = 1.0,
    item_bias: Any = None,
    sample_weight: Any = None,
    normalize: Literal["all", "unseen"] = "all",
    lse_weight: float = 1.0,
    eps: float = 0.0,
    ignore_index: int = -100,
    num_threads: int | None = None,
) -> Any:
    """Compute ``torch.nn.functional.cross_entropy(queries @ items.T, targets)`` with gradients, without the logits.

    It is for training loops in torch on the CPU, such as those of two-tower models and SASRec. The formula is that of
    :func:`attnrec.softmax_cross_entropy`, ``mean_u (log sum_j exp(s_uj) - s_ui)`` with ``s = scale Q V^T + item_bias``
    for one target i in each row; memory is ``O((b + n) d)``. If any of queries, items and bias needs a gradient, all
    are computed together in the forward pass, which takes about four times as many operations as the loss alone.

    Inputs that the kernels refuse are computed by torch with the logits, where only ``scale``,
    ``item_bias`` and ``ignore_index`` are given: NaN, infinity, large scores, one query (d,), targets that are
    probabilities (b, n), devices other than the CPU, learned scales, and transforms such as ``torch.vmap``.

    Parameters
    ----------
    queries : (b, d) tensor
        Query vectors on the CPU, of any floating dtype and any strides; logits and gradients are computed in float32.
    items : (n, d) tensor
        Item vectors on the CPU, of any floating dtype and any strides.
    targets : (b,) tensor of integers, or (b, n) sparse CSR
        Item id of each row, where rows of ``ignore_index`` do not count and cost nothing; or weights of several targets
        in each row, 0 or more, as a torch tensor in ``torch.sparse_csr`` or a SciPy matrix.
    scale : float
        Factor of the dot products, a finite number. A learned scale belongs to the queries:
        ``softmax_cross_entropy(queries * scale, items, targets)``.
    item_bias : (n,) tensor, optional
        Number to add to the scores of each item, after scaling.
    sample_weight : (b,) tensor or array, optional
        Weight of each row in the mean, 0 or more; it gets no gradient.
    normalize : {"all", "unseen"}
        Items that the softmax denominator sums over: "all" takes every item, "unseen" leaves out the other targets of
        the row.
    lse_weight : float
        Weight of the log-sum-exp, finite and 0 or more; a larger one pushes negatives down harder.
    eps : float
        Probability below which gradients may leave out strips of items, 0 or more and below 1; 0 is exact.
    ignore_index : int
        Target of rows that do not count.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given, whatever torch uses.

    Returns
    -------
    () tensor
        Loss in float32, or float64 if queries or items are. Gradients have the dtype of their inputs. It is 0, with
        gradients of 0, where no target has weight, as in an empty batch, for which torch gives NaN.

    Raises
    ------
    ImportError
        If torch is not installed; the extra ``torch`` brings it.
    ValueError
        If shapes do not fit, a weight is negative, or a target is out of range; where torch cannot compute the call, as
        with all other options, also if a tensor is not on the CPU, a value is not finite, or ``scale`` or
        ``sample_weight`` requires a gradient. Queries of three axes are refused, because the second axis would be the
        classes in torch.
    TypeError
        If queries, items or bias is not a dense tensor of a floating dtype, or targets are neither integers nor CSR.
    RuntimeError
        If ``create_graph=True`` asks for a second derivative, which does not exist.

    Examples
    --------
    >>> import torch
    >>> from attnrec.compat import softmax_cross_entropy
    >>> queries = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
    >>> items = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], requires_grad=True)
    >>> loss = softmax_cross_entropy(queries, items, torch.tensor([0, 2]))
    >>> torch.allclose(loss, torch.nn.functional.cross_entropy(queries @ items.T, torch.tensor([0, 2])))
    True
    >>> loss.backward()
    >>> items.grad
    tensor([[-0.2888,  0.0634],
            [ 0.0777,  0.4683],
            [ 0.2112, -0.5317]])
    """
    torch = require("torch", extra="torch")
    plain = sample_weight is None and normalize == "all" and lse_weight == 1 and eps == 0
    given = (queries, items, targets, scale, item_bias)
    if plain and any(isinstance(x, torch.Tensor) and x.layout is torch.strided and not _has_memory(x) for x in given):
        return _theirs(torch, *given, ignore_index)
    try:
        return _ours(
            torch,
            *given,
            sample_weight,
            ignore_index,
            {
                "normalize": normalize,
                "lse_weight": lse_weight,
                "eps": eps,
                "num_threads": num_threads,
            },
        )
    except (TypeError, ValueError) as refused:
        weights = getattr(targets, "layout", torch.strided) is not torch.strided  # which torch takes for probabilities
        if not plain or weights or getattr(queries, "ndim", 0) > 2:
            raise
        return handed_over(refused, lambda: _theirs(torch, *given, ignore_index))


def _theirs(torch: Any, queries: Any, items: Any, targets: Any, scale: Any, item_bias: Any, ignore_index: int) -> Any:
    """The definition, by torch: the logits are stored. Nothing is broadcast that :func:`_ours` would not take."""
    if (
        items.ndim != 2
        or (isinstance(scale, torch.Tensor) and scale.numel() != 1)
        or (item_bias is not None and item_bias.shape != items.shape[:1])
    ):
        raise ValueError(f"{OP}: scale is no number, or items or item_bias do not fit")
    logits = queries @ items.T
    logits = logits if isinstance(scale, float) and scale == 1 else scale * logits
    logits = logits if item_bias is None else logits + item_bias
    loss = torch.nn.functional.cross_entropy(logits, targets, ignore_index=ignore_index)
    return loss.to(torch.promote_types(loss.dtype, torch.float32))


def _ours(
    torch: Any,
    queries: Any,
    items: Any,
    targets: Any,
    scale: Any,
    item_bias: Any,
    sample_weight: Any,
    ignore_index: int,
    options: dict[str, Any],
) -> Any:
    for name, x, rank in (("queries", queries, 2), ("items", items, 2), ("item_bias", item_bias, 1)):
        if x is not None or rank == 2:
            _check_dense(torch, name, x, rank)
    for name, x in (("scale", scale), ("sample_weight", sample_weight), ("targets", targets)):
        if getattr(x, "requires_grad", False):
            raise ValueError(f"{OP}: {name} is not differentiated but wants a gradient; detach it")
    options = options | {"scale": float(scale)}
    weight = None if sample_weight is None else _array(torch, "sample_weight", sample_weight)
    y = _read_targets(torch, targets)
    if isinstance(y, np.ndarray) and y.shape == queries.shape[:1] and not (keep := y != ignore_index).all():
        if weight is not None and weight.shape != y.shape:
            raise ValueError(f"{OP}: sample_weight {weight.shape} does not fit the {len(y)} queries; give one for each")
        y, weight = y[keep], None if weight is None else weight[keep]
        queries = queries[torch.from_numpy(keep)]
    return _function().apply(queries, items, item_bias, y, options | {"sample_weight": weight}, torch.is_grad_enabled())


def _check_dense(torch: Any, name: str, x: Any, rank: int) -> None:
    if not isinstance(x, torch.Tensor) or x.layout is not torch.strided or not x.dtype.is_floating_point:
        what = f"{x.layout} of {x.dtype}" if isinstance(x, torch.Tensor) else type(x).__name__
        raise TypeError(f"{OP}: {name} is {what}; give a dense torch tensor of a floating dtype")
    if x.ndim != rank:
        fix = "reshape(-1, d) makes a row of each" if rank == 2 else "give one number an item"
        raise ValueError(f"{OP}: {name} has shape {tuple(x.shape)} and not {rank} axes; {fix}")
    _check_device(name, x)


def _check_device(name: str, x: Any) -> None:
    if x.device.type != "cpu":
        raise ValueError(f"{OP}: {name} is on {x.device}; this computes on the CPU: move it there with .cpu()")


def _array(torch: Any, name: str, x: Any) -> Any:
    """A tensor on the CPU, or anything array-like, as an array."""
    if not isinstance(x, torch.Tensor):
        return as_numpy(x, f"{OP}: {name}")
    _check_device(name, x)
    return (_float32(x) if x.dtype is torch.bfloat16 else x).numpy(force=True)


def _read_targets(torch: Any, targets: Any) -> Any:
    """Ids as an array, or a CSR matrix of SciPy's form."""
    if hasattr(targets, "tocsr"):
        return targets
    if not isinstance(targets, torch.Tensor) or targets.layout is torch.strided:
        return _array(torch, "targets", targets)
    if targets.layout is not torch.sparse_csr:
        raise TypeError(f"{OP}: targets is {targets.layout}; give torch.sparse_csr, which to_sparse_csr() makes")
    indptr, indices, data = (
        _array(torch, "targets", x) for x in (targets.crow_indices(), targets.col_indices(), _exact(targets.values()))
    )
    return SimpleNamespace(indptr=indptr, indices=indices, data=data, shape=tuple(targets.shape), format="csr")


def _float32(x: Any) -> Any:
    """What NumPy has no dtype for, bfloat16 for one, is converted by torch."""
    return x.detach().float()


def _exact(x: Any) -> Any:
    """Weights that may be repeated, which are added up in float64."""
    return _float32(x) if x.is_floating_point() and x.element_size() <= 4 else x.detach().double()


@functools.cache
def _function() -> Any:
    """The class, which can not be before torch is imported."""
    methods = {"forward": staticmethod(_forward), "backward": staticmethod(_backward)}
    return type("SoftmaxCrossEntropy", (require("torch.autograd", extra="torch").Function,), methods)


def _forward(
    ctx: Any, queries: Any, items: Any, item_bias: Any, targets: Any, options: dict[str, Any], enabled: bool
) -> Any:
    torch = require("torch", extra="torch")
    given = (queries, items, item_bias)
    q, v, bias = (None if x is None else _float32(x).numpy(force=True) for x in given)
    grad = enabled and any(ctx.needs_input_grad)
    found = ops.softmax_cross_entropy(q, v, targets, item_bias=bias, grad=grad, **options)
    if grad:
        wanted = zip((found.d_queries, found.d_items, found.d_item_bias), ctx.needs_input_grad, strict=False)
        ctx.save_for_backward(*(torch.from_numpy(g) if wants else None for g, wants in wanted))
        ctx.dtypes = [None if x is None else x.dtype for x in given]
    dtype = torch.promote_types(torch.promote_types(queries.dtype, items.dtype), torch.float32)
    return torch.tensor(found.loss, dtype=dtype)


def _backward(ctx: Any, upstream: Any) -> Any:
    if require("torch", extra="torch").is_grad_enabled():
        raise RuntimeError(f"{OP} has no second derivative; leave out create_graph=True, or use torch's own loss")
    # The factor comes before the rounding to a shorter dtype: that is what scaling a loss is for.
    saved = zip(ctx.saved_tensors, ctx.dtypes, strict=True)
    return (*(None if g is None else (g * upstream).to(dtype) for g, dtype in saved), None, None, None)
