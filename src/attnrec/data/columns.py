"""Guesses of the role of each column from a table of common headers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["COMMON_NAMES", "ITEM_NAMES", "Column", "guess_columns", "locate_columns", "roles_of", "simple"]

Column = str | int | Literal[False] | None
"""A column by name or position; None: guess; False: there is none."""

COMMON_NAMES: Mapping[str, tuple[str, ...]] = {
    role: tuple(headers.split())
    for role, headers in {
        "user": "user userid uid useridx username usr viewer viewerid customer customerid client clientid reviewer "
        "reviewerid member memberid profileid account accountid person personid visitor visitorid",
        "item": "item itemid iid itemidx movie movieid mid film filmid product productid book bookid isbn asin "
        "parentasin wine wineid beer beerid song songid track trackid artist artistid anime animeid game gameid joke "
        "jokeid business businessid recipe recipeid restaurantid placeid venueid locationid article articleid newsid "
        "video videoid showid titleid contentid sku",
        "rating": "rating ratings userrating bookrating stars star score overall reviewoverall preference grade",
        "timestamp": "timestamp timestamps ts time date datetime unixreviewtime reviewtime ratedat createdat "
        "ratingtime ratingdate eventtime eventdate checkintime timestampms",
    }.items()
}
"""Role -> headers taken for it, compared in lower case without ``_``, ``-``, ``.``, spaces and what follows a ``:``.

What joins append to a name that both sides have (``rating_x``, ``rating_right``, ``rating.1``) is not part of it.
"""

ITEM_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (*COMMON_NAMES["item"], "id"),
    "title": ("title", "name", "movietitle", "booktitle", "itemtitle", "itemname", "productname", "producttitle"),
}
"""The same for a table of items."""

_REQUIRED = {"user", "item", "id"}
_SUFFIX = re.compile(r"([._](x|y|left|right|\d+)|_duplicated_\d+)$", re.IGNORECASE)
_BESIDE = re.compile(r"(left|_\d+)$", re.IGNORECASE)  # suffixes of a join only beside another column of that name
_WORDS = {"rating", "ratings", "stars"}


def guess_columns(
    names: Sequence[str],
    *,
    given: Mapping[str, Column] | None = None,
    table: Mapping[str, Sequence[str]] = COMMON_NAMES,
    source: str = "",
) -> dict[str, str]:
    """Find the column of each role by its header.

    Parameters
    ----------
    names : sequence of str
        The headers there are.
    given : mapping of role -> column, optional
        What the caller said: a name, a position, False for "there is none", None for "guess".
    table : mapping of role -> headers
        :data:`COMMON_NAMES` (user, item, rating, timestamp) or :data:`ITEM_NAMES` (id, title).
    source : str
        File or function, put before messages.

    Returns
    -------
    dict of role -> header
        Roles that have no column are absent.

    Raises
    ------
    ValueError
        If a given column does not exist or is there twice, the user or item is not found, a guess is ambiguous, or a
        column speaks of ratings and is no common name. The message lists the columns and names the argument to give.

    Examples
    --------
    >>> guess_columns(["userId", "movieId", "rating", "timestamp"])
    {'user': 'userId', 'item': 'movieId', 'rating': 'rating', 'timestamp': 'timestamp'}
    >>> guess_columns(["who", "UserID", "ISBN"], given={"user": "who"})
    {'user': 'who', 'item': 'ISBN'}
    """
    names = list(names)
    return {role: names[k] for role, k in locate_columns(names, given=given, table=table, source=source).items()}


def locate_columns(
    names: Sequence[str],
    *,
    given: Mapping[str, Column] | None = None,
    table: Mapping[str, Sequence[str]] = COMMON_NAMES,
    source: str = "",
) -> dict[str, int]:
    """Role -> position of its column; as :func:`guess_columns`, also where two columns have one name.

    Examples
    --------
    >>> locate_columns(["user", "item", "rating", "rating"], given={"rating": 3})
    {'user': 0, 'item': 1, 'rating': 3}
    """
    given = given or {}
    lead = f"{source}: " if source else ""
    there_are = "columns are " + _told(names)
    found = {
        role: _given(column, role, names, lead)
        for role, column in given.items()
        if column is not None and column is not False
    }
    bases = [_base(name) for name in names]
    free = [k for k in range(len(names)) if k not in found.values()]
    out: dict[str, int] = {}
    for role, common in table.items():
        if role in found:
            out[role] = found[role]
            continue
        if role in given and given[role] is False:
            if role in _REQUIRED:
                raise ValueError(f"{lead}{role}=False: a {role} column is needed; {there_are}")
            continue
        hits = [k for k in free if simple(names[k]) in common or (bases[k] in common and _joined(k, names, bases))]
        if len(hits) > 1:
            listed = _told([names[k] for k in hits], " and ")
            fix = f"pass {role}="
            if len({names[k] for k in hits}) < len(hits):
                fix += f" as a position, such as {role}={hits[-1]}"
            raise ValueError(
                f"{lead}{listed} {'both' if len(hits) == 2 else 'all'} look like the {role}; {there_are}: {fix}"
            )
        if hits:
            out[role] = hits[0]
        elif role in _REQUIRED:
            raise ValueError(f"{lead}no column looks like the {role}; {there_are}: pass {role}=")
        elif role == "rating":
            _refuse_unsettled([names[k] for k in free], lead, there_are)
    return out


def roles_of(name: str, table: Mapping[str, Sequence[str]]) -> list[str]:
    """The roles that a header is a common name of."""
    return [role for role, common in table.items() if simple(name) in common]


def simple(name: str) -> str:
    """A header in lower case without ``_``, ``-``, ``.``, spaces and what follows a ``:``."""
    return re.sub(r"[\s_.\-]", "", name.partition(":")[0]).lower()


def _told(names: Sequence[str], between: str = ", ") -> str:
    return between.join(" ".join(name.split()) for name in names)


def _base(name: str) -> str:
    """A header as :func:`simple` gives it, without what a join or a second reading appends to a name that is twice."""
    return simple(_SUFFIX.sub("", name.partition(":")[0]))


def _joined(k: int, names: Sequence[str], bases: Sequence[str]) -> bool:
    """Whether the suffix of a name comes from a join: "time_left" and "item_1" alone may be anything."""
    lone = bases.count(bases[k]) == 1
    return not (lone and _BESIDE.search(names[k].partition(":")[0]))


def _refuse_unsettled(names: Sequence[str], lead: str, there_are: str) -> None:
    """Raise ValueError if a name that is no common one speaks of ratings, which would be left out without a word."""
    for name in names:
        if _WORDS & {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Za-z][a-z]*", name)}:
            raise ValueError(f"{lead}{name} may be the rating; {there_are}: pass rating={name!r}, or rating=False")


def _given(column: Column, role: str, names: Sequence[str], lead: str) -> int:
    there_are = "columns are " + _told(names)
    if isinstance(column, int) and not isinstance(column, bool):
        if not 0 <= column < len(names):
            raise ValueError(f"{lead}{role}={column} is not a position in 0 .. {len(names) - 1}; {there_are}")
        return column
    at = [k for k, name in enumerate(names) if name == column]
    if not at:
        raise ValueError(f"{lead}{role}={column!r} is not a column; {there_are}")
    if len(at) > 1:
        raise ValueError(
            f"{lead}{role}={column!r} is the name of {len(at)} columns; {there_are}: pass {role}= as a position, "
            f"such as {role}={at[-1]}"
        )
    return at[0]
