"""Saved models that recommend in outside ids, as frames. Trains nothing."""

from __future__ import annotations

from .bundle import Bundle, load
from .frame_recommender import FrameRecommender

__all__ = ["Bundle", "FrameRecommender", "load"]
