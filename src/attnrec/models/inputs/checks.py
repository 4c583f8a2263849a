"""Checks of arguments: ids, counts, row alignment, optional inputs. Messages name the argument and the fix."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from ..._util.arraylike import as_integers, as_numpy
from . import dislikes
from .histories import CSR, Array, histories, same

__all__ = ["columns", "ids", "in_range", "new_rows", "one_row", "rows_for", "unused"]


def ids(name: str, value: object) -> tuple[Array, bool]:
    """Row numbers as an int64 vector, and whether one number was given."""
    x = as_numpy(value, name)
    if x.size and x.dtype.kind not in "iuO":
        raise TypeError(f"{name} must be row numbers of the fitted matrix (int), got {x.dtype}: {value!r:.60}")
    if x.ndim > 1:
        raise ValueError(f"{name} must be one number or a vector of them, got shape {x.shape}: pass {name}.ravel()")
    x = as_integers(x, f"{name} must be row numbers of the fitted matrix (int): it", "give integers")
    return x.reshape(-1), x.ndim == 0


def in_range(name: str, x: Array, n: int, what: str, fix: str) -> None:
    """Every id is one of 0 .. n-1."""
    bad = x[(x < 0) | (x >= n)]
    if len(bad):
        raise ValueError(f"{name} {bad[0]} is not one of the {n} fitted {what} (0 .. {n - 1}): {fix}")


def rows_for(
    name: str,
    x: object,
    wanted: Array,
    shape: tuple[int, int],
    *,
    ids_name: str = "userid",
    fitted: CSR | None = None,
    negative: str = "interaction",
    aligned: bool = False,
) -> CSR:
    """The rows of a sparse argument for the ids ``wanted``: given row by row, or picked from the full matrix.

    ``shape`` is that of the full matrix. Misaligned rows are the commonest mistake there is. A matrix with as many
    rows as there are ids and as the full matrix has can be read in two ways; where they differ, the one that agrees
    with the histories ``fitted`` is taken, and without such evidence the matrix is refused, unless its rows are
    ``aligned`` with the ids already. With ``negative="ignore"`` values below 0 are as if they were not stored.
    """
    b, (n, width) = len(wanted), shape
    known = bool(np.all((wanted >= 0) & (wanted < n)))
    unclear = not aligned and known and b == n and b > 1 and not np.array_equal(wanted, np.arange(n))

    def pick(got: tuple[int, int]) -> Array | None:
        if got[1] != width:
            transposed = f" It looks transposed: pass {name}.T.tocsr()." if got[0] == width else ""
            raise ValueError(f"{name} has {got[1]} columns where the model was fitted with {width}.{transposed}")
        if got[0] == b:
            return None
        if got[0] == n and known:
            return wanted
        if got[0] == n:
            stranger = wanted[(wanted < 0) | (wanted >= n)][0]
            raise ValueError(
                f"{name} is the full matrix of {n} rows, but {ids_name} {stranger} has no row in it: "
                f"pass the {b} rows that belong to {ids_name}"
            )
        raise ValueError(
            f"{name} has {got[0]} rows for {b} {ids_name}: pass {name}[{ids_name}] (one row for each, in that order) "
            f"or the full matrix of {n} rows"
        )

    rows = histories(name, x, pick, row=one_row(name, x, b, ids_name))
    if negative == "ignore":
        rows = dislikes.apart(rows, negative)[0]
    if not unclear or (fitted is not None and same(rows, fitted[wanted])):
        return rows
    if fitted is not None and same(rows, fitted):
        return rows[wanted]
    raise ValueError(
        f"{name} has {n} rows: as many as there are ids in {ids_name} and as the full matrix, so it is not clear which "
        f"is meant. Sort {ids_name} (0 .. {n - 1}) and the rows with it, or ask in two calls"
    )


def one_row(name: str, x: object, b: int, ids_name: str) -> bool:
    """Whether a one-dimensional row may stand for a matrix of one row: where one id is asked about."""
    shape = getattr(getattr(x, "user_items", x), "shape", ())
    if len(shape) == 1 and b != 1:
        raise ValueError(
            f"{name} has shape {shape}, one row, for {b} {ids_name}: pass a row for each, picked as X[{ids_name}] from "
            "the matrix X of all"
        )
    return b == 1


def new_rows(name: str, wanted: Array, n: int, what: str) -> None:
    """Ids to replace or to add: unique, and new ones follow on without a gap."""
    if len(np.unique(wanted)) != len(wanted):
        raise ValueError(f"{name} names a {what} twice: keep one row for each")
    fresh = np.sort(wanted[wanted >= n])
    if np.any(wanted < 0) or not np.array_equal(fresh, n + np.arange(len(fresh))):
        raise ValueError(
            f"{name} must be fitted {what}s (0 .. {n - 1}) or new ones that follow on from {n} without a gap, got "
            f"{np.sort(wanted)[[0, -1]].tolist()} at its ends"
        )


def columns(
    items: object, filter_items: object, n: int, names: tuple[str, str] = ("items", "filter_items")
) -> Array | None:
    """Which of n columns may be shown, as a mask; None for all. Each argument is ids or a mask."""
    if items is None and filter_items is None:
        return None
    chosen = []
    for name, given in zip(names, (items, filter_items), strict=True):
        mask = np.zeros(n, dtype=bool)
        given = None if given is None else as_numpy(given, name)
        if given is not None and given.dtype == bool:
            if given.shape != (n,):
                raise ValueError(f"{name} is a mask of shape {given.shape} where there are {n}: pass ({n},), or ids")
            mask[:] = given
        elif given is not None:
            wanted, _ = ids(name, given)
            in_range(name, wanted, n, names[0], "leave it out")
            mask[wanted] = True
        chosen.append(mask)
    keep, drop = chosen
    out: Array = ~drop if items is None else keep & ~drop
    return out


class Taking(Protocol):
    """Estimators, which say what they use."""

    accepted_inputs: ClassVar[frozenset[str]]


def unused(model: Taking, **inputs: object) -> None:
    """Refuse optional inputs that this estimator would not look at."""
    for name, value in inputs.items():
        if value is None or name in model.accepted_inputs:
            continue
        root: type[Taking] = next(c for c in reversed(type(model).__mro__) if hasattr(c, "accepted_inputs"))
        takers = sorted(c.__name__ for c in _subclasses(root) if name in c.accepted_inputs)
        who = f"{', '.join(takers)} does" if takers else "no estimator of this version does"
        raise ValueError(f"{type(model).__name__} does not use {name} ({who}): leave it out")


def _subclasses(cls: type[Taking]) -> list[type[Taking]]:
    return [s for c in cls.__subclasses__() for s in [c, *_subclasses(c)]]
