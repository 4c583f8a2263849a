"""Contributions of feature columns and of interactions to the cosine of a user and an item."""

from __future__ import annotations

import numpy as np

from ..base.queries import Queries
from ..content import attribution, feature_rows
from ..content.attribution import Added, Columns
from ..inputs.histories import Array
from .state import SoftmaxState

__all__ = ["Views"]


class Views:
    """Scores of some users by column of the features of items and users.

    With ``u = (h + sum_g y_g B_g) / a`` for a user whose history says h, and ``v = (e + sum_c x_c W_c) / b`` for an
    item, a and b being the lengths of what is above, ``u . v`` is the sum of ``y_g B_g . v / a`` by column of the user,
    of ``h . x_c W_c / (a b)`` by column of the item, and of ``h . e / (a b)``, which is what interactions say.

    Parameters
    ----------
    state : SoftmaxState
    columns : Columns
    queries : Queries
    users : (b, d) float64
        Vectors of length 1.
    lengths : (b,) float64
        What they were divided by, times the temperature; 0 for the mean user.
    part : (b, d) float32 or None
        What the users' features added before.
    """

    def __init__(
        self,
        state: SoftmaxState,
        columns: Columns,
        queries: Queries,
        users: Array,
        lengths: Array,
        part: Array | None,
    ) -> None:
        self._state, self._columns, self._queries = state, columns, queries
        self._lengths = np.where(lengths > 0, lengths, state.temperature)
        self._part = None if part is None else part / self._lengths[:, None]
        self._rest = users / state.temperature - (0 if self._part is None else self._part)

    def of(self, row: int, itemid: int, item: Array, whole: float, n: int) -> attribution.Views:
        """Views of the score of an item, whose vector is ``item``, for the user of a row; see :meth:`Columns.views`."""
        s, rest = self._state, self._rest[row]
        ids, added = [np.zeros(0, np.int64)], [np.zeros(0)]
        interactions, width = float(rest @ item), 0
        if s.item is not None:
            at, values = feature_rows.entries(s.item.content, itemid)
            length = float(np.linalg.norm(s.items[itemid].astype(np.float64))) or 1.0
            ids.append(at)
            added.append(values * (s.item.features[at].astype(np.float64) @ rest) / length)
            interactions, width = interactions - float(added[-1].sum()), len(s.item.features)
        if self._part is not None and s.user is not None:
            given, user = self._queries.features, int(self._queries.userids[row])
            rows, which = (s.user.content, user) if given is None else (given, row)
            if which >= 0:
                columns, values = feature_rows.entries(rows, which)
                ids.append(columns + width)
                added.append(values * (s.user.features[columns].astype(np.float64) @ item) / self._lengths[row])
        return self._columns.views(Added(np.concatenate(ids), np.concatenate(added), interactions), whole, n)
