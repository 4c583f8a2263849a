"""Why one item is recommended, as data for the template ``reasons.html.j2``. Computes through the model alone."""

from __future__ import annotations

from dataclasses import dataclass

from ..explain.explanation import Explanation, Names, named
from ..models.base.recommender import Recommender
from ..models.base.state import FittedState
from ._bars import Bars, bars

__all__ = ["PARTS", "Picture", "Recommendation", "recommendation"]

PARTS = 8  # bars of a picture, beside sums
_TITLES = {
    "contributions": "What the history adds",
    "modalities": "By modality",
    "features": "By feature",
    "neighbours": "The same score by other users",
}


@dataclass(frozen=True)
class Picture:
    """One view of an explanation as bars; ``shares`` says how large its parts are, where that is told."""

    title: str
    bars: Bars
    folded: bool = False
    shares: str = ""


@dataclass(frozen=True)
class Recommendation:
    """A recommended item and its reasons, as the templates show them."""

    rank: int
    title: str
    score: str  # with as many decimals as every score of the table
    total: str
    attention: str
    pictures: list[Picture]
    sentences: list[str]
    without: str


def recommendation(
    model: Recommender[FittedState],
    why: Explanation,
    rank: int,
    score: str,
    attention: str,
    names: Names,
    user_names: Names,
) -> Recommendation:
    """Why one item is recommended: pictures, sentences, and what would be without parts of the history."""
    title = named(why.itemid, names, "item")
    without = model.counterfactuals(why.userid, why.itemid, N=PARTS).text(names, user_names).splitlines()[1]
    return Recommendation(
        rank=rank,
        title=title,
        score=score,
        total=f"{why.total:.4g}",
        attention=attention,
        pictures=_pictures(why, title, names, user_names),
        sentences=why.text(names, user_names).splitlines(),
        without=without,
    )


def _pictures(why: Explanation, title: str, names: Names, user_names: Names) -> list[Picture]:
    """Every view of an explanation that lists something, and its sources."""
    start = f", starting at {why.bias:.4g}, {why.bias_name}" if why.bias else ""
    called = {"contributions": names, "neighbours": user_names}
    pictures = []
    for view, part in why.views().items():
        if not len(part):
            continue
        rows = why.bars(view, called.get(view))
        about = f"{_TITLES[view]}, added to {why.bias:.4g}, {why.bias_name}: {title} scores {why.total:.4g}"
        shares = (
            ", ".join(f"{name} {share:.0%}" for name, share in why.shares().items()) if view == "modalities" else ""
        )
        drawn = bars(rows, len(rows) - len(part), about)
        pictures.append(Picture(_TITLES[view] + start, drawn, folded=view == "neighbours", shares=shares))
    if why.sources:
        drawn = bars(list(why.sources.items()), 0, f"What each source adds to the score of {title}")
        pictures.append(Picture(f"By source{start}", drawn))
    return pictures
