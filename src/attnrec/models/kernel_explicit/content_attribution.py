"""Contributions of content columns and of interactions to a rating predicted by kernel attention."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..content import attribution
from ..content.attribution import Added, Columns
from ..inputs.histories import CSR, Array, RowChunks, entries_of
from ..linalg.kernel import Kernel
from .passes import Passes
from .stage import Rows

__all__ = ["Views"]

_Split = tuple[Array, float]  # what columns add, and the rest of the similarity


class Views:
    """The columns behind predictions for some users, of a model with content.

    A kernel is split as ``K = K_0 + (K - K_0)``, where ``K_0 = exp(-1 / temperature)`` is its value at similarity 0.
    The rest is divided among the columns of content and the interactions, in proportion to their part of the
    similarity C. Where users and items both have content, a product of two kernels is divided equally: ``(K_U - K_0U)
    (K_I + K_0I) / 2`` to users, and likewise to items.

    Parameters
    ----------
    passes : Passes
    columns : Columns
    rows, kernels : Rows, list of (b, users) float32
        What :meth:`Passes.predict` gave for the users.
    userids : (b,) int64
    content : (b, width) CSR or None
        Columns of the users' own content, as they are compared.
    """

    def __init__(
        self, passes: Passes, columns: Columns, rows: Rows, kernels: list[Array], userids: Array, content: CSR | None
    ) -> None:
        self._passes, self._columns, self._userids, self._content = passes, columns, userids, content
        self._rows, self._kernels = rows, kernels

    def of(self, row: int, item: int, whole: float, n: int) -> attribution.Views:
        """Views of the prediction for an item, for the user of a row; see :meth:`Columns.views`."""
        predictor = self._passes.predictors[-1]
        ids: list[Array] = [np.zeros(0, np.int64)]
        splits: list[_Split] = []
        items = self._passes.content(1)
        product_kernels = predictor.system.product_kernels
        own = [term.items.rows(np.array([item]))[0] for term in product_kernels]
        if items is not None:
            at, values = entries_of(items.rows, item)
            weights = [w[row] for w in self._item_weights]
            splits.append(
                _split([j.items for j in product_kernels], own, RowChunks.of(items.transposed, at), values, weights)
            )
            ids.append(at)
        if self._content is not None and (users := self._passes.content(0)) is not None:
            at, values = entries_of(self._content, row)
            weights, rows = self._user_weights(row, item, own), [k[row] for k in self._kernels]
            splits.append(
                _split([j.users for j in product_kernels], rows, RowChunks.of(users.transposed, at), values, weights)
            )
            ids.append(at + (0 if items is None else items.rows.shape[1]))
        added = [np.zeros(0), *(part for part, _ in splits)]
        rest = float(sum(rest for _, rest in splits))
        scaled = Added(np.concatenate(ids), predictor.scale * np.concatenate(added), predictor.scale * rest)
        return self._columns.views(scaled, whole, n)

    @cached_property
    def _item_weights(self) -> list[Array]:
        """Weight of the kernel between each item and another in the other's prediction, (b, items) each."""
        predictor, coefficients, out = self._passes.predictors[-1], self._rows.coefficients, []
        system, fitted = predictor.system, np.flatnonzero(self._userids >= 0)
        at = np.repeat(np.arange(len(self._userids)), np.diff(coefficients.indptr))
        for k, (term, kernel) in enumerate(zip(system.product_kernels, self._kernels, strict=True)):
            attention = kernel.T.astype(np.float64)
            if self._content is not None:
                attention = (attention + term.users.uniform) / 2
                attention[self._userids[fitted], fitted] = 0
            weights = np.ascontiguousarray((predictor.transposed @ attention).T)
            weights *= term.weight
            own = term.weight + (system.item_kernel_weight if k == 0 else 0)
            weights[at, coefficients.indices] += own * coefficients.data
            out.append(weights)
        return out

    def _user_weights(self, row: int, item: int, own: list[Array]) -> list[Array]:
        """Weight of the kernel between each user and this one in an item's prediction, (users,) per product kernel."""
        predictor, user = self._passes.predictors[-1], int(self._userids[row])
        system, out = predictor.system, []
        raters, said = entries_of(predictor.transposed, item)
        for k, (term, kernel) in enumerate(zip(system.product_kernels, own, strict=True)):
            both = self._passes.content(1) is not None
            attention = kernel.astype(np.float64)
            weights = term.weight * (predictor.sparse @ ((attention + term.items.uniform) / 2 if both else attention))
            weights[raters] += (system.user_kernel_weight if k == 0 else 0) * said
            weights[[user] if user >= 0 else []] = 0
            out.append(weights)
        return out


def _split(kernels: list[Kernel], rows: list[Array], columns: RowChunks, values: Array, weights: list[Array]) -> _Split:
    """``weights (K - K_0)``, summed over kernels with a row and weights (n,) for each: what each of some ``columns``
    (k, n) adds, ``values`` (k,) being those of the one that the rows are of, and the rest."""
    out, whole = np.zeros(len(values)), 0.0
    for kernel, row, weight in zip(kernels, rows, weights, strict=True):
        logits = np.log(np.maximum(row, np.finfo(np.float32).tiny), dtype=np.float64)
        logits += 1 / kernel.temperature
        more = np.subtract(row, kernel.uniform, dtype=np.float64)
        whole += float(weight @ more)
        none = logits == 0
        logits[none] = 1
        more[none] = kernel.uniform  # the limit of their quotient
        more /= logits
        more *= weight
        out += kernel.parts[-1][0] / kernel.temperature * values * columns.times(more)
    return out, whole - float(out.sum())
