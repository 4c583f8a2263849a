"""Interactions and ids from files, frames and matrices. Imports pandas, polars and pyarrow only where they are used."""

from __future__ import annotations

from .columns import COMMON_NAMES, guess_columns
from .demo import load_demo
from .ids import Ids
from .interactions import Interactions
from .items import Items, read_items
from .recommender import FrameRecommender
from .report import Report
from .splits import leave_last_out, random_holdout

__all__ = [
    "COMMON_NAMES",
    "FrameRecommender",
    "Ids",
    "Interactions",
    "Items",
    "Report",
    "guess_columns",
    "leave_last_out",
    "load_demo",
    "random_holdout",
    "read_items",
]
