"""FrameRecommender over a tiny model, and tables of items. No estimator of the package takes part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attnrec.data import FrameRecommender, Ids, Interactions, Items, read_items

ROWS = {"user": ["ann", "ann", "bob", "cy"], "item": [10, 20, 30, 10]}


class Popular:
    """Score of an item = how many users have it; ids -1 where nothing is left."""

    def __init__(self, data=None):
        if data is not None:
            self.interactions_ = data

    def fit(self, csr):
        self.counts = np.asarray(csr.sum(axis=0)).ravel()
        return self

    def recommend(self, userids, user_items, N=10, filter_already_liked_items=True, filter_items=None, items=None):
        assert user_items.shape[0] == len(userids)
        ids = np.full((len(userids), N), -1)
        scores = np.full((len(userids), N), -np.inf, np.float32)
        for row in range(len(userids)):
            allowed = np.arange(len(self.counts)) if items is None else items
            if filter_already_liked_items:
                allowed = np.setdiff1d(allowed, user_items[row].indices)
            best = sorted(allowed, key=lambda item: (-self.counts[item], item))[:N]
            ids[row, : len(best)] = best
            scores[row, : len(best)] = self.counts[best]
        return ids, scores


def recommender(make=pd.DataFrame):
    data = Interactions.from_frame(make(ROWS))
    return FrameRecommender(Popular(data).fit(data.user_items))


def test_names_scores_and_ranks():
    frame = recommender().recommend(["cy", "ann"], 2)
    assert type(frame) is pd.DataFrame
    assert list(frame.columns) == ["user", "item", "score", "rank"]
    assert frame.to_numpy().tolist() == [["cy", 20, 1.0, 1], ["cy", 30, 1.0, 2], ["ann", 30, 1.0, 1]]
    assert str(frame["score"].dtype) == "float32"
    assert str(frame["rank"].dtype) == "int64"


@pytest.mark.parametrize(("make", "kind"), [(pl.DataFrame, pl.DataFrame), (pa.table, pa.Table)])
def test_the_frame_is_of_the_kind_that_came_in(make, kind):
    frame = recommender(make).recommend(["bob"], 1)
    assert isinstance(frame, kind)
    assert frame["item"].to_pylist() == [10] if kind is pa.Table else frame["item"].to_list() == [10]


def test_options():
    front = recommender()
    seen = front.recommend(["ann"], 5, exclude_seen=False)
    assert seen["item"].tolist() == [10, 20, 30]
    assert seen["rank"].tolist() == [1, 2, 3]
    some = front.recommend(["ann", "bob"], 5, items_to_recommend=[30, 20])
    assert some[["user", "item"]].to_numpy().tolist() == [["ann", 30], ["bob", 20]]
    assert front.recommend(k=1)["user"].tolist() == ["ann", "bob", "cy"]
    assert front.recommend("bob", 1)["user"].tolist() == ["bob"]
    assert front.recommend(pd.Series(["bob", "bob"]), 1)["user"].tolist() == ["bob"]
    assert front.recommend(["ann"], 5, items_to_recommend=[10]).empty
    assert front.recommend([], 5).columns.tolist() == ["user", "item", "score", "rank"]


def test_users_without_interactions():
    front = recommender()
    with pytest.raises(
        ValueError, match="1 of 2 users have no interactions: 'eve'; pass on_unsupported_targets='ignore'"
    ):
        front.recommend(["eve", "ann"], 1)
    with pytest.warns(UserWarning, match="'eve'; they are left out"):
        frame = front.recommend(["eve", "ann"], 1, on_unsupported_targets="warn")
    assert frame["user"].tolist() == ["ann"]
    assert front.recommend(["eve"], 1, on_unsupported_targets="ignore").empty


def test_tuple_ids():
    data = Interactions.from_arrays([("s", 1), ("s", 2)], [1, 2])
    frame = FrameRecommender(Popular().fit(data.user_items), data).recommend(("s", 2), 1)
    assert frame["user"].tolist() == [("s", 2)]


def test_bad_arguments():
    data = Interactions.from_frame(pd.DataFrame(ROWS))
    with pytest.raises(TypeError, match="does not hold the ids"):
        FrameRecommender(Popular())
    with pytest.raises(TypeError, match=r"object has no recommend\(\) method"):
        FrameRecommender(object(), data)
    front = recommender()
    for k in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="is not a positive integer"):
            front.recommend(["ann"], k)
    with pytest.raises(ValueError, match="items_to_recommend: unknown id 99"):
        front.recommend(["ann"], 1, items_to_recommend=[10, 99])
    with pytest.raises(ValueError, match="on_unsupported_targets='skip'"):
        front.recommend(["ann"], 1, on_unsupported_targets="skip")

    class Wrong(Popular):
        def recommend(self, userids, *args, **kwargs):
            return np.zeros(3), np.zeros(3)

    with pytest.raises(ValueError, match=r"Wrong.recommend gave ids \(3,\)"):
        FrameRecommender(Wrong(), data).recommend(["ann"], 1)


def test_items_from_text(tmp_path):
    path = tmp_path / "movies.csv"
    path.write_text('movieId,title,year,genres,note\n7,"Heat, the",1995,Crime|Drama,\n9,,1979.5,,x\n', encoding="utf-8")
    films = read_items(path)
    assert len(films) == 2
    assert list(films.ids) == [7, 9]
    assert films.titles == ["Heat, the", "9"]
    assert films.row(7) == {"title": "Heat, the", "year": 1995.0, "genres": "Crime|Drama", "note": None}
    assert 9 in films
    assert 8 not in films
    assert films.title(8) == "8"
    assert films.row(8) == {}
    assert repr(films) == "Items(2 items, columns title, year, genres, note)"


def test_items_from_parquet_and_given_columns(tmp_path):
    path = tmp_path / "movies.parquet"
    pq.write_table(pa.table({"key": ["a", "b"], "label": ["A", None], "year": [1, 2]}), path)
    with pytest.raises(ValueError, match="no column looks like the id; columns are key, label, year: pass id="):
        read_items(path)
    films = read_items(path, id="key", title="label")
    assert films.titles == ["A", "b"]
    assert films.columns == {"year": [1, 2]}
    path = tmp_path / "u.item"
    path.write_bytes("1|Misérables, Les|1995\n2|Heat|1995\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"u\.item:1: .* is not UTF-8 text; pass encoding="):
        read_items(path, header=False, id=0, title=1)
    assert read_items(path, header=False, id=0, title=1, encoding="latin-1").title(1) == "Misérables, Les"


def test_numbers_are_found_among_text_ids():
    assert Items(Ids(["7", "tt9"]), ["Heat", "Alien"], {}).title(7) == "Heat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,title\n1,a\n,b\n", ":3: no id; fix or remove the line"),
        ('id,title\n1,"a\nb"\n2,b\n1,c\n', ":5: id 1 comes twice"),
        ("id,title\n1,a,b\n", ":2: 3 fields instead of 2"),
        ("id,title\n", "a header and no rows"),
    ],
)
def test_bad_items(text, message, tmp_path):
    path = tmp_path / "movies.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_items(path)


def test_real_items(shared_data):
    path = shared_data / "ml-latest-small" / "movies.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    films = read_items(path)
    assert len(films) == 9742
    assert films.title(1) == "Toy Story (1995)"
    assert list(films.columns) == ["genres"]
