"""Features of items and users from their tables: text, categories, numbers, dates and ready vectors."""

from __future__ import annotations

from .encoder import FeatureEncoder
from .matrix import Features

__all__ = ["FeatureEncoder", "Features"]
