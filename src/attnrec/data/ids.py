"""Ids: outside ids of users or items, and their positions in a matrix."""

from __future__ import annotations

import decimal
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np

from .._util.arraylike import as_integers, native, whole_numbers
from .factorize import Array, as_arrow, as_list, encode, integers, object_array, one_axis, plain

__all__ = ["Ids", "from_texts"]

_PLAIN = re.compile(r"0|-?[1-9][0-9]{0,19}").fullmatch


class Ids:
    """Distinct ids of any hashable type, numbered 0 .. n - 1.

    ``Ids`` keeps the order it is given. :class:`~attnrec.data.Interactions` gives it sorted ids where they are all of
    one type with a natural order (so a matrix does not depend on the order of the rows), and ids in order of first
    appearance where they are not. Ids that compare equal are one id: 1, 1.0 and True.

    Parameters
    ----------
    names : (n,) array, tensor or iterable of hashables
        Distinct ids, none missing. Arrays of any library are read as NumPy arrays; a 0-dimensional array, also in a
        list, is one id.

    Raises
    ------
    ValueError
        If an id is missing or repeated.
    TypeError
        If an id cannot be hashed.

    Examples
    --------
    >>> ids = Ids(["ann", "bob", ("guest", 7)])
    >>> ids.positions([("guest", 7), "ann"]).tolist()
    [2, 0]
    >>> ids.names([1, 2]).tolist()
    ['bob', ('guest', 7)]
    >>> "bob" in ids, len(ids), ids[0]
    (True, 3, 'ann')
    """

    __slots__ = ("_lookup", "_sorted", "_values")

    _values: Array
    _lookup: dict[Any, int] | None
    _sorted: tuple[Array, Array] | None

    def __init__(self, names: Any) -> None:
        coded = encode(_column(names, "ids"), "ids")
        if (coded.codes < 0).any():
            raise ValueError(f"ids: entry {int(np.argmax(coded.codes < 0))} is missing; every id needs a value")
        if len(coded.values) != len(coded.codes):
            _, at = np.unique(coded.codes, return_index=True)
            again = int(np.setdiff1d(np.arange(len(coded.codes)), at)[0])
            raise ValueError(f"ids: {plain(coded.values[coded.codes[again]])!r} comes twice, again as entry {again}")
        self._keep(coded.values[coded.codes])

    @classmethod
    def _trusted(cls, values: Array) -> Ids:
        """Wrap values known to be distinct and complete: int64, uint64 or object."""
        self = cls.__new__(cls)
        self._keep(values)
        return self

    def _keep(self, values: Array) -> None:
        self._values = values
        self._values.flags.writeable = False
        self._lookup = None
        self._sorted = None

    def positions(self, names: Any, *, unknown: Literal["raise", "ignore"] = "raise") -> Array:
        """Look up the positions of ids.

        Parameters
        ----------
        names : (n,) array or iterable of hashables
            Ids to look up, in any order and also repeated.
        unknown : {"raise", "ignore"}
            Treatment of an id that is not among these: raise an error, or return -1 for it.

        Returns
        -------
        (n,) ndarray of int64
            Position of each id, from 0.

        Raises
        ------
        ValueError
            If an id is unknown; the message names the first one.
        TypeError
            If ``names`` is a single id and not a list of ids.
        """
        if unknown not in ("raise", "ignore"):
            raise ValueError(f"unknown={unknown!r} is not 'raise' or 'ignore'")
        if isinstance(names, (str, bytes)):
            raise TypeError(f"positions() takes a list of ids, got {names!r}; use position() for one")
        if isinstance(names, Ids):
            names = names._values
        names = _column(names, "positions()")
        one_axis(names, "positions()")
        found = self._find_integers(names)
        if found is None:
            table = self._table()
            listed = as_list(names)
            found = np.fromiter((_get(table, name) for name in listed), np.int64, len(listed))
        if unknown == "raise" and (found < 0).any():
            at = int(np.argmax(found < 0))
            raise ValueError(self._unknown(as_list(names)[at], int((found < 0).sum())))
        return found

    def position(self, name: Any, *, unknown: Literal["raise", "ignore"] = "raise") -> int:
        """Look up the position of one id.

        Parameters
        ----------
        name : hashable
            Id to look up.
        unknown : {"raise", "ignore"}
            Treatment of an id that is not among these: raise an error, or return -1.

        Returns
        -------
        int
            Position of the id, from 0.

        Raises
        ------
        ValueError
            If the id is unknown.
        """
        return int(self.positions([name], unknown=unknown)[0])

    def names(self, positions: Any) -> Array:
        """Look up the ids at positions.

        Parameters
        ----------
        positions : array_like of int
            Positions from 0 to n - 1; the -1 that pads a result has no id.

        Returns
        -------
        ndarray
            Ids, int64 or uint64 if all ids are integers, else objects.

        Raises
        ------
        ValueError
            If a position is not in 0 .. n - 1.
        """
        at = as_integers(positions, "positions", "positions must be integers")
        if at.size and (at.min() < 0 or at.max() >= len(self)):
            bad = at[(at < 0) | (at >= len(self))].ravel()[0]
            raise ValueError(f"position {int(bad)} is not in 0 .. {len(self) - 1}")
        found: Array = self._values[at]
        return found

    def parse(self, text: str) -> Any:
        """Find the id that a person means by a text: the text itself, or the number it spells.

        Parameters
        ----------
        text : str
            Text to look up, such as an argument of a command.

        Returns
        -------
        hashable
            The id.

        Raises
        ------
        ValueError
            If no id reads like that.

        Examples
        --------
        >>> Ids([10, 20]).parse("20")
        20
        """
        table = self._table()
        for kind in (str, int, decimal.Decimal, float):
            try:
                name = kind(text)
            except (ValueError, ArithmeticError):
                continue
            if name in table and (kind is not float or isinstance(self[table[name]], float)):
                return self[table[name]]
        for name in table:
            if not isinstance(name, str) and str(name) == text:
                return name
        raise ValueError(self._unknown(text, 1))

    def reading(self, names: Any, argument: str, *, stacklevel: int = 2) -> list[Any]:
        """Read ids from a person or a network: text that spells an integer becomes one if the ids are integers.

        This happens, with a warning, only if all texts spell integers. Other texts, and other types, stay as they are.

        Parameters
        ----------
        names : iterable of hashables
            Ids as they were given.
        argument : str
            Name of the argument that held them, for the warning.
        stacklevel : int
            Stack frame that the warning points at, as in :func:`warnings.warn`; 2 is the caller.

        Returns
        -------
        list
            The ids, in their order.

        Examples
        --------
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always")
        ...     Ids([101, 102]).reading(["102", "7"], "users"), Ids([101, 102]).reading(["0102"], "users")
        ([102, 7], ['0102'])
        >>> str(told[0].message)
        "users: the ids are integers; '102' is text and is read as 102, and 1 more like it. Give integers"
        """
        listed = [plain(name) for name in as_list(_column(names, argument))]
        texts = [name for name in listed if isinstance(name, str)] if self._values.dtype.kind in "iu" else []
        spelled = whole_numbers(texts)
        if not texts or spelled is None:
            return listed
        more = f", and {len(texts) - 1} more like it" if len(texts) > 1 else ""
        warnings.warn(
            f"{argument}: the ids are integers; {texts[0]!r} is text and is read as {spelled[0]}{more}. Give integers",
            UserWarning,
            stacklevel=stacklevel + 1,
        )
        read = iter(spelled)
        return [next(read) if isinstance(name, str) else name for name in listed]

    def other_type(self, name: Any) -> str:
        """Explain an unknown id of the wrong type, for an error message.

        Parameters
        ----------
        name : hashable
            Id that is not among these.

        Returns
        -------
        str
            Hint if the id is an integer where ids are text, or text where they are integers; "" otherwise.

        Examples
        --------
        >>> Ids(["101", "102"]).other_type(101)
        "; the ids are text and 101 is an integer: give '101'"
        """
        if not len(self):
            return ""
        if type(name) is int and all(isinstance(known, str) for known in self):
            fix = f"give {str(name)!r}" if str(name) in self else "give text"
            return f"; the ids are text and {name!r} is an integer: {fix}"
        if isinstance(name, str) and self._values.dtype.kind in "iu":
            digits = name.strip().lstrip("+")
            known = digits.isascii() and digits.isdigit() and int(digits) in self
            return f"; the ids are integers and {name!r:.60} is text: give {int(digits) if known else 'integers'}"
        return ""

    def to_numpy(self) -> Array:
        """Return all ids in order.

        Returns
        -------
        (n,) ndarray
            Read-only ids: int64, uint64 or objects.
        """
        return self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values.tolist())

    def __contains__(self, name: object) -> bool:
        return _get(self._table(), name) >= 0

    def __getitem__(self, position: int) -> Any:
        value = self._values[position]
        return value.item() if isinstance(value, np.generic) else value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ids):
            return NotImplemented
        return len(self) == len(other) and self._values.tolist() == other._values.tolist()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        head = ", ".join(repr(name) for name in self._values[:3].tolist())
        return f"Ids([{head}{', ...' if len(self) > 3 else ''}], n={len(self)})"

    def __getstate__(self) -> Array:
        return self._values

    def __setstate__(self, state: Array) -> None:
        self._keep(state)

    def _table(self) -> dict[Any, int]:
        if self._lookup is None:
            self._lookup = {name: k for k, name in enumerate(self._values.tolist())}
        return self._lookup

    def _find_integers(self, names: Any) -> Array | None:
        """Binary search for many integer names at once; None where that does not apply."""
        if self._values.dtype == object or len(names) < 64:
            return None
        arrow = as_arrow(names)
        if arrow is None or str(arrow.type).lstrip("u") not in ("int8", "int16", "int32", "int64") or arrow.null_count:
            return None
        wanted = arrow.to_numpy() if hasattr(arrow, "chunks") else arrow.to_numpy(zero_copy_only=False)
        able = None
        if wanted.dtype.kind != self._values.dtype.kind:  # NumPy would compare the two as float64
            able = wanted >= 0 if wanted.dtype.kind == "i" else wanted <= np.uint64(2**63 - 1)
            wanted = np.where(able, wanted, 0).astype(self._values.dtype)
        if self._sorted is None:
            order = np.argsort(self._values, kind="stable")
            self._sorted = self._values[order], order
        ascending, order = self._sorted
        if not len(ascending):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(ascending, wanted), len(ascending) - 1)
        same = ascending[at] == wanted if able is None else (ascending[at] == wanted) & able
        return np.where(same, order[at], -1).astype(np.int64, copy=False)

    def _unknown(self, name: Any, count: int) -> str:
        name = plain(name)
        more = f" (and {count - 1} more)" if count > 1 else ""
        hint = f"; known ids look like {', '.join(repr(n) for n in self._values[:3].tolist())}" if len(self) else ""
        return f"unknown id {name!r}{more}{hint}{self.other_type(name)}"


def _column(names: Any, call: str) -> Any:
    """Ids in a container that has a length."""
    names = native(names, call)
    if hasattr(names, "__len__"):
        return names
    if not hasattr(names, "__iter__"):
        raise TypeError(f"{call} takes a list of ids, got {names!r:.60}; put one id into a list")
    return list(names)


def _get(table: dict[Any, int], name: Any) -> int:
    value = plain(name)
    try:
        return table.get(value, -1)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name!r:.60} is a {type(name).__name__}, which cannot be hashed and so cannot be an id"
        ) from None


def from_texts(texts: Iterable[str]) -> Array:
    """Ids read from a text file: integers when every one is written as a plain integer, else the strings themselves.

    "007", "+7" and "7.0" are not plain: turning them into 7 could not be undone. Nor are numbers of 2^64 and above or
    below -2^63. Integers are int64 where they fit, uint64 where one needs it, and Python's own where neither holds all.

    Examples
    --------
    >>> from_texts(["10", "-2"]).tolist(), from_texts(["10", "007"]).tolist()
    ([10, -2], ['10', '007'])
    >>> from_texts(["10", "18446744073709551615"]).dtype.name
    'uint64'
    """
    texts = list(texts)
    if not all(map(_PLAIN, texts)):
        return object_array(texts)
    found = integers(map(int, texts))
    if found.dtype == object and not all(-(2**63) <= number < 2**64 for number in found):
        return object_array(texts)
    return found
