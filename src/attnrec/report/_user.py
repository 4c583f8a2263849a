"""One user of a report, as data for templates: history and recommendations. Computes through the model alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..explain._bars import decimals
from ..explain.explanation import Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ._reasons import PARTS, Recommendation, recommendation

__all__ = ["user_facts"]

_HISTORY = 24  # items of a history that are named


@dataclass(frozen=True)
class Rated:
    """An item of a history with its value."""

    title: str
    value: str


@dataclass(frozen=True)
class UserFacts:
    """What the template ``user.html.j2`` shows of a user; ``unlisted`` counts items of the history, "" where none."""

    name: str
    ratings: bool
    history: list[Rated]
    unlisted: str
    recommendations: list[Recommendation]


def user_facts(model: Recommender[FittedState], user: int, n: int, names: Names, user_names: Names) -> UserFacts:
    """A user's history and ``n`` recommendations, each with its reasons."""
    ids, scores, weights = (each.tolist() for each in model.recommend(user, N=n, return_weights=True))
    ids = [item for item in ids if item >= 0]
    digits = decimals(scores[: len(ids)]) + 1
    whys = model.explain_many(user, ids, N=PARTS) if ids else []
    recommended = [
        recommendation(model, why, rank, f"{score:.{digits}f}", f"{weight:.1%}", names, user_names)
        for rank, (why, score, weight) in enumerate(zip(whys, scores, weights, strict=False), start=1)
    ]
    history, unlisted = _history(model, user, names)
    return UserFacts(named(user, user_names, "user"), model.predicts_ratings, history, unlisted, recommended)


def _history(model: Recommender[FittedState], user: int, names: Names) -> tuple[list[Rated], str]:
    """The items of the history, the highest values first, and how many are not listed."""
    row = model.user_items[[user]]
    order = np.lexsort((row.indices, -row.data))[:_HISTORY]
    listed = [
        Rated(named(item, names, "item"), f"{value:g}")
        for item, value in zip(row.indices[order].tolist(), row.data[order].tolist(), strict=True)
    ]
    return listed, f"{row.nnz - _HISTORY:,}" if row.nnz > _HISTORY else ""
