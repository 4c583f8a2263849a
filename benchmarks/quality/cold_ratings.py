"""Ratings with content and without, for cold.py: MovieLens 100K with genres and year, warm and item-cold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec.data import Interactions
from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRegressor
from benchmarks.quality.accuracy_data import found
from benchmarks.quality.accuracy_explicit import SPLITS, Fold
from benchmarks.quality.cold_data import hidden_items

Array = np.ndarray[Any, np.dtype[Any]]


def read(path: Path) -> tuple[Array, Array, Array, Any] | None:
    """Numbers of users and items and ratings, in the order of the file, and features of the items."""
    if not (found(path / "ratings.csv") and found(path / "items.csv")):
        return None
    data = Interactions.from_csv(path / "ratings.csv")
    users, items, ratings = np.loadtxt(path / "ratings.csv", delimiter=",", skiprows=1, usecols=(0, 1, 2)).T
    features = FeatureEncoder(id="item", multi="genres", categories="year").fit_transform(path / "items.csv")
    at = (data.users.positions(users.astype(int)), data.items.positions(items.astype(int)))
    return *at, ratings, features.align(data.items)


def parts(users: Array, items: Array, ratings: Array) -> Iterator[tuple[str, Fold]]:
    """The folds u1 .. u5, each fifth of the file from the rest; then five seeds without a random fifth of the items."""
    n, shape = len(ratings), (users.max() + 1, items.max() + 1)
    tests = [("warm", np.isin(np.arange(n), test)) for test in np.array_split(np.arange(n), SPLITS)]
    nothing = sp.csr_array(shape)
    tests += [("cold", np.isin(items, hidden_items(nothing, seed)[0])) for seed in range(SPLITS)]
    for name, test in tests:
        known = (ratings[~test].astype(np.float32), (users[~test], items[~test]))
        yield name, Fold(sp.csr_array(known, shape=shape), users[test], items[test], ratings[test])


def by_user(train: sp.csr_array) -> Array:
    """Mean of each user's ratings; of all, for one without any."""
    mean = train.data.mean(dtype=np.float64)
    counts = np.diff(train.indptr)
    out: Array = np.where(counts > 0, np.asarray(train.sum(axis=1)).ravel() / np.maximum(counts, 1), mean)
    return out


def errors(predicted: Array, ratings: Array) -> tuple[float, float]:
    """RMSE, and the mean error."""
    wrong = predicted.astype(np.float64) - ratings
    return float(np.sqrt(np.mean(wrong**2))), float(wrong.mean())


def run(root: Path) -> dict[str, Any]:
    """RMSE of KernelAttentionRegressor with its defaults, with content and without, beside the users' means."""
    read_ = read(root / "movielens-100k")
    if read_ is None:
        return {}
    users, items, ratings, features = read_
    out: dict[str, Any] = {}
    for name, fold in parts(users, items, ratings):
        for kind, given in (("without content", None), ("with content", features)):
            model = KernelAttentionRegressor().fit(fold.train, item_features=given, show_progress=False)
            found_ = errors(model.predict(fold.users, fold.items), fold.ratings)
            out.setdefault(f"{name}, {kind}", []).append(found_)
        out.setdefault(f"{name}, mean of the user", []).append(errors(by_user(fold.train)[fold.users], fold.ratings))
    print(f"MovieLens 100K, {len(ratings):,} ratings, {features!r}; RMSE of KernelAttentionRegressor, its defaults")
    for name, found_ in out.items():
        rmse, level = np.transpose(found_)
        print(f"  {name}: {rmse.mean():.4f} ({', '.join(f'{x:.4f}' for x in rmse)}), mean error {level.mean():+.3f}")
    return out
