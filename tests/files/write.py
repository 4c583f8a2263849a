"""Writes the files of this folder, which later versions must open: ``python tests/files/write.py``.

A model of every estimator, an encoder inside a model, a bridge, an index, and a checkpoint of training; beside them
answers.json, what they answer. ``tests/models/test_old_files.py`` reads them. A change of a format on purpose writes a
folder for the new version and leaves this one, or states in CHANGELOG that files of before are refused by name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import attnrec
from attnrec.data import Interactions
from attnrec.features import FeatureEncoder
from attnrec.models import (
    ContentBridge,
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    SoftmaxRecommender,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
from estimators import ITEMS, USERS, made

FOLDER = Path(__file__).parent
TRAINING: dict[str, Any] = {"factors": 4, "epochs": 4, "batch_size": 16, "random_state": 1}
MODELS: dict[str, Callable[[], Any]] = {
    "neighbours": lambda: NeighbourAttention(),
    "kernel_implicit": lambda: KernelAttentionRecommender(),
    "kernel_explicit": lambda: KernelAttentionRegressor(),
    "softmax": lambda: SoftmaxRecommender(**TRAINING),
}


def interactions(kind: str = "explicit") -> Interactions:
    """Random histories with text as ids of users and large integers as ids of items."""
    users, items = [f"user {u}" for u in range(USERS)], [2**60 + 7 * i for i in range(ITEMS)]
    return Interactions.from_sparse(made(kind), users, items)


def table() -> dict[str, list[Any]]:
    """What is known of the items: a genre, a year and a text."""
    genres, words = ("comedy", "drama", "noir"), ("rain", "city", "sea", "night")
    return {
        "id": [2**60 + 7 * i for i in range(ITEMS)],
        "genre": [genres[i % 3] for i in range(ITEMS)],
        "year": [1950 + i for i in range(ITEMS)],
        "about": [f"{words[i % 4]} and {words[i % 3]}" for i in range(ITEMS)],
    }


def encoder() -> FeatureEncoder:
    return FeatureEncoder(id="id", categories=["genre"], numbers=["year"], text=["about"], min_df=1)


def answers(model: Any) -> dict[str, list[Any]]:
    ids, scores = model.recommend(np.arange(12), N=5)
    names = [[None if i < 0 else int(model.item_ids[i]) for i in row] for row in ids.tolist()]
    return {"ids": names, "scores": np.where(np.isfinite(scores), scores, 0).astype(float).round(7).tolist()}


class Stop(Exception):
    """Ends training after an epoch."""


def stop(epoch: int, seconds: float, loss: float) -> None:
    if epoch == 2:
        raise Stop


def checkpoint(path: Path) -> None:
    path.unlink(missing_ok=True)
    try:
        SoftmaxRecommender(**TRAINING).fit(
            interactions("implicit"), show_progress=False, callback=stop, checkpoint=path
        )
    except Stop:
        return
    raise AssertionError("training was not stopped")


def main() -> None:
    found: dict[str, Any] = {"version": attnrec.__version__}
    for name, make in MODELS.items():
        model = make().fit(interactions("explicit" if name == "kernel_explicit" else "implicit"), show_progress=False)
        model.save(FOLDER / f"{name}.safetensors")
        found[name] = answers(model)
    features = encoder().fit_transform(table())
    model = KernelAttentionRecommender(based_on="items")
    model.fit(interactions("implicit"), item_features=features, show_progress=False)
    model.save(FOLDER / "encoder.safetensors")
    found["encoder"] = answers(model)
    vectors = np.random.default_rng(0).standard_normal((ITEMS, 4)).astype(np.float32)
    bridge = ContentBridge().fit(vectors, item_features=features, show_progress=False)
    bridge.save(FOLDER / "bridge.safetensors")
    found["bridge"] = bridge.transform(features)[:8].astype(float).round(7).tolist()
    index = attnrec.ItemIndex(vectors, ids=2**60 + 7 * np.arange(ITEMS))
    index.save(FOLDER / "index.attnrec")
    found["index"] = attnrec.topk(vectors, index, 3, weights=False).ids.tolist()
    checkpoint(FOLDER / "checkpoint.safetensors")
    (FOLDER / "answers.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
