"""Every source gives the same Interactions, and policies do what they say. Errors and files have tests of their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from attnrec.data import Interactions

RATINGS = {
    "userId": [7, 3, 7, 5, 3],
    "movieId": ["b", "a", "c", "a", "c"],
    "rating": [4.5, 0.5, 3.0, 0.0, 5.0],
    "timestamp": [40, 10, 30, 20, 50],
}
DENSE = [[0.5, 0.0, 5.0], [0.0, 0.0, 0.0], [0.0, 4.5, 3.0]]


def _csv(folder):
    pd.DataFrame(RATINGS).to_csv(folder / "ratings.csv", index=False)
    return Interactions.from_csv(folder / "ratings.csv")


def _gzip(folder):
    pd.DataFrame(RATINGS).to_csv(folder / "ratings.csv.gz", index=False)
    return Interactions.from_file(folder / "ratings.csv.gz")


def _zstd(folder):
    path = folder / "ratings.tsv.zst"
    with pa.OSFile(str(path), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as out:
        out.write(pd.DataFrame(RATINGS).to_csv(index=False, sep="\t").encode())
    return Interactions.from_csv(path)


def _parquet(folder):
    pq.write_table(pa.table(RATINGS), folder / "ratings.parquet", row_group_size=2)
    return Interactions.from_file(folder / "ratings.parquet")


def _sparse(folder):
    users, items = sorted(set(RATINGS["userId"])), sorted(set(RATINGS["movieId"]))
    rows = [users.index(name) for name in RATINGS["userId"]]
    columns = [items.index(name) for name in RATINGS["movieId"]]
    return Interactions.from_sparse(sparse.coo_array((RATINGS["rating"], (rows, columns)), shape=(3, 3)), users, items)


SOURCES = {
    "csv": _csv,
    "gzip": _gzip,
    "zstd": _zstd,
    "parquet": _parquet,
    "sparse": _sparse,
    "pandas": lambda folder: Interactions.from_frame(pd.DataFrame(RATINGS)),
    "pandas objects": lambda folder: Interactions.from_frame(pd.DataFrame(RATINGS, dtype=object)),
    "pandas categories": lambda folder: Interactions.from_frame(pd.DataFrame(RATINGS).astype({"movieId": "category"})),
    "polars": lambda folder: Interactions.from_frame(pl.DataFrame(RATINGS)),
    "polars lazy": lambda folder: Interactions.from_frame(pl.DataFrame(RATINGS).lazy()),
    "pyarrow": lambda folder: Interactions.from_frame(pa.table(RATINGS)),
    "pyarrow chunks": lambda folder: Interactions.from_frame(
        pa.concat_tables([pa.table(RATINGS)[:2], pa.table(RATINGS)[2:]])
    ),
    "lists": lambda folder: Interactions.from_arrays(*RATINGS.values()),
    "arrays": lambda folder: Interactions.from_arrays(*map(np.array, RATINGS.values())),
    "big-endian": lambda folder: Interactions.from_arrays(
        np.array(RATINGS["userId"], ">i4"), RATINGS["movieId"], np.array(RATINGS["rating"], ">f8"), RATINGS["timestamp"]
    ),
    "generators": lambda folder: Interactions.from_arrays(*(iter(values) for values in RATINGS.values())),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_gives_the_same(source, tmp_path):
    data = SOURCES[source](tmp_path)
    csr = data.user_items
    assert csr.dtype == np.float32
    assert csr.format == "csr"
    assert csr.nnz == len(data) == 5  # the rating of 0 is stored
    assert csr.has_canonical_format
    assert csr.toarray().tolist() == DENSE
    assert list(data.users) == [3, 5, 7]
    assert list(data.items) == ["a", "b", "c"]
    assert type(data.users[0]) is int
    assert data.explicit
    assert data.rating_range == (0.0, 5.0)
    assert data.report.clean
    assert data.report.n_rows == data.report.n_kept == 5
    assert repr(data) == "Interactions(3 users, 3 items, 5 ratings 0 .. 5, density 55.56 %)"
    if source == "sparse":
        assert data.timestamps is None
    else:
        assert data.timestamps.tolist() == [10, 50, 20, 40, 30]


@pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
def test_frames_come_back_in_the_kind_they_came(backend):
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}[backend]
    data = Interactions.from_frame(make(RATINGS))
    frame = data.to_frame()
    assert type(frame) is type(make(RATINGS))
    again = Interactions.from_frame(frame)
    assert again.backend == backend
    assert (again.user_items != data.user_items).nnz == 0
    assert again.users == data.users
    assert again.items == data.items
    assert again.timestamps.tolist() == data.timestamps.tolist()
    assert type(data.to_frame("polars")) is pl.DataFrame
    with pytest.raises(ValueError, match="backend='dask' is not one of"):
        data.to_frame("dask")


def test_mixed_ids_in_frames():
    names = ["a", 1, ("t", 2)]
    data = Interactions.from_frame(pd.DataFrame({"user": names, "item": [1, 1, 2]}))
    assert list(data.users) == names
    assert data.to_frame()["user"].tolist() == names
    assert data.to_frame("polars")["user"].to_list() == names
    with pytest.raises(ValueError, match="pyarrow has no type for the mixed values of column 'user'"):
        data.to_frame("pyarrow")


def test_without_ratings_all_is_one():
    data = Interactions.from_arrays(["u", "u", "v"], [1, 1, 2])
    assert not data.explicit
    assert data.rating_range is None
    assert data.user_items.toarray().tolist() == [[1, 0], [0, 1]]
    assert "3" not in repr(data)
    assert list(data.to_frame("pyarrow").column_names) == ["user", "item"]
    counts = Interactions.from_arrays(["u", "u", "v"], [1, 1, 2], duplicates="sum")
    assert counts.user_items.toarray().tolist() == [[2, 0], [0, 1]]
    assert list(counts.to_frame("pyarrow").column_names) == ["user", "item", "rating"]


@pytest.mark.parametrize(
    ("policy", "stamped", "want", "stamp", "dropped"),
    [
        ("last", False, 2.0, None, [0, 1]),
        ("first", False, 5.0, None, [1, 3]),
        ("mean", False, 3.5, None, [0, 1]),
        ("sum", False, 10.5, None, [0, 1]),
        ("last", True, 3.5, 9, [0, 3]),
        ("first", True, 2.0, 1, [0, 1]),
        ("mean", True, 3.5, 9, [0, 3]),
    ],
)
def test_duplicates(policy, stamped, want, stamp, dropped):
    stamps = [5, 9, 0, 1] if stamped else None
    data = Interactions.from_arrays([1, 1, 2, 1], [8, 8, 8, 8], [5.0, 3.5, 1.0, 2.0], stamps, duplicates=policy)
    assert data.user_items.toarray().tolist() == [[want], [1.0]]
    assert data.report.duplicates.tolist() == dropped
    assert data.report.n_kept == 2
    assert f"2 repeated a user and item, {'their' if policy in ('mean', 'sum') else 'the'} {policy}" in str(data.report)
    if stamped:
        assert data.timestamps.tolist() == [stamp, 0]


def test_equal_times_are_settled_by_row_order():
    data = Interactions.from_arrays([1, 1, 1], [1, 1, 1], [1, 2, 3], [4, 4, 4])
    assert data.user_items.data.tolist() == [3.0]
    data = Interactions.from_arrays([1, 1, 1], [1, 1, 1], [1, 2, 3], [4, 4, 4], duplicates="first")
    assert data.user_items.data.tolist() == [1.0]


def test_dropped_rows_leave_no_ids_behind():
    nan = float("nan")
    data = Interactions.from_arrays(
        [1, 2, None, 3, 4, 5],
        [1, 1, 2, None, 3, 1],
        [1, nan, 1, 1, 9, np.inf],
        missing="drop",
        rating_range=(0.5, 5),
        out_of_range="drop",
    )
    assert list(data.users) == list(data.items) == [1]
    assert {role: rows.tolist() for role, rows in data.report.missing.items()} == {
        "user": [2],
        "item": [3],
        "rating": [1, 5],
    }
    assert data.report.out_of_range.tolist() == [4]
    assert data.rating_range == (0.5, 5.0)
    assert "2 had no rating and were dropped: rows 1, 5" in str(data.report)


def test_bounds_of_the_range_belong_to_it():
    data = Interactions.from_arrays([1, 2, 3], [1, 1, 1], [0.1, 0.7, 0.3], rating_range=(0.1, 0.7))
    assert len(data) == 3  # float32(0.7) < 0.7 < float64


def test_sparse_keeps_empty_rows_order_and_sums_duplicates():
    csr = sparse.csr_matrix((np.array([1, 2, 4], np.int64), [1, 1, 0], [0, 2, 2, 3]), shape=(3, 2))
    data = Interactions.from_sparse(csr, ["z", "y", "x"])
    assert data.user_items.toarray().tolist() == [[0, 3], [0, 0], [4, 0]]
    assert list(data.users) == ["z", "y", "x"]
    assert list(data.items) == [0, 1]
    assert data.explicit
    assert csr.nnz == 3  # the input is left as it was
    assert Interactions.from_sparse(csr, explicit=False, duplicates="last").user_items.data.tolist() == [1, 1]
    assert not Interactions.from_sparse(sparse.eye_array(3, format="csc")).explicit


@pytest.mark.parametrize("kind", ["timestamp", "string", "date", "zoned", "objects"])
def test_times_of_any_kind(kind):
    days = pd.to_datetime(["2024-01-31 12:00", "2023-05-01 00:00"])
    column = {
        "timestamp": pa.array(days),
        "string": pa.array(["2024-01-31 12:00:00", "2023-05-01"]),
        "date": pa.array([d.date() for d in days]),
        "zoned": pa.array(["2024-01-31T14:00:00+02:00", "2023-05-01T00:00:00Z"]),
        "objects": list(days.to_pydatetime()),
    }[kind]
    data = Interactions.from_arrays([1, 2], [1, 1], None, column)
    assert data.timestamps.dtype == "datetime64[us]"
    want = ["2024-01-31" if kind == "date" else "2024-01-31T12:00", "2023-05-01"]
    assert (data.timestamps == np.array(want, "datetime64[us]")).all()


def test_select_keeps_ids_and_alignment():
    data = Interactions.from_arrays(*RATINGS.values())
    part = data.select(data.timestamps >= 30)
    assert part.user_items.toarray().tolist() == [[0, 0, 5], [0, 0, 0], [0, 4.5, 3]]
    assert part.timestamps.tolist() == [50, 40, 30]
    assert part.users is data.users
    assert part.rating_range == data.rating_range
    assert len(data.select([])) == 0
    with pytest.raises(ValueError, match="a mask of shape"):
        data.select([True])
    with pytest.raises(ValueError, match="entries must be"):
        data.select([5])


rows = st.lists(
    st.tuples(st.integers(-3, 3), st.sampled_from("abcd"), st.integers(1, 10), st.integers(0, 5)),
    min_size=1,
    max_size=30,
)


@given(rows, st.sampled_from(["pandas", "polars", "pyarrow"]), st.randoms(use_true_random=False))
def test_round_trip_through_frames_in_any_row_order(rows, backend, random):
    data = Interactions.from_arrays(*zip(*rows, strict=True))
    want = {}
    for user, item, rating, stamp in rows:
        if (user, item) not in want or want[user, item][1] <= stamp:
            want[user, item] = (rating, stamp)
    frame = data.to_frame(backend)
    columns = [
        list(frame[name]) if backend != "pyarrow" else frame[name].to_pylist()
        for name in ("user", "item", "rating", "timestamp")
    ]
    assert {(u, i): (r, t) for u, i, r, t in zip(*columns, strict=True)} == want
    shuffled = list(zip(*columns, strict=True))
    random.shuffle(shuffled)
    again = Interactions.from_arrays(*zip(*shuffled, strict=True))
    assert again.users == data.users
    assert again.items == data.items
    assert (again.user_items != data.user_items).nnz == 0
    assert again.timestamps.tolist() == data.timestamps.tolist()


@pytest.mark.parametrize(
    ("file", "users", "items", "kept"),
    [
        ("ml-latest-small/ratings.csv", 610, 9724, 100_836),
        ("movielens-100k/ratings.csv", 943, 1682, 100_000),
        ("xwines-slim/ratings.csv.gz", 10_561, 1007, 150_000),
    ],
)
def test_real_files(file, users, items, kept, shared_data):
    path = shared_data / file
    if not path.exists():
        pytest.skip(f"{path} is not there")
    data = Interactions.from_csv(path)
    assert (data.n_users, data.n_items, len(data)) == (users, items, kept)
    frame = pd.read_csv(path)
    same = Interactions.from_frame(frame)
    assert (same.user_items != data.user_items).nnz == 0
    assert same.users == data.users
    assert same.items == data.items
    assert (same.timestamps == data.timestamps).all()
    row = frame.sample(1, random_state=1).iloc[0]
    at = data.users.position(row.iloc[0]), data.items.position(row.iloc[1])
    assert data.user_items[at] == np.float32(row.iloc[2])
