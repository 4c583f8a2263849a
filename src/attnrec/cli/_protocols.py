"""Training and test parts of ``attnrec evaluate`` for each kind of split."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..data import Interactions

__all__ = ["SPLITS", "Part", "described", "parts"]

Array = np.ndarray[Any, np.dtype[Any]]

# Ways to split, and the options that say how.
SPLITS: dict[str, tuple[str, ...]] = {
    "random": ("test_fraction", "seed"),
    "last": (),
    "temporal": ("test_fraction", "time"),
    "kfold": ("folds", "seed"),
    "users": ("users", "fold_in", "seed"),
    "pair": ("test",),
}


@dataclass(frozen=True)
class Part:
    """What to fit on, and whom to measure.

    Attributes
    ----------
    train : Interactions
    histories, test : (b, n) CSR
        Of the users measured: what recommenders may know of them, and what is held out.
    rows : (b,) int64 or None
        Their rows of ``train``; None where they have none, and are recommended to by history.
    users : (b,) int64
        Their rows of the whole data.
    """

    train: Interactions
    histories: Any
    test: Any
    rows: Array | None
    users: Array


def parts(data: Interactions, split: str, given: dict[str, Any]) -> list[Part]:
    """The parts of one protocol; ``given`` holds the values of its options by name."""
    from ..data import kfold, leave_last_out, pair, random_holdout, temporal, user_holdout

    if split == "users":
        n = given["users"] or max(1, data.n_users // 10)
        train, fold_in, test, users = user_holdout(data, n, given["fold_in"], given["seed"])
        others = np.setdiff1d(np.arange(data.n_users), users)
        return [Part(_like(data, train, others), fold_in, test, None, users)]
    if split == "pair":
        first, second = pair(data, given["test"])
        return [_of_known(first, second.user_items)]
    if split == "kfold":
        pairs: Iterator[Any] = kfold(data, given["folds"], given["seed"])
    elif split == "last":
        pairs = iter([leave_last_out(data)])
    elif split == "temporal":
        fraction = given["test_fraction"] if given["time"] is None else None
        pairs = iter([temporal(data, fraction, time=given["time"])])
    else:
        pairs = iter([random_holdout(data, given["test_fraction"], given["seed"])])
    return [_of_known(_like(data, train), test) for train, test in pairs]


def described(data: Interactions, split: str, cut: list[Part]) -> tuple[str, list[str]]:
    """A line on what is held out, and what nobody could find."""
    held_out, users = sum(part.test.nnz for part in cut), len(np.unique(np.concatenate([p.users for p in cut])))
    cold_users = sum(int((np.diff(part.histories.indptr) == 0).sum()) for part in cut)
    known = [np.bincount(part.train.user_items.indices, minlength=part.test.shape[1]) > 0 for part in cut]
    cold = sum(int((~seen[part.test.indices]).sum()) for part, seen in zip(cut, known, strict=True))
    notes = []
    if cold:
        notes.append(f"{cold:,} held-out interactions have items without training interactions: no model finds them.")
    if cold_users:
        notes.append(f"{cold_users:,} users have no training interactions; all of them get the same recommendations.")
    whole = f" of {len(data):,}" if split != "pair" else ""
    return f"{held_out:,}{whole} interactions of {users:,} users held out ({split})", notes


def _of_known(train: Interactions, test: Any) -> Part:
    """A part whose users are fitted; those with something held out are measured."""
    users = np.flatnonzero(np.diff(test.indptr))
    return Part(train, train.user_items[users], test[users], users, users)


def _like(data: Interactions, matrix: Any, rows: Array | None = None) -> Interactions:
    """Some of the interactions, of all users or of these ``rows``, with ids, timestamps and all."""
    from ..data import Ids
    from ..data.splits._parts import keys_of, row_ids

    stamps = data.timestamps
    if stamps is not None:
        whole = data.user_items if rows is None else data.user_items[rows]
        kept = np.searchsorted(keys_of(whole), keys_of(matrix))
        stamps = (stamps if rows is None else stamps[np.isin(row_ids(data.user_items), rows)])[kept]
    return data._like(matrix, stamps, None if rows is None else Ids(data.users.names(rows)))
