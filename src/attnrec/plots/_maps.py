"""Maps of vectors: points in the plane of their principal components."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import config
from .._util import matrices
from ..explain._bars import BLUE, axes, short
from ..explain.explanation import Names, named
from ..models.base.recommender import Recommender

__all__ = ["feature_map", "project"]

Array = np.ndarray[Any, np.dtype[Any]]


def feature_map(vectors: Any, labels: Names = None, ax: Any = None) -> Any:
    """Draw vectors in the plane of their first two principal components.

    Parameters
    ----------
    vectors : (n, d) array or sparse matrix, or a fitted estimator
        Vectors, one row for each point; an estimator gives its ``item_vectors`` of items with interactions.
    labels : callable, mapping or sequence, optional
        Names of the rows. Points far from the centre are labelled first, and labels that would overlap are left out.
    ax : matplotlib Axes, optional
        Axes to draw on; a new figure if not given.

    Returns
    -------
    matplotlib Axes
        Axes with one point for each row.

    Notes
    -----
    See :func:`project`. The labels of the axes give their shares of the variance: if these are small, points that are
    near each other in the plane may be far apart in all dimensions.
    """
    rows: Any = None
    if isinstance(vectors, Recommender):
        rows = np.unique(vectors.user_items.indices)
        vectors = vectors.item_vectors[rows]
    points, shares = project(vectors)
    ax = axes(ax, 8.0, 6.5)
    ax.scatter(points[:, 0], points[:, 1], s=14, color=BLUE, alpha=0.5, linewidths=0)
    for axis, share, place in zip("xy", shares, ("first", "second"), strict=True):
        getattr(ax, f"set_{axis}label")(f"{place} component ({share:.0%} of the variance)")
    ax.set_aspect("equal", adjustable="datalim")
    ax.tick_params(labelbottom=False, labelleft=False, length=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if labels is not None:
        numbers = np.arange(len(points)) if rows is None else rows
        _annotate(ax, points, [named(int(number), labels, "item") for number in numbers])
    return ax


def project(vectors: Any) -> tuple[Array, Array]:
    """Project rows onto their first two principal components (Pearson, 1901), by a singular value decomposition.

    Parameters
    ----------
    vectors : (n, d) array or sparse matrix
        Vectors, one row for each.

    Returns
    -------
    points : (n, 2) float64
        Coordinates; the sign of a component makes the entry of its axis that is largest by size positive.
    shares : (2,) float64
        Share of the variance along each axis; 0 where there is no variance.

    Raises
    ------
    ValueError
        If the input is not a matrix of finite numbers, or does not fit the memory budget.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.plots import project
    >>> points, shares = project(np.array([[0, 0, 1], [2, 0, 1], [0, 1, 1], [2, 1, 1]]))
    >>> points.round(1) + 0.0
    array([[-1. , -0.5],
           [ 1. , -0.5],
           [-1. ,  0.5],
           [ 1. ,  0.5]])
    >>> shares
    array([0.8, 0.2])
    """
    shape = tuple(np.shape(vectors))
    if len(shape) != 2 or 0 in shape:
        raise ValueError(f"vectors has shape {shape}: it needs (n, d), one row for each point of the map")
    needed = 8 * 3 * shape[0] * shape[1]
    if needed > config.memory_budget():
        raise ValueError(f"vectors of shape {shape} take {needed / 1e9:.2g} GB to decompose: pass fewer rows")
    if matrices.is_sparse(vectors):
        read = matrices.matrix("vectors", vectors, dtype=np.float64)
        x = np.zeros(shape)
        x[matrices.owners(read), read.indices] = read.data
    else:
        x = np.asarray(vectors, dtype=np.float64)
    if not np.all(np.isfinite(x)):
        raise ValueError("vectors holds NaN or infinity: remove those rows")
    x = x - x.mean(axis=0)
    _, sizes, directions = np.linalg.svd(x, full_matrices=False)
    along = directions[:2]
    largest = np.argmax(np.abs(along) > np.abs(along).max(axis=1, keepdims=True) * (1 - 1e-9), axis=1)
    along = along * np.sign(along[np.arange(len(along)), largest])[:, None]
    points, shares = np.zeros((len(x), 2)), np.zeros(2)
    points[:, : len(along)] = x @ along.T
    total = float((sizes**2).sum())
    if total > 0:
        shares[: len(along)] = sizes[:2] ** 2 / total
    return points, shares


def _annotate(ax: Any, points: Array, labels: list[str]) -> None:
    """Labels beside their points, from the outermost inwards, as long as they lie on no other."""
    figure = ax.figure
    figure.draw_without_rendering()
    taken: list[Any] = []
    middle = np.median(points, axis=0)
    for at in np.argsort(-np.hypot(*(points - middle).T), kind="stable"):
        text = ax.annotate(short(labels[at], 8), points[at], xytext=(4, 2), textcoords="offset points", fontsize=8)
        text.set_in_layout(False)  # or the axes would become smaller, and points and labels lie elsewhere than here
        if text.get_window_extent().x1 > ax.bbox.x1:
            text.set(ha="right", x=-4)
        box = text.get_window_extent().padded(1)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
