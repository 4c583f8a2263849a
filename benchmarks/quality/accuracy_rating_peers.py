"""Peers of the explicit part of the accuracy benchmark: fit on ratings, predict the ratings of pairs."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array, Array], Array]  # of users, of items
Fit = Callable[[sp.csr_array], Predict]

MYFM_RANK, MYFM_ITERATIONS = 10, 512


def item_mean(train: sp.csr_array) -> Predict:
    """The mean rating of the item, that of all for an item without any."""
    columns = train.tocsc()
    counts = np.diff(columns.indptr)
    means = np.where(counts, columns.sum(axis=0) / np.maximum(counts, 1), train.data.mean())
    return lambda users, items: means[items]


def biases(train: sp.csr_array) -> Predict:
    """Mean and damped biases of user and item, those that KernelAttentionRegressor starts from."""
    from attnrec.models.kernel_explicit.biases import Biases

    found = Biases(train, user_damping=5, item_damping=8)
    of_users, of_items = found.biases
    return lambda users, items: found.mean + of_users[users] + of_items[items]


def _surprise(name: str, **settings: Any) -> Fit:
    def fit(train: sp.csr_array) -> Predict:
        import pandas as pd
        import surprise

        rows = train.tocoo()
        frame = pd.DataFrame({"user": rows.row, "item": rows.col, "rating": rows.data.astype(np.float64)})
        reader = surprise.Reader(rating_scale=(frame["rating"].min(), frame["rating"].max()))
        algorithm = getattr(surprise, name)(**settings)
        algorithm.fit(surprise.Dataset.load_from_df(frame, reader).build_full_trainset())
        return lambda users, items: np.array(
            [algorithm.predict(u, i).est for u, i in zip(users.tolist(), items.tolist(), strict=True)]
        )

    return fit


def _features(ratings: sp.csr_array, history: bool) -> list[sp.csr_array]:
    """What myFM is told of each row: its number, 0 for rows without ratings; and whom it has ratings with, each as
    ``count^-1/2``, as in its example."""
    counts = np.diff(ratings.indptr)
    numbers = np.cumsum(counts > 0) * (counts > 0)
    size = len(counts)
    out = [sp.csr_array((np.ones(size), (np.arange(size), numbers)), shape=(size, numbers.max() + 1))]
    if history:
        known = np.bincount(ratings.indices, minlength=ratings.shape[1]) > 0
        partners = ratings.astype(np.float64)
        partners.data = np.repeat(np.maximum(counts, 1) ** -0.5, counts)
        out.append(partners[:, known])
    return out


def _myfm(history: bool) -> Fit:
    def fit(train: sp.csr_array) -> Predict:
        import myfm

        features = [_features(rows, history) for rows in (train, train.T.tocsr())]
        sides = [sp.csr_matrix(sp.hstack(parts)) for parts in features]

        def blocks(*indices: Array) -> list[Any]:
            return [myfm.RelationBlock(index.tolist(), side) for index, side in zip(indices, sides, strict=True)]

        rows = train.tocoo()
        model = myfm.MyFMRegressor(rank=MYFM_RANK, random_seed=42)
        with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
            model.fit(
                None,
                rows.data.astype(np.float64),
                X_rel=blocks(rows.row, rows.col),
                group_shapes=[part.shape[1] for parts in features for part in parts],
                n_iter=MYFM_ITERATIONS,
                n_kept_samples=MYFM_ITERATIONS,
                callback=lambda *_: (False, None),
            )
        return lambda users, items: np.asarray(model.predict(None, blocks(users, items), n_workers=2))

    return fit


# Settings are those of the peers' own documentation: Surprise's defaults, with the similarity that it recommends for
# KNNBaseline; rank and iterations of myFM's MovieLens 100K example, its features without the dates.
_FM = f"rank {MYFM_RANK}, {MYFM_ITERATIONS} samples, groups"
RATING_PEERS: dict[str, tuple[str, Fit]] = {
    "item mean": ("", item_mean),
    "biases": ("damping 5 (users), 8 (items)", biases),
    "Surprise KNNBaseline": (
        "items, pearson_baseline, k=40",
        _surprise("KNNBaseline", sim_options={"name": "pearson_baseline", "user_based": False}, verbose=False),
    ),
    "Surprise SVD": ("100 factors, 20 epochs", _surprise("SVD", random_state=0)),
    "Surprise SVD++": ("20 factors, 20 epochs", _surprise("SVDpp", random_state=0, cache_ratings=True)),
    "myFM": (f"{_FM}, ids", _myfm(history=False)),
    "myFM SVD++ flipped": (f"{_FM}, ids and both histories", _myfm(history=True)),
}


def absent(name: str) -> str:
    """Why a peer cannot be run, if it cannot."""
    package = name.split()[0].lower()
    if package in ("surprise", "myfm"):
        try:
            importlib.import_module(package)
        except ImportError as error:
            return str(error)
    return ""
