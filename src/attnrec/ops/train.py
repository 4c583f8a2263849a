"""The softmax loss over all items with gradients, and the Adam optimiser: softmax_cross_entropy, adam_step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import config
from .._util.arraylike import as_integers, as_numpy
from .._util.matrices import is_sparse
from .._util.outputs import check_output
from ..reference import CrossEntropy
from ._backend import Array, by_reference, read, uses_reference

if config._has_core() or TYPE_CHECKING:
    from .. import _core


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
    grad: bool = True,
    check_finite: bool = True,
    out: CrossEntropy | None = None,
    num_threads: int | None = None,
    memory_budget: int | None = None,
) -> CrossEntropy:
    """The softmax loss over all items and its gradients, without the (b, n) scores.

    With ``s = scale * Q V^T + item_bias``, y the weights of targets and N the sum of ``sample_weight_u y_ui``::

        L = 1/N sum_u sample_weight_u sum_i y_ui (lse_weight * log D_ui - s_ui)
        D_ui = sum_j exp(s_uj)

    which with ``lse_weight=1`` is the mean cross-entropy of the targets. The scores are formed twice, a strip at a
    time: ``8 b n d`` FLOP for loss and gradients, ``2 b n d`` for the loss, memory ``O((b + n) d)``.

    Parameters
    ----------
    queries : (b, d) array_like
        Query vectors, one row for each, converted to float32.
    items : (n, d) array_like
        Item vectors, one row for each, converted to float32.
    targets : (b, n) sparse matrix, or (b,) array_like of int
        Weights y of the targets of each row, 0 or more: several, one or none, where a row without targets does not
        count and a stored zero is a target of no weight. A vector gives one item id for each row, of weight 1.
    scale : float
        Factor of the dot products, a finite number: 1 / temperature where the vectors are normalised. A larger one
        makes the loss concentrate on the hardest items.
    item_bias : (n,) array_like, optional
        Number to add to the scores of each item, after scaling.
    sample_weight : (b,) array_like, optional
        Weight of each row in the mean, 0 or more; 1 if not given.
    normalize : {"all", "unseen"}
        Items that the denominator D sums over: "all" takes every item, "unseen" leaves out the other targets of the
        row, so that targets do not compete with each other.
    lse_weight : float
        Weight of the log-sum-exp, finite and 0 or more: the ratio of the temperatures of positives and negatives in the
        bilateral softmax loss (Wu et al., 2024). A larger one pushes negatives down harder.
    eps : float
        Probability below which gradients may leave out strips of items, 0 or more and below 1; 0 is exact. It changes
        the gradient of a row by less than ``eps * scale`` times the norms of these items.
    grad : bool
        Whether to compute the gradients.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : CrossEntropy, optional
        C-contiguous float32 arrays of their shapes to write the gradients to, such as an earlier result.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.
    memory_budget : int, optional
        Upper limit of the temporary memory of this call, in bytes; :func:`attnrec.memory_budget` if not given. A
        smaller limit means smaller blocks and a slower call, not other results.

    Returns
    -------
    CrossEntropy
        The ``loss`` (float), ``d_queries`` (b, d), ``d_items`` (n, d), and with ``item_bias`` ``d_item_bias`` (n,); it
        unpacks as ``loss, d_queries, d_items``. It is 0 with gradients of 0 where no target has weight.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite, a weight is negative, or a target is out of range.
    TypeError
        If queries or items are sparse, or ``targets`` is neither sparse nor a vector of ids.

    Examples
    --------
    >>> from attnrec import softmax_cross_entropy
    >>> loss, d_queries, d_items = softmax_cross_entropy([[1, 0], [0, 2]], [[1, 0], [0, 1], [1, 1]], [0, 2])
    >>> round(loss, 4)
    0.8103
    >>> d_queries.round(3)
    array([[-0.078,  0.289],
           [-0.234, -0.032]], dtype=float32)
    """
    y = read("softmax_cross_entropy", "targets", targets) if is_sparse(targets) else _one_a_row(targets, queries, items)
    options: dict[str, Any] = {
        "scale": scale,
        "item_bias": item_bias,
        "sample_weight": sample_weight,
        "normalize": normalize,
        "lse_weight": lse_weight,
        "eps": eps,
        "grad": grad,
    }
    if uses_reference():
        result: CrossEntropy = by_reference("softmax_cross_entropy", queries, items, y, **options)
        return result if out is None or not grad else _written(result, out)
    given = (*options.values(), check_finite, out, num_threads, memory_budget)
    return CrossEntropy(*_core.softmax_cross_entropy(queries, items, y, *given))


def _written(result: CrossEntropy, out: CrossEntropy) -> CrossEntropy:
    """The gradients in the caller's arrays, where the reference made its own."""
    given: list[tuple[str, Array]] = []
    for name in ("d_queries", "d_items", "d_item_bias"):
        made = getattr(result, name)
        if made is None:
            continue
        if not hasattr(out, name):
            raise TypeError(f"softmax_cross_entropy: out has no {name}; give a CrossEntropy, such as an earlier result")
        if (array := getattr(out, name)) is not None:
            others = tuple(other for _, other in given)
            check_output(f"softmax_cross_entropy: {name}", array, np.float32, made.shape, inputs=others)
            given.append((name, array))
    for name, array in given:
        array[...] = getattr(result, name)
        setattr(result, name, array)
    return result


def _one_a_row(targets: Any, queries: Any, items: Any) -> Any:
    """Item ids as what a CSR matrix is, without SciPy, which may not be installed."""
    want = "give a sparse matrix (b, n), or a vector of b item ids (int)"
    ids = as_integers(targets, "softmax_cross_entropy: targets", want)
    b, n = ((x if hasattr(x, "shape") else as_numpy(x)).shape[0] for x in (queries, items))
    if ids.shape != (b,):
        raise ValueError(
            f"softmax_cross_entropy: targets of shape {ids.shape} do not fit the {b} queries; give one item id for "
            "each, or a sparse matrix (b, n)"
        )
    bad = np.flatnonzero((ids < 0) | (ids >= n))
    if len(bad):
        raise ValueError(
            f"softmax_cross_entropy: targets[{bad[0]}] is {ids[bad[0]]}; there are {n} items, counted from 0"
        )
    ones = np.ones(b, dtype=np.float32)
    return SimpleNamespace(indptr=np.arange(b + 1), indices=ids, data=ones, shape=(b, n), format="csr")


def adam_step(
    parameters: Array,
    gradient: Any,
    first: Array,
    second: Array,
    step: int,
    *,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    check_finite: bool = True,
    num_threads: int | None = None,
) -> tuple[Array, Array, Array]:
    """One step of Adam (Kingma and Ba, 2015) in place, with the decay of AdamW (Loshchilov and Hutter, 2019).

    ``first = beta1 first + (1 - beta1) g`` and ``second = beta2 second + (1 - beta2) g^2``; with both divided by
    ``1 - beta^step``, ``parameters = (1 - learning_rate weight_decay) parameters - learning_rate first /
    (sqrt(second) + eps)``.

    Parameters
    ----------
    parameters : float32 array
        Parameters to update in place, C-contiguous.
    gradient : array_like
        Gradient of the loss by the parameters, of their shape.
    first : float32 array
        First moments, of the same shape, C-contiguous; zeros before the first step, updated in place.
    second : float32 array
        Second moments, of the same shape, C-contiguous; zeros before the first step, updated in place.
    step : int
        Number of this step, counted from 1, by which the moments are corrected for their start at zero.
    learning_rate : float
        Step size, 0 or more; a larger one moves the parameters further.
    beta1 : float
        Decay rate of the first moments, from 0 to below 1; a larger one averages gradients over more steps.
    beta2 : float
        Decay rate of the second moments, from 0 to below 1; a larger one averages squared gradients over more steps.
    eps : float
        Number added to the denominator against division by 0, 0 or more; a larger one makes steps shorter where
        gradients are small.
    weight_decay : float
        Decoupled weight decay as in AdamW, 0 or more; a larger one shrinks the parameters faster.
    check_finite : bool
        Whether to look for NaN and infinity in the gradient first; nothing is written where one is found.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.

    Returns
    -------
    parameters : float32 array
        The array given, updated.
    first : float32 array
        The array given, updated.
    second : float32 array
        The array given, updated.

    Raises
    ------
    ValueError
        If shapes differ, arrays overlap, the gradient is not finite, or a number is out of its range.
    TypeError
        If an array that is written to is not float32.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec import adam_step
    >>> x, first, second = np.ones(2, np.float32), np.zeros(2, np.float32), np.zeros(2, np.float32)
    >>> for step in (1, 2):
    ...     _ = adam_step(x, [1.0, -3.0], first, second, step, learning_rate=0.1)
    >>> x.round(4)
    array([0.8, 1.2], dtype=float32)
    """
    options = (learning_rate, beta1, beta2, eps, weight_decay)
    if uses_reference():
        names = ("learning_rate", "beta1", "beta2", "eps", "weight_decay")
        given: dict[str, Any] = dict(zip(names, options, strict=True))
        written = {"parameters": parameters, "first": first, "second": second}
        for name, array in written.items():
            others = (gradient, *(other for key, other in written.items() if key != name))
            check_output(f"adam_step: {name}", array, np.float32, np.shape(parameters), inputs=others)
        new = by_reference("adam_step", parameters, gradient, first, second, step, **given)
        for old, x in zip(written.values(), new, strict=True):
            old[...] = x
    else:
        _core.adam_step(parameters, gradient, first, second, step, *options, check_finite, num_threads)
    return parameters, first, second
