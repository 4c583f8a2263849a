"""Resolution of the columns of each modality from the arguments of the encoder."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from .table import Table

__all__ = ["Modality", "resolve"]


class Modality(NamedTuple):
    """A name, its kind, and the columns that it is made of."""

    name: str
    kind: str
    columns: list[str]


def resolve(given: Mapping[str, Any], table: Table) -> list[Modality]:
    """The modalities that the arguments name, with patterns (``"img_*"``) replaced by the columns that fit.

    Raises
    ------
    TypeError
        If an argument is no column, list or mapping.
    ValueError
        If a column does not exist, a pattern fits none, or two modalities have one name.
    """
    out: list[Modality] = []
    for kind, said in given.items():
        for name, columns in _pairs(kind, said):
            if any(name == other.name for other in out):
                raise ValueError(
                    f"two modalities are called {name!r}; name one of them: {kind}={{'another name': {columns!r}}}"
                )
            out.append(Modality(name, kind, [c for column in columns for c in _columns(column, table)]))
    return out


def _pairs(kind: str, said: Any) -> list[tuple[str, list[str]]]:
    """(modality, its columns) of one argument."""
    if isinstance(said, str):
        said = [said]
    if isinstance(said, Mapping):
        pairs = [(name, [columns] if isinstance(columns, str) else columns) for name, columns in said.items()]
    elif isinstance(said, (list, tuple)):
        pairs = [(name, [name]) for name in said]
    else:
        raise TypeError(f"{kind}={said!r:.60} is no column name, list of names or dict of modality -> columns")
    for name, columns in pairs:
        fine = isinstance(columns, (list, tuple)) and columns and all(isinstance(column, str) for column in columns)
        if not isinstance(name, str) or not fine:
            raise TypeError(f"{kind}: modality {name!r:.40} is made of {columns!r:.40}, not of column names")
    return [(name, list(columns)) for name, columns in pairs]


def _columns(column: str, table: Table) -> list[str]:
    if column in table.columns or not set("*?[") & set(column):
        return [table.column(column).name]
    found = [name for name in table.columns if fnmatchcase(name, column)]
    if not found:
        raise ValueError(f"{table.place.source}: no column fits {column!r}; columns are {', '.join(table.columns)}")
    return found
