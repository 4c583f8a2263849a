"""KernelAttentionRecommender: attention on histories with values solved in closed form."""

from __future__ import annotations

from .recommender import KernelAttentionRecommender

__all__ = ["KernelAttentionRecommender"]
