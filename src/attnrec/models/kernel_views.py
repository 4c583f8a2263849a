"""What content adds to a rating that kernel attention predicts, by column, and what interactions do. Learns nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from . import neighbour_terms as terms
from .content_views import Added, Columns
from .kernel_passes import Passes
from .kernel_rows import Kernel
from .kernel_stage import Rows
from .sparse import CSR, Array, entries_of, taken

__all__ = ["Views"]

_Split = tuple[Array, float]  # what columns add, and the rest of the similarity


class Views:
    """The columns behind predictions for some users, of a model with content.

    A kernel is split as ``K = K_0 + (K - K_0)``, ``K_0 = exp(-1 / temperature)`` being there whatever is compared. The
    second is shared by the parts of the similarity C in proportion to their part of C: by each column of content, and
    by what is left, which is what interactions say. Where users and items both have content, a product of two kernels
    goes to both alike: ``(K_U - K_0U) (K_I + K_0I) / 2`` to users, and likewise to items.

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
        self._item_weights = lru_cache(1)(self._weights_of_items)  # pairs come a user at a time

    def of(self, row: int, item: int, whole: float, n: int) -> dict[str, Any]:
        """Views of the prediction for an item, for the user of a row; see :meth:`Columns.views`."""
        stage = self._passes.stages[-1]
        ids, splits = [np.zeros(0, np.int64)], []
        items = self._passes.content(1)
        own = [joint.items.rows(np.array([item]))[0].astype(np.float64) for joint in stage.system.joints]
        if items is not None:
            at, values = entries_of(items.rows, item)
            pairs = zip(stage.system.joints, own, self._item_weights(row), strict=True)
            columns = taken(items.turned, at)
            splits.append([_split(joint.items, k, columns, values, w) for joint, k, w in pairs])
            ids.append(at)
        if self._content is not None and (users := self._passes.content(0)) is not None:
            at, values = entries_of(self._content, row)
            pairs = zip(stage.system.joints, self._kernels, self._user_weights(row, item, own), strict=True)
            columns = taken(users.turned, at)
            splits.append([_split(joint.users, k[row], columns, values, w) for joint, k, w in pairs])
            ids.append(at + (0 if items is None else items.rows.shape[1]))
        added = [np.zeros(0), *(np.sum([each for each, _ in split], axis=0) for split in splits)]
        rest = float(sum(rest for split in splits for _, rest in split))
        scaled = Added(np.concatenate(ids), stage.scale * np.concatenate(added), stage.scale * rest)
        return self._columns.views(scaled, whole, n)

    def _weights_of_items(self, row: int) -> list[Array]:
        """What every item's likeness to another adds to the prediction of that one, (items,) for each joint kernel."""
        stage, user = self._passes.stages[-1], int(self._userids[row])
        system, out = stage.system, []
        mine = np.zeros(system.pattern.shape[1])
        at, own = entries_of(self._rows.coefficients, row)
        mine[at] = own
        for k, (joint, kernel) in enumerate(zip(system.joints, self._kernels, strict=True)):
            attention = kernel[row].astype(np.float64)
            if self._content is not None:
                attention = (attention + joint.users.uniform) / 2
                attention[[user] if user >= 0 else []] = 0
            others = joint.strength * (stage.turned @ attention)
            out.append(others + (joint.strength + (system.own if k == 0 else 0)) * mine)
        return out

    def _user_weights(self, row: int, item: int, own: list[Array]) -> list[Array]:
        """What every user's likeness to this one adds to the prediction for an item, (users,) likewise."""
        stage, user = self._passes.stages[-1], int(self._userids[row])
        system, out = stage.system, []
        raters, said = entries_of(stage.turned, item)
        for k, (joint, kernel) in enumerate(zip(system.joints, own, strict=True)):
            both = self._passes.content(1) is not None
            weights = joint.strength * (stage.sparse @ ((kernel + joint.items.uniform) / 2 if both else kernel))
            weights[raters] += (system.same if k == 0 else 0) * said
            weights[[user] if user >= 0 else []] = 0
            out.append(weights)
        return out


def _split(kernel: Kernel, row: Array, columns: CSR, values: Array, weights: Array) -> _Split:
    """``weights (K - K_0)`` for a row of the kernel: what each of some ``columns`` (k, n) adds, ``values`` (k,) being
    those of the one that the row is of, and the rest."""
    row = row.astype(np.float64)
    cosines = 1 + kernel.temperature * np.log(np.maximum(row, np.finfo(np.float32).tiny))
    each = weights * terms.per_cosine(cosines, kernel.uniform, row, kernel.temperature)
    part: Array = kernel.parts[-1][0] * values * (columns @ each)
    return part, float(weights @ (row - kernel.uniform)) - float(part.sum())
