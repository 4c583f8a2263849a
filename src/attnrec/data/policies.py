"""Policies of the readers for duplicate, missing and out-of-range rows, and the entries their docstrings share."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

__all__ = ["ReadPolicy", "documented"]

F = TypeVar("F", bound=Callable[..., Any])

_DUPLICATES = ("last", "first", "mean", "sum", "error")


@dataclass(frozen=True)
class ReadPolicy:
    """Policies of a reader, checked when they are given; ``keep_ids`` keeps ids without interactions too."""

    duplicates: Literal["last", "first", "mean", "sum", "error"] = "last"
    missing: Literal["error", "drop"] = "error"
    rating_range: tuple[float, float] | None = None
    out_of_range: Literal["error", "drop"] = "error"
    keep_ids: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("duplicates", _DUPLICATES),
            ("missing", ("error", "drop")),
            ("out_of_range", ("error", "drop")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r} is not one of {', '.join(map(repr, allowed))}")
        if self.rating_range is not None:
            try:
                low, high = (float(bound) for bound in self.rating_range)
            except (TypeError, ValueError):
                raise ValueError(
                    f"rating_range={self.rating_range!r} is not a pair of numbers (lowest, highest)"
                ) from None
            if not low < high:
                raise ValueError(f"rating_range={self.rating_range!r}: the lowest must be below the highest")
            object.__setattr__(self, "rating_range", (low, high))


# Entries that the docstrings of several readers have in common, by the name that stands for them: %(policy)s.
_ENTRIES = {
    "policy": """
duplicates : {"last", "first", "mean", "sum", "error"}
    Value of several rows of one user and item: that of the last row (the latest if there are timestamps), that of
    the first, the mean or the sum of their ratings; or an error.
missing : {"error", "drop"}
    Treatment of rows without a user, item, finite rating or timestamp: an error, or leave them out.
rating_range : (float, float), optional
    Lowest and highest rating allowed, compared in float32; predicted ratings are clipped to it. If not given, all
    ratings are allowed, and the range is that of the ratings read.
out_of_range : {"error", "drop"}
    Treatment of rows with a rating outside of ``rating_range``: an error, or leave them out.""",
    "columns": """
user : str, int, False or None
    Column of users, by name or position from 0; None guesses it from common headers (userId, user_id, ...).
item : str, int, False or None
    Column of items, by name or position from 0; None guesses it from common headers (itemId, movieId, ...).
rating : str, int, False or None
    Column of ratings, by name or position from 0; None guesses it from common headers, False reads no ratings.
timestamp : str, int, False or None
    Column of times, by name or position from 0; None guesses it from common headers, False reads no times.""",
}


def documented(function: F) -> F:
    """Replace each line ``%(name)s`` of a docstring by the shared entries of that name."""
    if function.__doc__:  # there is none under python -OO
        function.__doc__ = re.sub(
            r"^( *)%\((\w+)\)s$",
            lambda found: textwrap.indent(_ENTRIES[found[2]].lstrip("\n"), found[1]),
            function.__doc__,
            flags=re.MULTILINE,
        )
    return function
