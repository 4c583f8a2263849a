"""Models that keep the encoder of their features: raw tables after fit, in files, and sentence encoders handed back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from safetensors.numpy import load_file, save_file

from attnrec import models
from attnrec.features import FeatureEncoder
from attnrec.models import ContentBridge, KernelAttentionRecommender, NeighbourAttention, SoftmaxRecommender
from attnrec.models.storage.model_file import read_header

rng = np.random.default_rng(0)
X = sp.csr_array((rng.random((40, 12)) < 0.3).astype(np.float32))
TABLE: dict[str, Any] = {
    "film": [f"f{i}" for i in range(12)],
    "title": ["red river", "blue river", "red sky", "blue sky"] * 3,
    "genres": ["Drama|War", "Comedy", "War", "Comedy|Drama"] * 3,
    "year": list(range(1980, 1992)),
}
NEW = {"title": ["blue sea", "red war"], "genres": ["Comedy", "War"], "year": [1999, 1950], "more": [1, 2]}
PEOPLE = {"age": [20 + i for i in range(40)], "town": ["A", "B"] * 20}


def encoder(**more: Any) -> FeatureEncoder:
    return FeatureEncoder(text="title", multi="genres", numbers="year", id="film", min_df=1, **more)


def fitted(name: str, **more: Any) -> Any:
    features = encoder(**more).fit_transform(TABLE)
    if name == "softmax":
        users = FeatureEncoder(numbers="age", categories="town", id=False).fit_transform(PEOPLE)
        model: Any = SoftmaxRecommender(factors=8, epochs=3)
        return model.fit(X, item_features=features, user_features=users, show_progress=False)
    return KernelAttentionRecommender(based_on="items").fit(X, item_features=features)


class Letters:
    """A sentence encoder: how often each vowel comes."""

    def __init__(self, times: float = 1.0, shift: int = 0) -> None:
        self.times, self.shift = times, shift

    def encode(self, texts: list[str]) -> np.ndarray:
        counts = [[text.count(vowel) for vowel in "aeiou"] for text in texts]
        return np.roll(np.array(counts, dtype=np.float32) * self.times, self.shift, axis=1)


@pytest.mark.parametrize("name", ["kernel", "softmax"])
@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame])
def test_new_items_come_as_raw_rows(name: str, make: Any, tmp_path: Path) -> None:
    model = fitted(name)
    path = tmp_path / "m.safetensors"
    model.save(path)
    again = models.load(path)
    want = fitted(name).partial_fit_items([12, 13], item_features=encoder().fit(TABLE).transform(NEW, ids=False))
    for one in (model, again):
        one.partial_fit_items([12, 13], item_features=make(NEW))
        np.testing.assert_array_equal(one.recommend(0, N=14)[0], want.recommend(0, N=14)[0])
        np.testing.assert_array_equal(one.recommend(0, N=14)[1], want.recommend(0, N=14)[1])
    assert {12, 13} <= set(model.recommend(0, N=14)[0].tolist())
    again.save(tmp_path / "again.safetensors")
    models.load(tmp_path / "again.safetensors").partial_fit_items([14], item_features={"title": ["red"], **ONE})


ONE: dict[str, Any] = {"genres": ["War"], "year": [1970]}


def test_new_items_come_from_a_file(tmp_path: Path) -> None:
    model, want = fitted("kernel"), fitted("kernel").partial_fit_items([12, 13], item_features=NEW)
    pd.DataFrame(NEW).to_csv(tmp_path / "new.csv", index=False)
    model.partial_fit_items([12, 13], item_features=tmp_path / "new.csv")
    np.testing.assert_array_equal(model.recommend(0)[1], want.recommend(0)[1])


def test_a_bridge_takes_raw_rows(tmp_path: Path) -> None:
    features = encoder().fit_transform(TABLE)
    bridge = ContentBridge().fit(np.eye(12, 4), item_features=features, show_progress=False)
    want = bridge.transform(features.encoder.transform(NEW, ids=False))
    bridge.save(tmp_path / "b")
    for one in (bridge, ContentBridge.load(tmp_path / "b")):
        np.testing.assert_array_equal(one.transform(NEW), want)


def test_users_come_as_raw_rows(tmp_path: Path) -> None:
    model = fitted("softmax")
    users = FeatureEncoder(numbers="age", categories="town", id=False).fit(PEOPLE)
    rows = users.transform({"age": [33], "town": ["B"]})
    nothing = sp.csr_array((1, 12), dtype=np.float32)
    want = model.recommend([-1], nothing, recalculate_user=True, user_features=rows)
    model.save(tmp_path / "m")
    for one in (model, models.load(tmp_path / "m", mmap=False)):
        got = one.recommend([-1], nothing, recalculate_user=True, user_features={"age": [33], "town": ["B"]})
        np.testing.assert_array_equal(got[1], want[1])


def test_the_encoder_stays_through_updates_and_goes_with_the_next_fit() -> None:
    model = fitted("kernel")
    model.partial_fit_users([40], X[[0]]).partial_fit_items([12, 13], item_features=NEW)
    model.fit(X, item_features=encoder().fit_transform(TABLE).matrix)
    with pytest.raises(TypeError, match=r"keeps no encoder.*item_features=FeatureEncoder"):
        model.partial_fit_items([12, 13], item_features=NEW)


def test_aligned_features_and_some_rows_keep_the_encoder() -> None:
    features = encoder().fit_transform(TABLE)
    assert features.align(["f3", "f1"]).encoder is features.encoder
    assert features[[2, 5]].encoder is features.encoder


def test_raw_rows_that_do_not_fit() -> None:
    model = fitted("kernel")
    with pytest.raises(ValueError, match="'genres'"):
        model.partial_fit_items([12], item_features={"title": ["a"], "year": [1990]})
    with pytest.raises(ValueError, match="one row for each of the 1 itemids"):
        model.partial_fit_items([12], item_features=NEW)
    with pytest.raises(FileNotFoundError):
        model.partial_fit_items([12], item_features="nowhere.csv")
    with pytest.raises(ValueError, match="NeighbourAttention does not use item_features"):
        NeighbourAttention().fit(X).partial_fit_items([12], item_features=NEW)


def test_a_sentence_encoder_is_handed_back(tmp_path: Path) -> None:
    model = fitted("kernel", encoder=Letters())
    model.save(tmp_path / "m")
    want = model.partial_fit_items([12, 13], item_features=NEW).recommend(0)
    with pytest.raises(ValueError, match=r"text of title .* load the model with encoder="):
        models.load(tmp_path / "m").partial_fit_items([12, 13], item_features=NEW)
    models.load(tmp_path / "m").save(tmp_path / "copy")
    for found in (Letters(), {"title": Letters()}):
        again = models.load(tmp_path / "copy", encoder=found).partial_fit_items([12, 13], item_features=NEW)
        np.testing.assert_array_equal(again.recommend(0)[1], want[1])
    with pytest.raises(ValueError, match=r"copy.*vectors differ"):
        models.load(tmp_path / "copy", encoder=Letters(shift=1))
    assert models.load(tmp_path / "copy").recommend(0)[0].shape == (10,)


def test_damaged_encoders_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    fitted("kernel").save(path)
    header, arrays = read_header(path), load_file(path)

    def refused(change: Any) -> None:
        facts, parts = json.loads(json.dumps(header)), dict(arrays)
        change(facts["facts"]["encoder of item_features"], parts)
        save_file(parts, tmp_path / "bad", metadata={"attnrec": json.dumps(facts)})
        with pytest.raises(ValueError, match="bad"):
            models.load(tmp_path / "bad")

    refused(lambda facts, parts: facts.update(format=99))
    refused(lambda facts, parts: facts["modalities"].pop())
    refused(lambda facts, parts: parts.pop("encoder of item_features.0.idf"))
    refused(lambda facts, parts: parts.update({"encoder of item_features.0.idf": np.zeros(3)}))
