"""Report section about one user: the history, the recommendations, and their explanations."""

from __future__ import annotations

import numpy as np

from ..explain._bars import decimals
from ..explain.explanation import Explanation, Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ._html import element, table, text
from ._svg import bars

__all__ = ["user_section"]

_PARTS = 8  # bars of a picture, beside sums
_HISTORY = 24  # items of a history that are named
_TITLES = {
    "contributions": "What the history adds",
    "modalities": "By modality",
    "features": "By feature",
    "neighbours": "The same score by other users",
}


def user_section(model: Recommender[FittedState], user: int, n: int, names: Names, user_names: Names) -> str:
    """A user's history and ``n`` recommendations, each with its reasons."""
    who = named(user, user_names, "user")
    ids, scores, weights = (each.tolist() for each in model.recommend(user, N=n, return_weights=True))
    ids = [item for item in ids if item >= 0]
    inner = [element("h2", text(who)), _history(model, user, names)]
    if not ids:
        inner.append(element("p", "Nothing is left to recommend: every item is in the history, or disliked."))
        return element("section", "\n".join(inner))
    digits = decimals(scores[: len(ids)]) + 1
    lines = [
        [str(rank), text(named(item, names, "item")), f"{score:.{digits}f}", f"{weight:.1%}"]
        for rank, (item, score, weight) in enumerate(zip(ids, scores, weights, strict=False), start=1)
    ]
    heads = [("#", "n"), ("item", ""), ("predicted rating" if model.predicts_ratings else "score", "n")]
    inner.append(element("div", table([*heads, ("attention behind it", "n")], lines), class_="card"))
    for rank, why in enumerate(model.explain_many(user, ids, N=_PARTS), start=1):
        inner.append(_reasons(model, why, rank, weights[rank - 1], names, user_names))
    return element("section", "\n".join(inner))


def _history(model: Recommender[FittedState], user: int, names: Names) -> str:
    """The items of the history, the highest values first."""
    row = model.user_items[[user]]
    if not row.nnz:
        return element("p", "There is no history: everybody without one gets these.")
    order = np.lexsort((row.indices, -row.data))
    valued = model.predicts_ratings
    chips = [
        element("li", text(named(item, names, "item")) + (f" {element('b', f'{value:g}')}" if valued else ""))
        for item, value in zip(row.indices[order][:_HISTORY].tolist(), row.data[order].tolist(), strict=False)
    ]
    if row.nnz > _HISTORY:
        chips.append(element("li", f"{row.nnz - _HISTORY:,} more", class_="soft"))
    intro = "The history, what was rated highest first" if valued else "The history"
    return element("h4", intro) + element("ul", "".join(chips), class_="chips")


def _reasons(
    model: Recommender[FittedState], why: Explanation, rank: int, weight: float, names: Names, user_names: Names
) -> str:
    """Why one item is recommended: pictures, sentences, and what would be without parts of the history."""
    title = named(why.itemid, names, "item")
    score = f"{why.total:.4g} {element('span', f'{weight:.1%} of attention', class_='soft')}"
    top = element("h3", f"{rank}. {text(title)}") + element("div", score, class_="score")
    inner = [element("div", top, class_="top")]
    start = f", starting at {why.bias:.4g}, {why.bias_name}" if why.bias else ""
    for view, part in why.views().items():
        if len(part):
            rows = why.bars(view, user_names if view == "neighbours" else names if view == "contributions" else None)
            about = f"{_TITLES[view]}, added to {why.bias:.4g}, {why.bias_name}: {title} scores {why.total:.4g}"
            picture = bars(rows, len(rows) - len(part), about)
            if view == "neighbours":
                picture = element("details", element("summary", text(_TITLES[view] + start)) + picture)
            else:
                picture = element("h4", text(_TITLES[view] + start)) + picture
            if view == "modalities":
                sizes = ", ".join(f"{name} {share:.0%}" for name, share in why.shares().items())
                picture += element("p", text(f"Shares of these by size: {sizes}."), class_="soft")
            inner.append(picture)
    if why.sources:
        picture = bars(list(why.sources.items()), 0, f"What each source adds to the score of {title}")
        inner += [element("h4", text(f"By source{start}")), picture]
    lines = why.text(names, user_names).splitlines()
    without = model.counterfactuals(why.userid, why.itemid, N=_PARTS).text(names, user_names).splitlines()[1]
    inner += [element("h4", "In words"), *(element("p", text(line)) for line in lines)]
    inner += [element("h4", "Without single items of the history"), element("p", text(without))]
    return element("article", "\n".join(inner), class_="card")
