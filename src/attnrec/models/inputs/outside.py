"""Outside ids of a model's users and items, and the join of inputs by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...data import alignment
from ...data.alignment import Alignment, Unnamed
from ...data.factorize import object_array
from ...data.ids import Ids
from .histories import CSR, Array

__all__ = ["Asked", "Outside"]

_LACK = {
    "user_items": "have an empty history",
    "item_users": "have no users",
    "candidates": "have no candidates",
    "item_features": "their content is missing",
    "user_features": "their content is missing",
}
_FIX = (
    "Give both the same ids, such as user_ids= and item_ids= of Interactions.from_sparse and id= of FeatureEncoder; a "
    "matrix and features encoded with id=False have none, and their rows are joined by number"
)


@dataclass(frozen=True)
class Outside:
    """The outside ids of a model's users and items, by row; None where it was fitted without.

    titles : of the items by row, "" for one without
    explicit : whether the Interactions had ratings
    """

    user: Ids | None = None
    item: Ids | None = None
    titles: tuple[str, ...] | None = None
    explicit: bool | None = None

    @classmethod
    def of(cls, source: object) -> Outside:
        """Those that Interactions bring; none of anything else."""
        users, items = (getattr(source, name, None) for name in ("users", "items"))
        if not isinstance(users, Ids) or not isinstance(items, Ids):
            return cls()
        return cls(users, items, explicit=getattr(source, "explicit", None))

    def features(
        self, inputs: dict[str, object], shape: tuple[int, int]
    ) -> tuple[dict[str, object], dict[str, Alignment]]:
        """Inputs of ``fit``, features in the order of the ids where both have any, and what became of each.

        Raises
        ------
        ValueError
            If no id of a table is one of the users or items.
        """
        out, report = dict(inputs), {}
        for side, n in zip(("user", "item"), shape, strict=True):
            name, ids, what = f"{side}_features", getattr(self, side), f"{side}s"
            given: Any = inputs.get(name)
            if given is None:
                continue
            report[name] = Alignment(what, "position", n)
            if ids is not None and (own := _ids_of_features(given)) is not None:
                rows, report[name] = alignment.joined(name, own, ids.to_numpy(), what, _LACK[name], _FIX)
                out[name] = given._taken(rows, ids)
        return out, report

    def grown(self, asked: Asked) -> Outside:
        """With the ids of the rows of an update; of those that came without any, it is not known."""
        most = int(asked.at.max(initial=-1)) + 1
        out = self
        if asked.side == "item" and self.titles is not None:
            out = replace(self, titles=self.titles + ("",) * (most - len(self.titles)))
        ids: Ids | None = getattr(self, asked.side)
        if ids is None or (not asked.found and (asked.at < len(ids)).all()):
            return out
        new = [Unnamed(row) for row in range(len(ids), most)]
        values = np.append(ids.to_numpy().astype(object), object_array(new))
        values[asked.at[~asked.blank]] = asked.names[~asked.blank]
        if ids.to_numpy().dtype == np.int64 and all(
            type(name) is int and -(2**63) <= name < 2**63 for name in values[len(ids) :]
        ):
            values = values.astype(np.int64)
        grown = Ids._trusted(values)
        return replace(out, user=grown) if asked.side == "user" else replace(out, item=grown)


class Asked:
    """The rows that one call is about, by outside id as far as these are known, and its inputs in their order.

    Attributes
    ----------
    side : {"user", "item"}
    at : (b,) int64
        Row numbers; any number past the fitted ones, or -1, for a user or item that was not fitted.
    found : bool
        Whether the inputs told ids that the model did not know.
    report : dict of str -> Alignment
        What became of each input that was joined by id.
    """

    def __init__(self, outside: Outside, side: str, at: Array, n: int) -> None:
        self.side, self.at, self._n = side, at, n
        self._ids: Ids | None = getattr(outside, side)
        self._others: Ids | None = getattr(outside, "item" if side == "user" else "user")
        self._named: tuple[Array, Array] | None = None
        self.found = False
        self.report: dict[str, Alignment] = {}

    # The ids.

    def _names(self) -> tuple[Array, Array]:
        if self._named is None:
            m = 0 if self._ids is None else len(self._ids)
            known = (self.at >= 0) & (self.at < m)
            if self._ids is not None and len(self.at) == m and np.array_equal(self.at, np.arange(m)):
                names = self._ids.to_numpy()
            elif self._ids is not None and known.all():
                names = self._ids.names(self.at)
            else:
                names = object_array([None] * len(known))
                if self._ids is not None:
                    names[known] = self._ids.names(self.at[known])
            self._named = names, ~known | alignment.unnamed(names)
        return self._named

    @property
    def names(self) -> Array:
        """(b,) the outside ids; anything where ``blank``."""
        return self._names()[0]

    @property
    def blank(self) -> Array:
        """(b,) bool: of whom no id is known."""
        return self._names()[1]

    def by_id(self, given: object) -> bool:
        """Whether the rows of this input are found by id alone."""
        return self._ids is not None and _ids_of(given, self.side) is not None and not self.blank.any()

    def take_names(self, **given: object) -> None:
        """Give those who have no id yet, in an update, the ids that the model does not know, in the order of an input
        that brings them.

        Raises
        ------
        ValueError
            If inputs have ids, but none has a new one for each.
        """
        brought = {name: ids for name, x in given.items() if (ids := _ids_of(x, self.side)) is not None}
        if self._ids is None or not brought or not self.blank.any():
            return
        fresh = {
            name: ids.names(np.flatnonzero(self._ids.positions(ids, unknown="ignore") < 0))
            for name, ids in brought.items()
        }
        count = int(self.blank.sum())
        found = next((names for names in fresh.values() if len(names) == count), None)
        if found is None:
            name, names = next(iter(fresh.items()))
            some = f", such as {names[0]!r}" if len(names) else f": all are of {self.side}s that it has"
            raise ValueError(
                f"{name} has {len(names)} ids that the model does not know{some}; {self.side}ids names {count} "
                f"{self.side}s without an id: give one row with a new id for each, in that order (rows of fitted "
                f"{self.side}s are found by id)"
            )
        self._fill(found)

    def _fill(self, found: Array) -> None:
        names, blank = self._names()
        names = object_array(names.tolist())
        names[blank] = object_array(found.tolist())
        self._named, self.found = (names, np.zeros(len(names), dtype=bool)), True

    # What a call is given.

    def rows(self, name: str, given: Any) -> tuple[object, bool]:
        """Histories, or whatever has a row for each of these and a column for each of the others, and whether its rows
        are theirs by now. Interactions are joined by id; they hold users by items, and are transposed for items."""
        own, others = _ids_of(given, self.side), _ids_of(given, "item" if self.side == "user" else "user")
        if own is None or others is None:
            return given, False
        matrix: CSR = given.user_items if self.side == "user" else given.user_items.T.tocsr()
        rows = self._places(name, own)
        matrix = alignment.moved(matrix, rows, None, matrix.shape[1])
        return self._columns(name, matrix, others), rows is not None

    def features(self, name: str, given: Any) -> object:
        """Features with a row for each of these, joined by id where both sides have ids."""
        own = _ids_of_features(given)
        rows = None if own is None else self._places(name, own)
        return given if rows is None else given._taken(rows, None)

    # How it is found.

    def _places(self, name: str, ids: Ids) -> Array | None:
        """The row of ``ids`` for each of these, -1 for none; None where they are found by number."""
        if self.blank.any():
            rows = self._by_number(name, ids)
            if rows is not None:
                self._fill(ids.names(rows[self.blank]))
            return None if self._ids is None else rows
        known = self.at if ids is self._ids and not self.found else None
        told = alignment.joined(name, ids, self.names, f"{self.side}s", _LACK[name], _FIX, known)
        rows, self.report[name] = told
        return rows

    def _by_number(self, name: str, ids: Ids) -> Array | None:
        """Rows where some have no id: one for each, or those of a full matrix. None if the model has no ids at all, and
        it is not clear which.

        Raises
        ------
        ValueError
            If there are other rows than these, or one with an id would get another's.
        """
        b, known = len(self.at), np.flatnonzero(~self.blank)
        ways = [np.arange(b)] if len(ids) == b else []
        if len(ids) == self._n and bool(np.all((self.at >= 0) & (self.at < self._n))):
            ways += [] if ways and np.array_equal(ways[0], self.at) else [self.at]
        ways = [way for way in ways if ids.names(way[known]).tolist() == self.names[known].tolist()]
        if len(ways) == 1 or self._ids is None:
            return ways[0] if len(ways) == 1 else None
        also = f"; row k must be of the id of the k-th, as of {self.names[known[0]]!r}" if len(known) else ""
        raise ValueError(
            f"{name} has {len(ids)} rows for {b} {self.side}s, and the model knows no id of {b - len(known)} of them, "
            f"whose rows are found by number: give one row for each, in the order of {self.side}id{also}"
        )

    def _columns(self, name: str, matrix: CSR, ids: Ids) -> CSR:
        """The matrix with the model's columns, where it has ids of these; what is with others is left out."""
        others, what = self._others, "items" if self.side == "user" else "users"
        if others is None or others is ids:
            return matrix
        used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
        found = others.positions(ids.names(used), unknown="ignore")
        lost = used[found < 0]
        if len(lost) == len(used) and len(ids):
            alignment.rows_of(name, ids, others.to_numpy(), f"{what} of the model", _FIX)  # at least one must be
        if len(lost):
            entries = int(np.isin(matrix.indices, lost).sum())
            alignment.warn(
                f"{name}: {entries:,} interactions are left out, with {what} that the model does not have, such as "
                f"{ids[int(lost[0])]!r}"
            )
        if matrix.shape[1] == len(others) and np.array_equal(found, used):
            return matrix
        place = np.full(matrix.shape[1], -1, dtype=np.int64)
        place[used] = found
        out: CSR = alignment.moved(matrix, None, place, len(others))
        return out


def _ids_of(given: object, side: str) -> Ids | None:
    """The ids of users or items of Interactions, or of the rows of Features."""
    ids = getattr(given, f"{side}s", None) if hasattr(given, "user_items") else _ids_of_features(given)
    return ids if isinstance(ids, Ids) else None


def _ids_of_features(given: object) -> Ids | None:
    ids = getattr(given, "ids", None) if hasattr(given, "modalities") else None
    return ids if isinstance(ids, Ids) else None
