"""Interactions and tables with outside ids, in any order, and models small enough to fit often. Holds no test."""

from __future__ import annotations

from typing import Any

import numpy as np

from attnrec.data import Interactions
from attnrec.features import FeatureEncoder, Features
from attnrec.models import KernelAttentionRecommender, KernelAttentionRegressor, NeighbourAttention, SoftmaxRecommender

__all__ = [
    "DATA",
    "FILMS",
    "ITEMS",
    "MAKE",
    "PEOPLE",
    "USERS",
    "WITH",
    "by_name",
    "films",
    "fitted",
    "people",
    "shuffled",
    "some",
]

USERS, ITEMS = 18, 12
_rng = np.random.default_rng(5)
_PAIRS = np.argwhere(_rng.random((USERS, ITEMS)) < 0.4)
DATA = Interactions.from_arrays(
    [f"u{u}" for u, _ in _PAIRS], [f"i{i}" for _, i in _PAIRS], 1 + _rng.integers(0, 5, len(_PAIRS))
)
FILMS: dict[str, list[Any]] = {
    "film": [f"i{i}" for i in range(ITEMS)],
    "genre": [["war", "love", "crime"][i % 3] for i in range(ITEMS)],
    "year": [1950 + 7 * i for i in range(ITEMS)],
}
PEOPLE: dict[str, list[Any]] = {
    "who": [f"u{u}" for u in range(USERS)],
    "town": [["P", "Q", "R", "S"][u % 4] for u in range(USERS)],
}
MAKE: dict[str, Any] = {
    "softmax": lambda: SoftmaxRecommender(factors=6, epochs=2, random_state=0),
    "kernel": lambda: KernelAttentionRecommender(based_on="items"),
    "both": lambda: KernelAttentionRecommender(based_on="both"),
    "ratings": lambda: KernelAttentionRegressor(content_weight=0.3, user_content_weight=0.3, passes=1),
    "neighbours": lambda: NeighbourAttention(),
}
WITH: dict[str, tuple[str, ...]] = {  # which features each takes
    "softmax": ("item_features", "user_features"),
    "kernel": ("item_features",),
    "both": ("item_features",),
    "ratings": ("item_features", "user_features"),
    "neighbours": (),
}


def some(table: dict[str, list[Any]], rows: Any) -> dict[str, list[Any]]:
    """Rows of a table, in that order."""
    return {name: [values[int(row)] for row in rows] for name, values in table.items()}


def films(rows: Any = range(ITEMS)) -> Features:
    """Features of these rows, of an encoder that saw all."""
    return FeatureEncoder(categories="genre", numbers="year", id="film").fit(FILMS).transform(some(FILMS, rows))


def people(rows: Any = range(USERS)) -> Features:
    """Likewise."""
    return FeatureEncoder(categories="town", id="who").fit(PEOPLE).transform(some(PEOPLE, rows))


def shuffled(data: Interactions, users: Any, items: Any) -> Interactions:
    """The same interactions, with users and items in another order, or some of them."""
    matrix = data.user_items[np.asarray(users)][:, np.asarray(items)]
    return Interactions.from_sparse(matrix, data.users.names(users), data.items.names(items), explicit=data.explicit)


def fitted(name: str, data: Interactions = DATA, **features: Any) -> Any:
    """A model; of what it takes, with features in the order of the tables unless told."""
    given = {"item_features": films, "user_features": people}
    inputs = {side: features[side] if side in features else given[side]() for side in WITH[name]}
    return MAKE[name]().fit(data, **inputs, show_progress=False)


def by_name(model: Any, found: Any, users: Any) -> dict[Any, list[tuple[Any, float]]]:
    """Recommendations by outside ids: those of each user in ``users``."""
    ids, scores = np.asarray(found[0]), np.asarray(found[1])
    return {
        user: [(model.item_ids[int(i)], float(s)) for i, s in zip(*row, strict=True) if i >= 0]
        for user, row in zip(users, zip(ids, scores, strict=True), strict=True)
    }
