"""Base class of estimators whose kernels also compare content: hooks that store, update and name features."""

from __future__ import annotations

from typing import Any

from ..base.recommender import Queries, Recommender
from ..inputs.histories import Array
from . import fusion, state
from .attribution import Columns

__all__ = ["WithContent"]


class WithContent(Recommender):
    """Features that a model was fitted with: kept, updated, asked with, and named."""

    def _known_features(self, name: str, ids: Array, given: Any, n: int) -> Any:
        return state.updated(name, self._fitted(), ids, given, n)

    def _user_features(self, given: Any, n: int) -> Any:
        return state.of_queries(self._fitted(), given, n)

    def _content_of(self, queries: Queries) -> fusion.Content | None:
        """What users bring along, if they do."""
        return None if queries.features is None else state.rows_of(self._fitted(), queries.features)

    def _columns(self) -> Columns:
        s = self._fitted()
        out: Columns = self._derived("columns", lambda: Columns.of_content(*state.contents(s)))
        return out
