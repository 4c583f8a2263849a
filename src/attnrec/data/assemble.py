"""Assembly of columns to a sparse matrix, under policies for duplicate, missing and out-of-range rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._util.extras import require
from .factorize import Array, Coded, sorted_order
from .io.source import Columns
from .policies import ReadPolicy
from .read_report import Report

__all__ = ["Assembled", "assemble"]


class Assembled(NamedTuple):
    """csr : (users, items) float32, sorted, no duplicates; stamps : aligned with its data, or None."""

    csr: Any
    users: Array
    items: Array
    stamps: Array | None
    report: Report


def assemble(columns: Columns, policy: ReadPolicy) -> Assembled:
    """Sort the interactions by user and item, one entry a pair.

    Raises
    ------
    ValueError
        For the first missing, non-finite, out-of-range or repeated row that the policy does not allow, named by its
        place; or if nothing is left.
    """
    n_rows = len(columns.users.codes)
    place = columns.place
    missing, gone = _missing(columns, policy)
    out_of_range = _out_of_range(columns, policy, gone)
    gone[out_of_range] = True
    rows = np.flatnonzero(~gone) if gone.any() else None
    if n_rows == 0 or (rows is not None and not len(rows)):
        raise ValueError(f"{place.source}: no interactions" + (f" left of {n_rows:,} rows" if n_rows else ""))

    u, users = _compact(columns.users, rows, policy.keep_ids)
    i, items = _compact(columns.items, rows, policy.keep_ids)
    key = u.astype(np.int64)
    key *= len(items)
    key += i
    del u, i  # 25 million rows: keep the peak low
    order = np.argsort(key, kind="stable")
    key = key[order]
    if rows is not None:
        order = rows[order]
    again = np.flatnonzero(key[1:] == key[:-1]) + 1
    merged = None
    kept = order
    if len(again):
        kept, merged = _merge(columns, policy, key, order, again)
        first = np.ones(len(key), bool)
        first[again] = False
        key = key[first]
    data = _data(_single(columns.ratings), kept, merged)
    csr = _csr(key, data, len(users), len(items))
    stamps = None if columns.stamps is None else columns.stamps[kept]
    dropped = _difference(order, kept, n_rows) if len(again) else np.empty(0, np.int64)
    report = Report(
        place.source,
        place.unit,
        n_rows,
        len(kept),
        duplicates=place.numbers(dropped),
        duplicates_policy=policy.duplicates,
        missing={role: place.numbers(at) for role, at in missing.items()},
        out_of_range=place.numbers(out_of_range),
        files=place.files,
    )
    return Assembled(csr, users, items, stamps, report)


def _missing(columns: Columns, policy: ReadPolicy) -> tuple[dict[str, Array], Array]:
    """Rows without a user, item, finite rating or time, by role, and the mask of them all."""
    ratings = _single(columns.ratings)
    masks: dict[str, Array | None] = {
        "user": columns.users.codes < 0,
        "item": columns.items.codes < 0,
        "rating": None if ratings is None else ~np.isfinite(ratings),
        "timestamp": columns.stamp_missing,
    }
    found = {role: np.flatnonzero(mask) for role, mask in masks.items() if mask is not None and mask.any()}
    gone = np.zeros(len(columns.users.codes), bool)
    for at in found.values():
        gone[at] = True
    if found and policy.missing == "error":
        role = min(found, key=lambda role: int(found[role][0]))
        row = int(found[role][0])
        what = f"no {role}"
        if role == "rating" and ratings is not None and np.isinf(ratings[row]):
            what = f"rating {ratings[row]:g} is not finite (in float32)"
        raise ValueError(f"{columns.place.at(row)}: {what}; {_fix(columns)}, or pass missing='drop'")
    return found, gone


def _single(ratings: Array | None) -> Array | None:
    """As they are kept; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return None if ratings is None else ratings.astype(np.float32, copy=False)


def _out_of_range(columns: Columns, policy: ReadPolicy, gone: Array) -> Array:
    ratings = _single(columns.ratings)
    if policy.rating_range is None or ratings is None:
        return np.empty(0, np.int64)
    low, high = np.float32(policy.rating_range[0]), np.float32(policy.rating_range[1])
    at = np.flatnonzero(((ratings < low) | (ratings > high)) & ~gone)
    if len(at) and policy.out_of_range == "error":
        row = int(at[0])
        raise ValueError(
            f"{columns.place.at(row)}: rating {ratings[row]:g} is not in {low:g} .. {high:g}; "
            f"{_fix(columns)}, or pass out_of_range='drop'"
        )
    return at


def _fix(columns: Columns) -> str:
    return f"fix or remove the {columns.place.unit}"


def _compact(coded: Coded, rows: Array | None, keep: bool) -> tuple[Array, Array]:
    """Codes of the kept rows renumbered over the ids that occur, in sorted order where there is one."""
    codes = coded.codes if rows is None else coded.codes[rows]
    if keep:
        return codes, coded.values
    used = np.flatnonzero(np.bincount(codes, minlength=len(coded.values)))
    values = coded.values[used]
    order = sorted_order(values)
    if order is not None:
        used, values = used[order], values[order]
    new = np.full(len(coded.values), -1, np.int32)
    new[used] = np.arange(len(used), dtype=np.int32)
    return new[codes], values


def _merge(columns: Columns, policy: ReadPolicy, key: Array, order: Array, again: Array) -> tuple[Array, Array | None]:
    """The row that stands for each pair, and the merged ratings under "mean" and "sum".

    key, order : (n,) sorted pair keys and their rows; again : positions that repeat the key before them.
    """
    if policy.duplicates == "error":
        at = int(again[np.argmin(order[again])])
        row, before = int(order[at]), int(order[at - 1])
        place = columns.place
        raise ValueError(
            f"{place.at(row)}: the same user and item as {place.name(before)}; "
            "remove one, or pass duplicates='last', 'first', 'mean' or 'sum'"
        )
    starts = np.ones(len(key), bool)
    starts[again] = False
    start = np.flatnonzero(starts)
    stop = np.append(start[1:], len(key))
    many = np.flatnonzero(stop - start > 1)
    by_time = order
    if columns.stamps is not None:  # order the members of each repeated pair by time; ties stay in row order
        member = ~starts
        member[start[many]] = True
        where = np.flatnonzero(member)
        rows = order[where]
        by_time = order.copy()
        by_time[where] = rows[np.lexsort((rows, columns.stamps[rows], key[where]))]
    kept = by_time[start] if policy.duplicates == "first" else by_time[stop - 1]
    if policy.duplicates in ("last", "first"):
        return kept, None
    values = np.ones(len(order)) if columns.ratings is None else columns.ratings[order].astype(np.float64)
    total = np.add.reduceat(values, start)
    if policy.duplicates == "mean":
        total /= stop - start
    with np.errstate(over="ignore"):
        merged = total.astype(np.float32)
    if not np.isfinite(merged).all():
        row = int(kept[np.argmin(np.isfinite(merged))])
        raise ValueError(f"{columns.place.at(row)}: the {policy.duplicates} of this user and item overflows float32")
    return kept, merged


def _difference(order: Array, kept: Array, n_rows: int) -> Array:
    """The rows of ``order`` that are not in ``kept``, ascending."""
    lost = np.zeros(n_rows, bool)
    lost[order] = True
    lost[kept] = False
    return np.flatnonzero(lost)


def _data(ratings: Array | None, kept: Array, merged: Array | None) -> Array:
    if merged is not None:
        return merged
    return np.ones(len(kept), np.float32) if ratings is None else ratings[kept]


def _csr(key: Array, data: Array, n_users: int, n_items: int) -> Any:
    """CSR of sorted pair keys ``user * n_items + item``, which are overwritten."""
    sparse = require("scipy.sparse", extra="data")
    index = np.int32 if len(key) < 2**31 and max(n_users, n_items) < 2**31 else np.int64
    indptr = np.searchsorted(key, np.arange(n_users + 1, dtype=np.int64) * n_items).astype(index)
    indices = np.remainder(key, n_items, out=key).astype(index)
    csr = sparse.csr_matrix((data, indices, indptr), shape=(n_users, n_items))
    csr.has_sorted_indices = csr.has_canonical_format = True
    return csr
