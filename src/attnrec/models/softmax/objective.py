"""The objective of SoftmaxRecommender: embeddings, linear feature towers, loss and gradients of a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ... import ops
from ..._util.arraylike import as_floats
from ..content import feature_rows
from ..inputs.histories import CSR, Array, product, transposed_product
from . import vectors

__all__ = ["Data", "Setting", "gradients", "item_rows", "sample_weights", "start", "user_rows"]

Parameters = dict[str, Array]


@dataclass(frozen=True)
class Data:
    """What is learned from: histories of ones (users, items), features of both or None, weights of users or None."""

    histories: CSR
    item_features: CSR | Array | None = None
    user_features: CSR | Array | None = None
    sample_weight: Array | None = None


@dataclass(frozen=True)
class Setting:
    """The parameters of the estimator that a batch needs; see there. ``item_bias`` (items,) is added to every score."""

    loss: vectors.Loss
    embed_users: bool
    history_dropout: float
    id_dropout: float
    eps: float
    item_bias: Array | None = None


def sample_weights(given: object, x: CSR) -> Array | None:
    """Weights of the users of histories, checked.

    Raises
    ------
    ValueError, TypeError
        If they are not one number of 0 or more for each user, or leave nothing to learn.
    """
    if given is None:
        return None
    try:
        weight = as_floats(given, "sample_weight", np.float32)
    except (TypeError, ValueError):
        raise TypeError(
            f"sample_weight is {type(given).__name__}, not numbers: give a vector, one for each of the {x.shape[0]} "
            "users in the order of user_items"
        ) from None
    if weight.shape != x.shape[:1]:
        raise ValueError(f"sample_weight has shape {weight.shape}: give one for each of the {x.shape[0]} users")
    if not np.all(np.isfinite(weight) & (weight >= 0)):
        raise ValueError("sample_weight must be finite and 0 or more")
    if not weight[np.diff(x.indptr) > 0].any():
        raise ValueError("sample_weight is 0 for every user who has a history: nothing would be learned")
    return weight


def start(data: Data, factors: int, embed_users: bool, rng: np.random.Generator) -> Parameters:
    """Random parameters: items (n, factors), with free users also users, and a tower for each kind of features."""
    shapes = {"items": data.histories.shape[1]}
    if embed_users:
        shapes["users"] = data.histories.shape[0]
    for name in ("item_features", "user_features"):
        if getattr(data, name) is not None:
            shapes[name] = getattr(data, name).shape[1]
    return {name: (0.1 * rng.standard_normal((n, factors))).astype(np.float32) for name, n in shapes.items()}


def item_rows(p: Parameters, data: Data, keep: Array | None = None) -> Array:
    """Item vectors, not normalised, (n, d): embedding and content, without the embeddings that ``keep`` leaves out."""
    out = p["items"] if keep is None else p["items"] * keep
    if data.item_features is None:
        return out
    return out + feature_rows.product(data.item_features, p["item_features"])


def user_rows(p: Parameters, data: Data, rows: Array) -> Array | None:
    """What the features of these users add to their vectors, (b, d), if they have any."""
    if data.user_features is None:
        return None
    return feature_rows.product(feature_rows.rows(data.user_features, rows), p["user_features"])


def gradients(
    p: Parameters, data: Data, rows: Array, setting: Setting, rng: np.random.Generator
) -> tuple[float, Parameters]:
    """Loss of some users and its gradient by each parameter; by "users", of these rows.

    Raises
    ------
    FloatingPointError
        If vectors or gradients are not finite any more.
    """
    y = data.histories[rows]
    keep = None
    if data.item_features is not None and setting.id_dropout:
        keep = (rng.random((y.shape[1], 1)) >= setting.id_dropout).astype(np.float32)
    raw_v = item_rows(p, data, keep)
    history: CSR | None = None
    if setting.embed_users:
        raw_u = p["users"][rows]
    else:
        no_history = setting.id_dropout if data.user_features is not None else 0.0
        history = vectors.pooled(vectors.drop_history(y, setting.history_dropout, rng, no_history))
        raw_u = product(history, raw_v)
    if data.user_features is not None:
        raw_u = raw_u + user_rows(p, data, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        length_u, length_v = vectors.lengths(raw_u), vectors.lengths(raw_v)
    if not (np.isfinite(length_u).all() and np.isfinite(length_v).all()):
        raise FloatingPointError
    u, v = vectors.unit(raw_u, length_u), vectors.unit(raw_v, length_v)
    loss, d_u, d_v = ops.softmax_cross_entropy(
        u,
        v,
        y,
        scale=1 / setting.loss.temperature,
        item_bias=setting.item_bias,
        normalize=setting.loss.normalize,
        lse_weight=setting.loss.lse_weight,
        sample_weight=None if data.sample_weight is None else data.sample_weight[rows],
        eps=setting.eps,
        check_finite=False,
    )
    d_u, d_v = vectors.normalize_backward(d_u, u, length_u), vectors.normalize_backward(d_v, v, length_v)
    out: Parameters = {}
    if setting.embed_users:
        out["users"] = d_u
    elif history is not None:
        d_v += transposed_product(history, d_u)
    if data.user_features is not None:
        out["user_features"] = feature_rows.transposed_product(feature_rows.rows(data.user_features, rows), d_u)
    if data.item_features is not None:
        out["item_features"] = feature_rows.transposed_product(data.item_features, d_v)
    out["items"] = d_v if keep is None else d_v * keep
    if not all(np.isfinite(x).all() for x in out.values()):
        raise FloatingPointError
    return loss, out
