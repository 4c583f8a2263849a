"""Metrics of recommendations and of predicted ratings; each function names the variant it computes.

Ranking metrics take ``ids`` (u, K), the recommendations of each user, best first, padded with -1 (or lists of
different lengths, which are padded), and ``test`` (u, n), Interactions or a sparse matrix whose stored entries are
the held-out items of the same users, except for values below 0, which are dislikes. They are full-ranking metrics,
without sampled negatives. The mean is over the users with at least one held-out item; ``per_user=True`` returns the
(u,) float64 values for :func:`confidence_interval`, NaN for the other users.

``auc``, ``hit_rate``, ``map``, ``mrr``, ``ndcg``, ``precision`` and ``recall`` measure the ranking of held-out items;
``coverage``, ``gini``, ``intra_list_diversity`` and ``novelty`` the recommendations themselves; ``mae`` and ``rmse``
the errors of predicted ratings. All import NumPy alone.
"""

from __future__ import annotations

from .beyond import coverage, gini, intra_list_diversity, novelty
from .intervals import confidence_interval
from .ranking import auc, hit_rate, map, mrr, ndcg, precision, recall
from .ratings import mae, rmse

__all__ = [
    "auc",
    "confidence_interval",
    "coverage",
    "gini",
    "hit_rate",
    "intra_list_diversity",
    "mae",
    "map",
    "mrr",
    "ndcg",
    "novelty",
    "precision",
    "recall",
    "rmse",
]
