"""Recommendations of one user with the largest contributions of the history, as records."""

from __future__ import annotations

from typing import Any

from ..explain.explanation import Explanation
from ._source import Source

__all__ = ["because", "recommended", "rows_of", "score_columns"]


def recommended(source: Source, user: int, k: int, reasons: int = 3, clip: bool = True) -> list[dict[str, Any]]:
    """The k best items for a user, best first: rank, item, title, score, weight, because."""
    found = source.model.recommend(user, N=k, return_weights=True, clip=clip)
    ids, scores, weights = (each.tolist() for each in found)
    listed = [item for item in ids if item >= 0]
    why = source.model.explain_many(user, listed, N=reasons) if reasons and listed else [None] * len(listed)
    return [
        {
            "rank": rank,
            "item": source.items[item],
            "title": source.title(item),
            "score": score,
            "weight": weight,
            "because": [] if whence is None else because(source, whence),
        }
        for rank, (item, whence, score, weight) in enumerate(zip(listed, why, scores, weights, strict=False), start=1)
    ]


def because(source: Source, why: Explanation) -> list[dict[str, Any]]:
    """The history items that an explanation lists, and what each added to the score."""
    return [
        {"item": source.items[other], "title": source.title(other), "contribution": added}
        for other, added in why.contributions
    ]


def score_columns(numbers: bool) -> list[tuple[str, str]]:
    """Columns of the table that :func:`rows_of` fills.

    What implicit feedback scores is the weight itself, so one column shows both.
    """
    middle = [("score", "right"), ("weight", "right")] if numbers else [("weight", "right")]
    return [("#", "right"), ("title", "wide"), *middle, ("counts most, of the history", "cut")]


def rows_of(records: list[dict[str, Any]], numbers: bool, *, spaced: bool = False) -> list[list[str]]:
    """Records of :func:`recommended` as rows of text; ``spaced`` puts an empty line after each."""
    return [
        [
            str(record["rank"]),
            record["title"] + "\n" * spaced,
            *([f"{record['score']:.2f}"] if numbers else []),
            f"{record['weight']:.1%}",
            "\n".join(_reason(reason, numbers) for reason in record["because"]) + "\n" * spaced or "-",
        ]
        for record in records
    ]


def _reason(reason: dict[str, Any], numbers: bool) -> str:
    """What a history item added, in units of the rating or points of attention, and the item."""
    added = reason["contribution"]
    return f"{added:+.2f} {reason['title']}" if numbers else f"{added:+.1%} {reason['title']}"
