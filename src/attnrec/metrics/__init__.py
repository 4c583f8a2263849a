"""Quality of recommendations and of predicted ratings. NumPy alone; each function names the variant it computes.

Ranking metrics take ``ids`` (u, K), the recommendations of each user, best first, -1 where there were fewer (or lists
of unlike lengths, which are filled up with -1), and ``test`` (u, n), Interactions or a sparse matrix whose stored
entries are the held-out items of the same users, but for values below 0, which are dislikes. They are full-ranking
metrics: nothing is sampled. The mean runs over the users with at least one held-out item; ``per_user=True`` gives the
(u,) float64 values instead, NaN for the other users, as :func:`confidence_interval` takes.

``auc``, ``hit_rate``, ``map``, ``mrr``, ``ndcg``, ``precision`` and ``recall`` say what was found again; ``coverage``,
``gini``, ``intra_list_diversity`` and ``novelty`` what else was shown; ``mae`` and ``rmse`` judge predicted ratings.
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
