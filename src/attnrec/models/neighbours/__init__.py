"""NeighbourAttention: softmax attention of a user over the other users."""

from __future__ import annotations

from .recommender import NeighbourAttention

__all__ = ["NeighbourAttention"]
