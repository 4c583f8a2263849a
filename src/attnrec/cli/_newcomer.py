"""Demonstration of item cold start: a film of the bundled set without interactions, ranked by its content."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..data.demo import Demo
    from ..explain.explanation import Explanation

__all__ = ["newcomer"]

_SAID = ("genres", "keywords", "year")


def newcomer(demo: Demo, film: int, viewer: int) -> tuple[dict[str, Any], Explanation, list[str]]:
    """What to tell of the film, why it has its score, and the titles by which that counts items."""
    from ..features import FeatureEncoder
    from ..models import KernelAttentionRecommender

    started = time.perf_counter()
    data = demo.interactions
    seen = np.delete(np.arange(data.n_items), data.items.position(film))
    others = data.items.names(seen)
    known = FeatureEncoder(multi=["genres", "keywords"], numbers="year").fit_transform(demo.items).align(others)
    model = KernelAttentionRecommender(based_on="items")
    model.fit(data.user_items[:, seen], item_features=known, show_progress=False)
    new, row = len(seen), demo.items.row(film)
    model.partial_fit_items([new], item_features={name: [row[name]] for name in _SAID})
    user = data.users.position(viewer)
    ids = model.recommend(user, N=model.n_items)[0]
    ids = ids[ids >= 0]
    told = {
        "item": film,
        "title": demo.items.title(film),
        "state": str(model.item_states([new])[0]),
        "rank": int(np.flatnonzero(ids == new)[0]) + 1,
        "of": len(ids),
        "seconds": time.perf_counter() - started,
    }
    titles = [demo.items.title(one) for one in [*others.tolist(), film]]
    return told, model.explain(user, new), titles
