"""Which column holds what: a table of common headers. Works on names alone, never on data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["COMMON_NAMES", "ITEM_NAMES", "Column", "guess_columns", "simple"]

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
"""Role -> headers taken for it, compared in lower case without ``_``, ``-``, ``.``, spaces and what follows a ``:``."""

ITEM_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": (*COMMON_NAMES["item"], "id"),
    "title": ("title", "name", "movietitle", "booktitle", "itemtitle", "itemname", "productname", "producttitle"),
}
"""The same for a table of items."""

_REQUIRED = {"user", "item", "id"}


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
        If a given column does not exist, the user or item is not found, or a guess is ambiguous. The message lists
        the columns and names the argument to give.

    Examples
    --------
    >>> guess_columns(["userId", "movieId", "rating", "timestamp"])
    {'user': 'userId', 'item': 'movieId', 'rating': 'rating', 'timestamp': 'timestamp'}
    >>> guess_columns(["who", "UserID", "ISBN"], given={"user": "who"})
    {'user': 'who', 'item': 'ISBN'}
    """
    names = list(names)
    given = given or {}
    lead = f"{source}: " if source else ""
    there_are = "columns are " + ", ".join(names)
    found = {
        role: _given(column, role, names, lead)
        for role, column in given.items()
        if column is not None and column is not False
    }
    free = [name for name in names if name not in found.values()]
    out: dict[str, str] = {}
    for role, common in table.items():
        if role in found:
            out[role] = found[role]
            continue
        if role in given and given[role] is False:
            if role in _REQUIRED:
                raise ValueError(f"{lead}{role}=False: a {role} column is needed; {there_are}")
            continue
        hits = [name for name in free if simple(name) in common]
        if len(hits) > 1:
            raise ValueError(f"{lead}{' and '.join(hits)} both look like the {role}; {there_are}: pass {role}=")
        if hits:
            out[role] = hits[0]
        elif role in _REQUIRED:
            raise ValueError(f"{lead}no column looks like the {role}; {there_are}: pass {role}=")
    return out


def simple(name: str) -> str:
    """A header in lower case without ``_``, ``-``, ``.``, spaces and what follows a ``:``."""
    return re.sub(r"[\s_.\-]", "", name.partition(":")[0]).lower()


def _given(column: Column, role: str, names: list[str], lead: str) -> str:
    there_are = "columns are " + ", ".join(names)
    if isinstance(column, int) and not isinstance(column, bool):
        if not 0 <= column < len(names):
            raise ValueError(f"{lead}{role}={column} is not a position in 0 .. {len(names) - 1}; {there_are}")
        return names[column]
    if column not in names:
        raise ValueError(f"{lead}{role}={column!r} is not a column; {there_are}")
    return str(column)
