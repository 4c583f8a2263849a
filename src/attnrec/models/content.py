"""Hooks of estimators whose kernels compare content too. The contract is in base.py; what is stored, in
content_state.py."""

from __future__ import annotations

from typing import Any

from . import content_state, fusion
from .base import Queries, Recommender
from .content_views import Columns
from .sparse import Array

__all__ = ["WithContent"]


class WithContent(Recommender):
    """Features that a model was fitted with: kept, updated, asked with, and named."""

    def _known_features(self, name: str, ids: Array, given: Any, n: int) -> Any:
        return content_state.updated(name, self._fitted(), ids, given, n)

    def _user_features(self, given: Any, n: int) -> Any:
        return content_state.of_queries(self._fitted(), given, n)

    def _content_of(self, queries: Queries) -> fusion.Content | None:
        """What users bring along, if they do."""
        return None if queries.features is None else content_state.rows_of(self._fitted(), queries.features)

    def _columns(self) -> Columns:
        s = self._fitted()
        out: Columns = self._derived("columns", lambda: Columns.of_content(*content_state.contents(s)))
        return out
