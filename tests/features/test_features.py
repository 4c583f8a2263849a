"""What each kind of modality becomes, by its formula, and what Features does with rows. No sources, no errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

from attnrec.data import Ids, Interactions, Items
from attnrec.features import FeatureEncoder, Features
from attnrec.metrics import intra_list_diversity
from attnrec.models import SoftmaxRecommender
from tables import WINES, LetterCounts, encoder


def dense(matrix):
    return matrix.toarray() if sparse.issparse(matrix) else matrix


def one(**columns):
    """The block of a single modality of a small table given as kind={name: values}."""
    ((kind, table),) = columns.items()
    return FeatureEncoder(**{kind: list(table)}, id=False).fit_transform(table)


def test_text_is_sublinear_tf_idf():
    notes = ["Red red wine", "Élan of red fruit", "white wine, dry wine, wine", "fruit: dry elan", "dry x"]
    features = FeatureEncoder(text={"notes": "n"}, min_df=1).fit_transform({"n": notes})
    peer = TfidfVectorizer(sublinear_tf=True, strip_accents="unicode")
    assert_allclose(dense(features.matrix), peer.fit_transform(notes).toarray(), atol=1e-7)
    assert features.names == [f"notes:{term}" for term in peer.get_feature_names_out()]
    assert features.matrix.dtype == np.float32


def test_rare_words_are_left_out_and_the_most_frequent_kept():
    table = {"n": ["red wine", "red dry", "red wine white", "wine dry"]}
    assert FeatureEncoder(text="n").fit_transform(table).names == ["n:dry", "n:red", "n:wine"]
    assert FeatureEncoder(text="n", max_features=2).fit_transform(table).names == ["n:red", "n:wine"]
    assert FeatureEncoder(text="n").fit_transform({"n": ["red wine"]}).names == ["n:red", "n:wine"]  # none is frequent


def test_text_of_several_columns_is_one_text():
    table = {"a": ["red", None, "dry"], "b": ["wine", "wine", ""]}
    features = FeatureEncoder(text={"all": ["a", "b"]}, min_df=1).fit_transform(table)
    assert features.names == ["all:dry", "all:red", "all:wine"]
    assert_array_equal(dense(features.matrix) > 0, [[0, 1, 1], [0, 0, 1], [1, 0, 0]])


def test_a_text_without_known_words_is_missing():
    fitted = FeatureEncoder(text="n").fit({"n": ["red wine", "red wine"]})
    features = fitted.transform({"n": ["beer", "Red!", "", None]})
    assert features.present.ravel().tolist() == [False, True, False, False]
    assert_array_equal(dense(features.matrix), [[0, 0], [1, 0], [0, 0], [0, 0]])


def test_categories_are_one_hot_and_unseen_ones_missing():
    fitted = FeatureEncoder(categories="c").fit({"c": ["b", "a", "b", None, 5, 5.0, True]})
    features = fitted.transform({"c": ["a", " b ", "5", 5.0, "z", float("nan"), True]})
    assert features.names == ["c=5", "c=True", "c=a", "c=b"]
    assert dense(features.matrix).argmax(axis=1).tolist() == [2, 3, 0, 0, 0, 0, 1]
    assert features.present.ravel().tolist() == [True, True, True, True, False, False, True]


def test_rare_labels_share_a_column():
    table = {"c": ["a", "a", "b", "c", "a", "c"]}
    fitted = FeatureEncoder(categories="c", min_frequency=3).fit(table)
    features = fitted.transform({"c": ["a", "b", "c", "d"]})
    assert features.names == ["c=a", "c=other"]
    assert_array_equal(dense(features.matrix), [[1, 0], [0, 1], [0, 1], [0, 0]])
    assert FeatureEncoder(categories="c", max_features=1).fit_transform(table).names == ["c=a", "c=other"]


def test_several_columns_of_categories_are_one_modality():
    features = FeatureEncoder(categories={"place": ["land", "town"]}).fit_transform(
        {"land": ["PT", "PT", None], "town": ["Porto", None, None]}
    )
    assert features.names == ["land=PT", "town=Porto"]
    assert_allclose(dense(features.matrix), [[0.5**0.5, 0.5**0.5], [1, 0], [0, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    "cells",
    [
        ["Beef|Lamb| Beef ", "Lamb", "", None],
        [["Beef", "Lamb"], ("Lamb",), [], None],
        [np.array(["Lamb", "Beef"]), {"Lamb"}, np.array([]), float("nan")],
        ["['Beef', 'Lamb']", '["Lamb"]', "[]", " "],
        [["Lamb", None, "Beef", ""], "Lamb", [None], "|"],
    ],
)
def test_several_labels_a_cell(cells):
    features = one(multi={"food": cells})
    assert features.names == ["food=Beef", "food=Lamb"]
    assert_allclose(dense(features.matrix), [[0.5**0.5, 0.5**0.5], [0, 1], [0, 0], [0, 0]], rtol=1e-6)
    assert features.present.ravel().tolist() == [True, True, False, False]


def test_separators_by_column():
    table = {"a": ["x,y", "x"], "b": ["x,y|z", "z"]}
    features = FeatureEncoder(multi=["a", "b"], separator={"a": ","}).fit_transform(table)
    assert features.names == ["a=x", "a=y", "b=x,y", "b=z"]


def test_numbers_lie_on_a_half_turn():
    x = np.array([1.0, 2.0, 3.0, 10.0])
    matrix = one(numbers={"x": [*x, None]}).matrix
    z = (x - x.mean()) / x.std()
    assert_allclose(matrix[:4], np.stack([z, np.ones(4)], axis=1) / np.sqrt(1 + z * z)[:, None], rtol=1e-6)
    angle = np.arctan(z)
    assert_allclose(matrix[:4] @ matrix[:4].T, np.cos(angle[:, None] - angle), atol=1e-6)
    assert not matrix[4].any()


def test_constant_and_huge_numbers():
    fitted = FeatureEncoder(numbers=["same", "wide"]).fit({"same": [0.1] * 3, "wide": [1e150, -1e150, 0]})
    features = fitted.transform({"same": [0.1, 1.1, -1e308], "wide": [1e308, 0, -1e308]})
    assert_allclose(features.block("same"), [[0, 1], [0.5**0.5, 0.5**0.5], [-1, 0]], atol=1e-6)
    assert np.isfinite(features.matrix).all()
    assert features.present.all()


def test_a_group_of_numbers_has_length_one_with_parts_missing():
    features = FeatureEncoder(numbers={"size": ["w", "h"]}).fit_transform({"w": [1, 2, None], "h": [None, 4, None]})
    assert features.names == ["w", "w:known", "h", "h:known"]
    assert_allclose(np.linalg.norm(features.matrix, axis=1), [1, 1, 0], rtol=1e-6)
    assert not features.matrix[0, 2:].any()


def test_dates_by_time_season_and_weekday():
    days = pd.to_datetime(["2023-01-02", "2024-01-01", "2023-07-03", None])  # Mondays
    features = one(dates={"day": days.to_series()})
    x = features.matrix * 3**0.5
    n = np.array([19359, 19723, 19541.0])
    z = (n - n.mean()) / n.std()
    assert_allclose(x[:3, 0], z / np.sqrt(1 + z * z), atol=1e-6)
    turn = 2 * np.pi * np.array([1 / 365, 0, 183 / 365])
    assert_allclose(x[:3, 2:4], np.stack([np.sin(turn), np.cos(turn)], axis=1), atol=1e-6)
    assert_allclose(x[:3, 4:], [[0, 1]] * 3, atol=1e-6)
    assert not x[3].any()
    assert features.present.ravel().tolist() == [True, True, True, False]
    assert features.names[-1] == "day:week cos"


@pytest.mark.parametrize(
    "vectors",
    [
        np.array([[3, 4], [0, 0], [np.nan, np.nan], [0, 1e-200]]),
        [[3, 4], [0, 0], None, [0, 1e-200]],
        [np.array([3.0, 4.0]), [0.0, 0.0], [], (0, 1e-200)],
        ["[3, 4]", "[0, 0]", None, "[0, 1e-200]"],
    ],
)
def test_vectors_stay_as_they_are(vectors):
    features = one(vectors={"image": vectors})
    assert_allclose(features.matrix, [[0.6, 0.8], [0, 0], [0, 0], [0, 1]], rtol=1e-6)
    assert features.present.ravel().tolist() == [True, False, False, True]
    assert features.names == ["image[0]", "image[1]"]


def test_vectors_in_columns_found_by_a_pattern():
    table = {"img_a": [3.0, 1.0, None], "img_b": [4.0, 0.0, None], "other": [1, 2, 3]}
    features = FeatureEncoder(vectors={"image": "img_*"}, id=False).fit_transform(table)
    assert_allclose(features.matrix, [[0.6, 0.8], [1, 0], [0, 0]], rtol=1e-6)
    assert features.names == ["img_a", "img_b"]


def test_a_sentence_encoder_takes_the_place_of_tf_idf():
    letters = LetterCounts()
    table = {"a": ["aa e", None, "aa e", "zz"], "b": ["red wine", "red", "", "wine"]}
    fitted = FeatureEncoder(text=["a", "b"], encoder={"a": letters}).fit(table)
    assert letters.seen == 1  # fit looks at a fixed sentence alone
    features = fitted.transform(table)
    assert letters.seen == 3  # equal texts once
    assert_allclose(dense(features.block("a"))[0, :2], np.array([2, 1]) / 5**0.5, rtol=1e-6)
    assert features.present[:, 0].tolist() == [True, False, True, False]
    assert features.names[0] == "a[0]"
    assert "b:wine" in features.names
    both = FeatureEncoder(text=["a", "b"], encoder=letters).fit_transform(table)
    assert isinstance(both.matrix, np.ndarray)
    assert both.shape == (4, 14)


def test_blocks_have_length_one_and_weights_scale_their_cosines():
    plain, weighed = encoder().fit_transform(WINES), encoder(weights={"notes": 4, "grapes": 0}).fit_transform(WINES)
    for k, name in enumerate(plain.modalities):
        lengths = np.linalg.norm(dense(plain.block(name)), axis=1)
        assert_allclose(lengths, plain.present[:, k], rtol=1e-6)
        weight = {"notes": 2, "grapes": 0}.get(name, 1)
        assert_allclose(dense(weighed.block(name)), weight * dense(plain.block(name)), rtol=1e-6)
    assert_array_equal(plain.present, weighed.present)


def test_dense_where_every_block_is():
    assert isinstance(one(numbers={"x": [1, 2]}).matrix, np.ndarray)
    matrix = encoder().fit_transform(WINES).matrix
    assert sparse.issparse(matrix)
    assert matrix.format == "csr"
    assert matrix.has_sorted_indices
    assert matrix.dtype == np.float32


def test_rows_keep_ids_and_presence():
    features = encoder().fit_transform(WINES)
    for rows in (slice(1, 4), [3, 1], np.array([True, False, True, False, False]), 2, -1, []):
        some, at = features[rows], np.atleast_1d(np.arange(5)[rows])
        assert_array_equal(dense(some.matrix), dense(features.matrix)[at])
        assert_array_equal(some.present, features.present[at])
        assert list(some.ids) == [WINES["wine"][k] for k in at]
        assert len(some) == len(at)


def test_align_follows_interactions_and_says_who_is_unknown():
    features = encoder().fit_transform(WINES)
    data = Interactions.from_arrays([1, 1, 2], [9, 3, 100], [1.0, 2.0, 3.0])
    with pytest.warns(UserWarning, match="1 of 3 ids have no row, such as 100"):
        aligned = features.align(data.items)
    assert aligned.ids == data.items
    assert_array_equal(dense(aligned.matrix)[:2], dense(features.matrix)[[1, 3]])
    assert not aligned.present[2].any()
    assert not dense(aligned.matrix)[2].any()
    assert aligned.names == features.names
    quiet = features.align([100, 200], unknown="ignore")
    assert not quiet.present.any()
    assert quiet.shape == (2, features.shape[1])
    assert len(features.align([])) == 0
    dense_rows = FeatureEncoder(numbers="abv").fit_transform(WINES).align([4, 77], unknown="ignore")
    assert_array_equal(dense_rows.present.ravel(), [True, False])


def test_features_tell_themselves():
    features = encoder().fit_transform(WINES)
    assert features.features is features.matrix
    assert repr(features).startswith("Features(5 rows, ")
    assert "notes 60 %, region 80 %, grapes 60 %, strength 80 %, bottled 80 %, picture 60 %" in repr(features)
    assert features.shape == features.matrix.shape == (5, len(features.names))


def test_features_from_parts_of_different_sizes_are_refused():
    parts = {"matrix": np.ones((2, 3)), "modalities": {"m": slice(0, 3)}, "present": np.ones((2, 1), bool)}
    Features(**parts, names=list("abc"))
    for change in ({"names": ["a"]}, {"present": np.ones((3, 1), bool)}, {"ids": Ids([1])}):
        with pytest.raises(ValueError, match=r"rows|names|ids"):
            Features(**(parts | {"names": list("abc")} | change))


def test_estimators_and_metrics_take_them():
    data = Interactions.from_arrays([1, 1, 2, 2, 3, 3], [7, 3, 3, 5, 9, 4])
    features = encoder().fit_transform(WINES).align(data.items)
    model = SoftmaxRecommender(factors=4, epochs=2)
    ids, _ = model.fit(data, item_features=features, show_progress=False).recommend(0, N=2)
    plain = model.fit(data, item_features=features.matrix, show_progress=False).recommend(0, N=2)[0]
    assert_array_equal(ids, plain)
    lists = [[0, 1, 2], [2, 3, 4]]
    assert intra_list_diversity(lists, features) == intra_list_diversity(lists, features.matrix)


def test_scikit_learn_clones_it():
    first = encoder(weights={"notes": 2.0}, encoder=None).fit(WINES)
    again = clone(first)
    assert again.get_params() == first.get_params()
    with pytest.raises(ValueError, match="not fitted yet"):
        again.transform(WINES)
    assert_array_equal(dense(again.fit_transform(WINES).matrix), dense(first.transform(WINES).matrix))
    assert repr(FeatureEncoder(text="notes")) == "FeatureEncoder(text='notes')"


def test_weights_count_from_the_next_fit_on():
    fitted = FeatureEncoder(numbers="abv").fit(WINES)
    fitted.set_params(weights={"abv": 4})
    assert_allclose(np.linalg.norm(fitted.transform(WINES).matrix, axis=1).max(), 1, rtol=1e-6)


def test_items_of_the_data_package_are_a_table():
    items = Items(Ids(["x", "y"]), ["Heat", "Alien Heat"], {"year": [1995, 1979]})
    features = FeatureEncoder(text="title", numbers="year").fit_transform(items)
    assert list(features.ids) == ["x", "y"]
    assert features.names == ["title:heat", "year", "year:known"]
