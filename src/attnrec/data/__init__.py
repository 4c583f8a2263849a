"""Interactions and ids from files, frames and matrices, splits, and frames of recommendations."""

from __future__ import annotations

from .alignment import Alignment
from .columns import COMMON_NAMES, guess_columns
from .demo import load_demo
from .ids import Ids
from .interactions import Interactions
from .items import Items, read_items
from .popularity import popularity
from .read_report import Report
from .recommender import FrameRecommender
from .splits import UserHoldout, kfold, leave_last_out, pair, random_holdout, temporal, user_holdout

__all__ = [
    "COMMON_NAMES",
    "Alignment",
    "FrameRecommender",
    "Ids",
    "Interactions",
    "Items",
    "Report",
    "UserHoldout",
    "guess_columns",
    "kfold",
    "leave_last_out",
    "load_demo",
    "pair",
    "popularity",
    "random_holdout",
    "read_items",
    "temporal",
    "user_holdout",
]
