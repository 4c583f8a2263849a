"""SoftmaxRecommender: vectors learned under the softmax loss over all items."""

from __future__ import annotations

from .recommender import SoftmaxRecommender

__all__ = ["SoftmaxRecommender"]
