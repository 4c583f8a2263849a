"""Titles of items as ``save`` takes them: by id, in the order of the items, or a table of items. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...data.factorize import as_list, is_missing, one_axis, plain
from ...data.ids import Ids
from ...data.items import Items

__all__ = ["checked"]

_WANTED = "a mapping of item id to title, a sequence with a title for each item, or what data.read_items gives"


def checked(titles: Any, ids: Ids) -> tuple[str, ...]:
    """The title of each item, "" where there is none.

    Parameters
    ----------
    titles : Mapping, sequence, array or Items
        By id; or one for each item, in the order of ``ids``, None, NaN and "" where there is none.
    ids : Ids
        The outside ids of the items, or their numbers.

    Raises
    ------
    TypeError
        If it is nothing like that, or a title is no text.
    ValueError
        If there are not as many titles as items, or none of those by id is of an item.
    """
    if isinstance(titles, Items):
        _check_known(titles.ids, any(name in titles for name in ids), ids)
        return tuple(_text(titles.title(name) if name in titles else None, name) for name in ids)
    if isinstance(titles, Mapping):
        by_id = {plain(name): title for name, title in titles.items()}
        _check_known(list(by_id), any(name in by_id for name in ids), ids)
        return tuple(_text(by_id.get(name), name) for name in ids)
    if isinstance(titles, (str, bytes)) or not isinstance(titles, Iterable):
        raise TypeError(f"titles={titles!r:.60} is {type(titles).__name__}: give {_WANTED}")
    if hasattr(titles, "columns") or hasattr(titles, "column_names"):
        raise TypeError(f"titles is a {type(titles).__name__} of several columns: give {_WANTED}")
    one_axis(titles, "titles")
    listed = as_list(titles if hasattr(titles, "__len__") else list(titles))
    if len(listed) != len(ids):
        raise ValueError(f"titles has {len(listed)} entries for {len(ids)} items: give {_WANTED}")
    return tuple(_text(title, name) for title, name in zip(listed, ids, strict=True))


def _check_known(given: Any, any_known: bool, ids: Ids) -> None:
    if len(given) and len(ids) and not any_known:
        told = f"{given[0]!r:.60}{ids.other_type(given[0])}"
        raise ValueError(f"titles: none of its ids is an item of the model ({ids[0]!r:.60}, ...), such as {told}")


def _text(title: Any, name: Any) -> str:
    if isinstance(title, np.generic):
        title = title.item()
    if isinstance(title, str):
        return str(title)
    if is_missing(title):
        return ""
    raise TypeError(f"titles: item {name!r:.60} has {title!r:.60} ({type(title).__name__}); a title is text")
