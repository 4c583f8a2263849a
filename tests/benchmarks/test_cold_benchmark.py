"""benchmarks/quality/cold.py on small data: what is hidden, and that content finds it. Judges no speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="features need scikit-learn")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
from attnrec.features import FeatureEncoder
from benchmarks.quality import (
    cold,
    cold_data,
    cold_ratings,
)


def test_items_are_hidden_once() -> None:
    x = sp.csr_array((5, 50))
    hidden, shown = cold_data.hidden_items(x, 3)
    assert len(hidden) == 10
    assert np.array_equal(np.sort(np.append(hidden, shown)), np.arange(50))
    assert not np.array_equal(hidden, cold_data.hidden_items(x, 4)[0])


def test_content_knn_is_the_sum_of_cosines() -> None:
    r = np.random.default_rng(0)
    x = sp.csr_array((r.random((4, 6)) < 0.5).astype(float))
    warm, new = r.random((6, 3)), r.random((2, 3))
    cosines = (warm @ new.T) / np.outer(np.linalg.norm(warm, axis=1), np.linalg.norm(new, axis=1))
    got = cold.content_knn(2.0)(x, sp.csr_array(warm), sp.csr_array(new))
    np.testing.assert_allclose(got, x @ cosines**2)


@pytest.mark.parametrize("values", [3, 50, 10**6])
@pytest.mark.parametrize("columns", [4, 20, 90])
def test_the_best_are_those_of_a_stable_sort(values: int, columns: int) -> None:
    scores = np.random.default_rng(values).integers(0, values, (70, columns)).astype(float)
    want = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    np.testing.assert_array_equal(cold.best(scores), want)


def test_content_finds_hidden_items() -> None:
    r = np.random.default_rng(1)
    taste, kind = r.integers(0, 4, 200), r.integers(0, 4, 60)
    x = sp.csr_array((r.random((200, 60)) < np.where(taste[:, None] == kind, 0.4, 0.02)).astype(np.float32))
    features = FeatureEncoder(categories="kind").fit_transform({"kind": [f"k{k}" for k in kind]})
    found = {
        name: cold.cold(make(**cold.setting_of("simulated", name)), x, features, 0)["ndcg"]
        for name, make in cold.METHODS.items()
        if not name.startswith(("cmfrec", "irspack", "implicit"))
    }
    chance, blind = found.pop("by chance"), found.pop("attnrec softmax, no content")
    assert min(found.values()) > 1.4 * max(chance, blind)


def test_a_wine_in_words() -> None:
    wine = dict.fromkeys(("name", "type", "body", "acidity", "abv", "country", "region", "winery"), "so")
    text = cold_data.sentence_of({**wine, "grapes": "['Baga', 'Jaen']", "food_pairings": "['Cod']"})
    assert "of Baga, Jaen by so" in text
    assert text.endswith("Goes with Cod.")


def test_ratings_are_predicted_from_the_rest() -> None:
    r = np.random.default_rng(2)
    users, items = np.divmod(r.permutation(30 * 20)[:200], 20)
    ratings = r.integers(1, 6, 200).astype(float)
    found = list(cold_ratings.parts(users, items, ratings))
    assert [name for name, _ in found] == ["warm"] * 5 + ["cold"] * 5
    for name, fold in found:
        assert fold.train.nnz + len(fold.ratings) == 200
        assert fold.train.data.sum() + fold.ratings.sum() == ratings.sum()
        if name == "cold":
            assert not np.isin(fold.items, fold.train.indices).any()
    assert sum(len(fold.ratings) for name, fold in found if name == "warm") == 200
    means = cold_ratings.by_user(sp.csr_array(np.array([[1.0, 0, 4.0], [0, 0, 0]])))
    assert means.tolist() == [2.5, 2.5]
    assert cold_ratings.errors(np.array([2.0, 4.0]), np.array([1.0, 5.0])) == (1.0, 0.0)
