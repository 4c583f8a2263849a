"""Interactions and ids from files, frames and matrices. Imports pandas, polars and pyarrow only where they are used."""

from __future__ import annotations

from .alignment import Alignment
from .columns import COMMON_NAMES, guess_columns
from .demo import load_demo
from .ids import Ids
from .interactions import Interactions
from .items import Items, read_items
from .popularity import popularity
from .read_report import Report
from .splits import HeldOutUsers, held_out_users, kfold, leave_last_out, pair, random_holdout, temporal

__all__ = [
    "COMMON_NAMES",
    "Alignment",
    "HeldOutUsers",
    "Ids",
    "Interactions",
    "Items",
    "Report",
    "guess_columns",
    "held_out_users",
    "kfold",
    "leave_last_out",
    "load_demo",
    "pair",
    "popularity",
    "random_holdout",
    "read_items",
    "temporal",
]
