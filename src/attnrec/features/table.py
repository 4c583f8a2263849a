"""A table of items or users as named columns, with the ids of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

from ..data.columns import COMMON_NAMES, ITEM_NAMES, simple
from ..data.factorize import encode
from ..data.ids import Ids
from ..data.io.delimited import ids_of_texts
from ..data.io.source import SourceLocation
from ..data.items import row_ids

__all__ = ["Column", "Table"]

_ID_NAMES = {*COMMON_NAMES["user"], *ITEM_NAMES["id"]}


class Column(NamedTuple):
    """One column: its name, its values in any container, and where they come from."""

    name: str
    values: Any
    place: SourceLocation

    def at(self, row: int) -> str:
        """What to put before a message about a row."""
        return f"{self.place.at(row)}, column {self.name!r}"


@dataclass(frozen=True)
class Table:
    """Named columns of n rows; ``texts``: all are text, because they come from a text file."""

    columns: Mapping[str, Any]
    n: int
    place: SourceLocation
    texts: bool = False

    def column(self, name: str) -> Column:
        """One column.

        Raises
        ------
        ValueError
            If there is none of that name; the message gives the one that is spelled most like it.
        """
        if name not in self.columns:
            raise _unknown(name, list(self.columns), self.place.source)
        return Column(name, self.columns[name], self.place)

    def ids(self, name: str) -> Ids:
        """The ids of the rows.

        Raises
        ------
        ValueError
            If one is missing or comes twice.
        """
        column = self.column(name)
        coded = ids_of_texts(column.values) if self.texts else encode(column.values, f"{self.place.source}: {name}")
        return row_ids(coded, self.place)

    def guess_id(self, taken: set[str]) -> str | None:
        """The first column that has a common header for ids and a value of its own in every row; None without one."""
        for name in self.columns:
            if name not in taken and simple(name) in _ID_NAMES:
                try:
                    self.ids(name)
                except (TypeError, ValueError):
                    continue
                return name
        return None


def _unknown(name: str, names: list[str], source: str) -> ValueError:
    """The error to raise for a column that is not there."""
    lower = {other.lower(): other for other in names}
    near = get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
    hint = f"; did you mean {lower[near[0]]!r}?" if near else ";"
    return ValueError(f"{source}: there is no column {name!r}{hint} columns are {', '.join(names)}")
