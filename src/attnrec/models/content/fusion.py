"""Fusion of histories and content: unit rows over all modalities, whose dot products are the fused similarity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..._util.extras import require
from ..inputs.histories import CSR, Array, csr, merge_rows, no_rows, unit_rows
from . import feature_rows

__all__ = ["Content", "content", "fused", "gates", "modality_weights", "stored"]

_sparse = require("scipy.sparse", extra="models")


@dataclass(frozen=True)
class Content:
    """What is known of items (or users) by modality.

    Attributes
    ----------
    blocks : dict of str to (n, width) CSR
        Rows of length 1; a row of zeros where the modality is missing.
    names : list of str, optional
        What each column is, the blocks side by side.
    """

    blocks: dict[str, CSR]
    names: list[str] | None = None

    def present(self) -> Array:
        """(n, modalities) bool."""
        return np.column_stack([np.diff(block.indptr) > 0 for block in self.blocks.values()])

    @property
    def width(self) -> int:
        """Columns of all blocks."""
        return sum(block.shape[1] for block in self.blocks.values())

    @property
    def nnz(self) -> int:
        """Values stored in all blocks."""
        return sum(block.nnz for block in self.blocks.values())

    def joined(self) -> CSR:
        """The blocks side by side, (n, sum of widths)."""
        out: CSR = _sparse.csr_array(_sparse.hstack(list(self.blocks.values()), format="csr"))
        return out

    def rows(self, ids: Array) -> Content:
        """Content of ``ids``; -1 for a user or item without any."""
        at = np.where(ids < 0, self.present().shape[0], ids)
        return Content({m: _tall(b, b.shape[0] + 1)[at] for m, b in self.blocks.items()}, self.names)

    def with_rows(self, name: str, ids: Array, given: object, n: int) -> Content:
        """``n`` rows: these, but ``ids`` have the features ``given`` (None: are missing), called by ``name``."""
        empty = {m: no_rows(len(ids), b.shape[1]) for m, b in self.blocks.items()}
        new = empty if given is None else content(name, given, len(ids), f"{name[:4]}ids", like=self).blocks
        return Content({m: merge_rows(_tall(b, n), ids, new[m]) for m, b in self.blocks.items()}, self.names)


def _tall(x: CSR, n: int) -> CSR:
    """``x`` with rows of zeros up to ``n``."""
    indptr = np.append(x.indptr, np.full(n - x.shape[0], x.indptr[-1], x.indptr.dtype))
    return csr(x.data, x.indices, indptr, (n, x.shape[1]))


def stored(names: str, widths: Array, joined: CSR) -> Content:
    """Content from what a state holds of it: names as JSON, widths, and the blocks side by side."""
    ends = np.cumsum(widths)
    found = json.loads(names)
    return Content({m: _sparse.csr_array(joined[:, e - w : e]) for m, w, e in zip(found, widths, ends, strict=True)})


def content(name: str, given: object, n: int, what: str, *, like: Content | None = None) -> Content:
    """Features as modalities: those of :class:`attnrec.features.Features`, or one called "content" of a matrix.

    Parameters
    ----------
    like : Content, optional
        What the rows must fit: the same modalities and widths. They may then miss one everywhere.

    Raises
    ------
    ValueError, TypeError
        If they do not fit, are not finite, or a modality is missing everywhere.
    """
    if isinstance(given, Content):
        return given
    slices = dict(getattr(given, "modalities", {}))
    widths = None if like is None else [block.shape[1] for block in like.blocks.values()]
    x = feature_rows.features(name, given, n, what, None if like is None else like.width)
    x = x if _sparse.issparse(x) else _sparse.csr_array(x)
    if like is not None and widths is not None and not slices:
        ends = np.cumsum(widths)
        slices = {m: slice(e - w, e) for m, w, e in zip(like.blocks, widths, ends, strict=True)}
    if like is not None and [*slices] != [*like.blocks]:
        raise ValueError(f"{name} has the modalities {[*slices]} where the model was fitted with {[*like.blocks]}")
    blocks = {}
    for modality, columns in (slices or {"content": slice(0, x.shape[1])}).items():
        block = _sparse.csr_array(x[:, columns])
        block.eliminate_zeros()
        if not block.nnz and like is None:
            raise ValueError(f"{name}: the modality {modality!r} is missing for all {n} {what}: leave it out")
        blocks[modality] = unit_rows(block)
    names = getattr(given, "names", None) if like is None else like.names
    return Content(blocks, None if names is None else [str(name) for name in names])


def modality_weights(
    weights: Mapping[str, float] | None, names: list[str], argument: str = "modality_weights"
) -> Array:
    """One weight for each modality, adding up to 1; equal unless given.

    Raises
    ------
    ValueError, TypeError
        If a name is unknown or missing, or a weight is not 0 or more, or it is no mapping.
    """
    if weights is None:
        weights = dict.fromkeys(names, 1.0)
    if not isinstance(weights, Mapping):
        raise TypeError(f"{argument}={weights!r:.60} is no mapping: give a dict of modality -> weight")
    if set(weights) != set(names):
        raise ValueError(
            f"{argument} names {sorted(weights)} where there are {sorted(names)}: give one for each modality"
        )
    out = np.array([float(weights[name]) for name in names])
    if not np.all(np.isfinite(out)) or np.any(out < 0) or not out.sum() > 0:
        raise ValueError(f"{argument}={dict(weights)!r:.80} must be finite, 0 or more, and not all 0")
    out /= out.sum()
    return out


def gates(rows: CSR, known: Content, weights: Array, share: float) -> Array:
    """What each part counts for each item, (n, 1 + modalities), rows adding up to 1: histories have ``1 - share``,
    modality m ``share * weights[m]``, and what is missing leaves its part to the others; 0 where nothing is known."""
    there = np.column_stack([np.diff(rows.indptr) > 0, known.present()])
    wanted = there * np.append(1 - share, share * weights)
    total = wanted.sum(axis=1, keepdims=True)
    out: Array = np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0)
    return out


def fused(rows: CSR, known: Content, weights: Array, share: float) -> CSR:
    """Unit rows whose dot products are ``sum_parts sqrt(g_i g_j) cos_part(i, j)``, with the gates g of :func:`gates`.

    Parameters
    ----------
    rows : (n, users) CSR
        Unit rows of the users of each item; empty for an item without users.
    known : Content
    weights : (modalities,) float
    share : float
        Of content, 0 to 1.

    Returns
    -------
    (n, users + widths) CSR
        A sum of kernels of weights 0 or more, so what is built on it stays positive semi-definite.
    """
    by = np.sqrt(gates(rows, known, weights, share)).astype(np.float32)
    parts = [rows, *known.blocks.values()]
    scaled = [
        csr(part.data * np.repeat(by[:, m], np.diff(part.indptr)), part.indices, part.indptr, part.shape)
        for m, part in enumerate(parts)
    ]
    return unit_rows(_sparse.csr_array(_sparse.hstack(scaled, format="csr")))
