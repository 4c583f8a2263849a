"""A table about items: titles and other columns by id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._util.extras import require
from .columns import ITEM_NAMES, Column, guess_columns
from .factorize import Coded, encode
from .ids import Ids
from .io.parts import Paths, find_parts, holds_parquet, without_text
from .io.source import SourceLocation

__all__ = ["Items", "read_items", "row_ids"]

_padded = re.compile(r"[+-]?0[0-9]+").fullmatch


class Items:
    """Titles and other columns of items, found by id.

    Attributes
    ----------
    ids : Ids
        Ids of the items, in the order of the file.
    titles : list of str
        Title of each item; its id as text where the table has no title.
    columns : dict of str -> list
        Other columns of the file, aligned with ``ids``; None where a field is empty.

    Examples
    --------
    >>> films = Items(Ids([5, 9]), ["Heat", "Alien"], {"year": [1995, 1979]})
    >>> films.title(9), films.title(1), films.row(5)
    ('Alien', '1', {'title': 'Heat', 'year': 1995})
    """

    def __init__(self, ids: Ids, titles: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> None:
        self.ids = ids
        self.titles = list(titles)
        self.columns = {name: list(values) for name, values in columns.items()}

    def title(self, id: Any) -> str:
        """Look up the title of an item.

        Parameters
        ----------
        id : hashable
            Id of the item.

        Returns
        -------
        str
            Title, or the id as text if the table does not hold the item.
        """
        at = self._at(id)
        return str(id) if at < 0 else self.titles[at]

    def row(self, id: Any) -> dict[str, Any]:
        """Look up the title and the other columns of an item.

        Parameters
        ----------
        id : hashable
            Id of the item.

        Returns
        -------
        dict of str -> object
            Values by column; empty if the table does not hold the item.
        """
        at = self._at(id)
        if at < 0:
            return {}
        return {"title": self.titles[at]} | {name: values[at] for name, values in self.columns.items()}

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id: object) -> bool:
        return self._at(id) >= 0

    def __repr__(self) -> str:
        return f"Items({len(self):,} items, columns title{''.join(', ' + name for name in self.columns)})"

    def _at(self, id: Any) -> int:
        at = self.ids.position(id, unknown="ignore")
        # one odd id makes a whole column text: 7 in the ratings is then "7" here
        return at if at >= 0 or isinstance(id, str) else self.ids.position(str(id), unknown="ignore")


def read_items(
    path: Paths,
    *,
    id: Column = None,
    title: Column = None,
    separator: str | None = None,
    header: bool | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> Items:
    """Read a CSV or Parquet file about items.

    Parameters
    ----------
    path : path or sequence of paths
        File to read: Parquet, recognised by its first bytes, or delimited text. A folder, a pattern or several files
        are read as one, as in ``Interactions.from_csv``.
    id : str, int, False or None
        Column of ids, by name or position from 0; None takes the first column with a common header (item, itemId,
        movieId, id ...).
    title : str, int, False or None
        Column of titles, by name or position from 0; None takes the first column with a common header (title, name
        ...), False uses none.
    separator : str, optional
        Separator of text files, one character or "::"; it is guessed among ``,``, ``;``, tab, ``|`` and ``::`` if not
        given.
    header : bool or sequence of str, optional
        Whether the first line of a text file holds the names of the columns; a sequence gives the names of a file
        without them. It is guessed if not given, and an error if it cannot be guessed.
    encoding : str
        Character encoding of text files, such as "latin-1".

    Returns
    -------
    Items
        The ids, titles and other columns.

    Raises
    ------
    ValueError
        If a line cannot be read, a column is not found, an id is missing or repeated, or it cannot be guessed whether
        the first line is data.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "films.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("movieId,title,year\\n7,Heat,1995\\n")
    >>> films = read_items(path)
    >>> films.title(7), films.columns
    ('Heat', {'year': [1995]})
    """
    given = {"id": id, "title": title}
    source = find_parts(path)
    text: dict[str, Any] = {"separator": separator, "header": header, "encoding": encoding}
    if holds_parquet(source):
        from .io.parquet import read_whole

        without_text(source, text)
        table, place = read_whole(source)
        roles = guess_columns(list(table), given=given, table=ITEM_NAMES, source=place.source)
        coded = encode(table[roles["id"]], f"{place.source}: id")
    else:
        from .io.delimited import ids_of_texts, read_table

        table, layout, place = read_table(
            path, given, ITEM_NAMES, separator=separator, header=header, encoding=encoding
        )
        roles = layout.roles
        coded = ids_of_texts(table[roles["id"]])
        table = {name: column if name in roles.values() else _typed(column) for name, column in table.items()}
    ids = row_ids(coded, place)
    names = table[roles["title"]].to_pylist() if "title" in roles else [None] * len(ids)
    titles = [str(key) if name is None or name == "" else str(name) for key, name in zip(ids, names, strict=True)]
    others = {name: column.to_pylist() for name, column in table.items() if name not in roles.values()}
    return Items(ids, titles, others)


def row_ids(coded: Coded, place: SourceLocation) -> Ids:
    """The ids of the rows of a table, in their order.

    Raises
    ------
    ValueError
        If one is missing or comes twice.
    """
    if (coded.codes < 0).any():
        raise ValueError(f"{place.at(int(np.argmax(coded.codes < 0)))}: no id; fix or remove the {place.unit}")
    if len(coded.values) < len(coded.codes):
        _, first = np.unique(coded.codes, return_index=True)
        row = int(np.setdiff1d(np.arange(len(coded.codes)), first)[0])
        raise ValueError(f"{place.at(row)}: id {coded.values.tolist()[coded.codes[row]]!r} comes twice; remove one")
    return Ids._trusted(coded.values[coded.codes])


def _typed(column: Any) -> Any:
    """Text as integers or decimals where all of it is, None where empty. A number with leading zeros is text."""
    pa = require("pyarrow", extra="data")
    texts = [None if text == "" else text for text in column.to_pylist()]
    text = pa.array(texts, pa.string())
    if any(one is not None and _padded(one) for one in texts):
        return text
    for kind in (pa.int64(), pa.uint64(), pa.float64()):
        try:
            return text.cast(kind)
        except pa.ArrowException:
            continue
    return text
