"""Items packed once for the kernels (ItemIndex), and single queries over them (Searcher)."""

from __future__ import annotations

from .item_index import ItemIndex
from .searcher import Searcher

__all__ = ["ItemIndex", "Searcher"]
