"""ContentBridge: vectors of new items from content alone, for a fitted estimator."""

from __future__ import annotations

from .bridge import ContentBridge

__all__ = ["ContentBridge"]
