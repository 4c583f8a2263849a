"""Data sets with content for benchmarks/cold.py, from the folder ATTNREC_DATA, and the split that hides items."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from _accuracy_data import found
from attnrec.data import Interactions
from attnrec.features import FeatureEncoder, Features

Array = np.ndarray[Any, np.dtype[Any]]


def xwines(root: Path) -> tuple[sp.csr_array, Features] | None:
    """X-Wines slim: 10,561 users, 1,007 wines, 150,000 ratings taken as interactions."""
    path = root / "xwines-slim"
    if not (found(path / "ratings.csv.gz") and found(path / "items.csv")):
        return None
    columns: dict[str, Any] = {"text": "name", "multi": ["grapes", "food_pairings"], "numbers": "abv"}
    encoder = FeatureEncoder(
        id="item", categories=["type", "body", "acidity", "country", "region", "winery"], **columns
    )
    return _joined(Interactions.from_csv(path / "ratings.csv.gz"), encoder.fit_transform(path / "items.csv"))


def movielens_100k(root: Path) -> tuple[sp.csr_array, Features] | None:
    """MovieLens 100K: 943 users, 1,682 films, 100,000 ratings taken as interactions; genres, year, title."""
    path = root / "movielens-100k"
    if not (found(path / "ratings.csv") and found(path / "items.csv")):
        return None
    encoder = FeatureEncoder(id="item", multi="genres", categories="year", text="title")
    return _joined(Interactions.from_csv(path / "ratings.csv"), encoder.fit_transform(path / "items.csv"))


def beauty(root: Path) -> tuple[sp.csr_array, Features] | None:
    """Amazon Beauty 5-core: 22,363 users, 12,101 items, 198,502 interactions; keywords."""
    path = root / "amazon-beauty"
    if not (found(path / "sequences.txt.gz") and found(path / "item_text.csv.gz")):
        return None
    with gzip.open(path / "sequences.txt.gz", "rt") as lines:
        rows = [line.split() for line in lines]
    users = np.repeat([row[0] for row in rows], [len(row) - 1 for row in rows])
    items = np.concatenate([row[1:] for row in rows]).astype(np.int64)
    x = Interactions.from_arrays(users, items)
    return _joined(x, FeatureEncoder(id="item", text="text").fit_transform(path / "item_text.csv.gz"))


def _joined(x: Interactions, features: Features) -> tuple[sp.csr_array, Features]:
    matrix = sp.csr_array(x.user_items)
    matrix.data[:] = 1
    return matrix, features.align(x.items)


def hidden_items(x: sp.csr_array, seed: int, share: float = 0.2) -> tuple[Array, Array]:
    """A random ``share`` of the items, and the others; ascending."""
    order = np.random.default_rng(seed).permutation(x.shape[1])
    cut = round(share * x.shape[1])
    return np.sort(order[:cut]), np.sort(order[cut:])


DATA = {"xwines": xwines, "movielens-100k": movielens_100k, "beauty": beauty}
