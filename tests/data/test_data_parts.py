"""Folders of parts, patterns and lists of paths: read as one, in the order of their paths, each row traceable."""

from __future__ import annotations

import gzip
import itertools
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import Interactions, read_items
from attnrec.features import FeatureEncoder

HEAD = "user,item,rating\n"


def write(folder, **texts):
    """Files of a folder: ``__`` in a name is a folder, ``_csv`` its suffix."""
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_csv", ".csv").replace("-", "=")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def spark(folder, kind):
    """What Spark leaves: parts, an empty one, _SUCCESS, checksums, _metadata."""
    folder.mkdir()
    for k, rows in enumerate([[(1, "b", 5.0), (2, "a", 3.0)], [], [(3, "b", 1.0)]]):
        frame = pd.DataFrame(rows, columns=["user", "item", "rating"]).astype({"user": "int32", "rating": "float64"})
        name = f"part-0000{k}-1b2c-c000.{'csv' if kind == 'csv' else 'snappy.parquet'}"
        if kind == "csv":
            (folder / name).write_text(frame.to_csv(index=False) if rows else "")
        else:
            table = pa.table(
                {
                    "user": pa.array(frame["user"], pa.int64() if k else pa.int32()),
                    "item": pa.array(frame["item"], pa.large_string() if k else pa.string()),
                    "rating": pa.array(frame["rating"], pa.float64()),
                }
            )
            pq.write_table(table, folder / name)
        (folder / f".{name}.crc").write_bytes(b"crc\0")
    (folder / "_SUCCESS").write_text("")
    (folder / "_metadata").write_bytes(b"PAR1")
    return folder


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_folder_of_spark(kind, tmp_path):
    folder = spark(tmp_path / "ratings", kind)
    pattern, files = folder / "part-*", sorted(folder.glob("part-*"))
    own = Interactions.from_csv if kind == "csv" else Interactions.from_parquet
    for path in (folder, str(folder), pattern, str(pattern), files, files[::-1], [folder]):
        for read in (own, Interactions.from_file):
            data = read(path)
            assert list(data.users) == [1, 2, 3]
            assert data.users.to_numpy().dtype == np.int64
            assert list(data.items) == ["a", "b"]
            assert data.user_items.toarray().tolist() == [[0, 5], [3, 0], [0, 1]]
            assert data.report.n_rows == 3
    assert Interactions.from_file(iter(files)).n_users == 3


def test_rows_are_named_by_file_and_line(tmp_path):
    folder = write(
        tmp_path / "x",
        b_csv=HEAD + '1,"a\n\n",3\n\n2,b,\n',
        a_csv=HEAD + "9,z,\n1,c,2\n",
        c_csv="rating,user,item\n4,1,c\n",
    )
    data = Interactions.from_csv(folder, missing="drop")
    report = pickle.loads(pickle.dumps(data.report))
    assert report.unit == "line"
    where = [report.where(line) for line in report.missing["rating"]]
    assert where == [f"{folder}/a.csv:2", f"{folder}/b.csv:6"]
    assert [report.where(line) for line in report.duplicates] == [f"{folder}/a.csv:3"]
    assert f"2 had no rating and were dropped: {folder}/a.csv:2, {folder}/b.csv:6" in str(report)
    assert data.user_items[data.users.position(1), data.items.position("c")] == 4  # the last by path
    with pytest.raises(ValueError, match=r"x/a\.csv:2: no rating; fix or remove the line"):
        Interactions.from_csv(folder)
    with pytest.raises(ValueError, match=r"x/c\.csv:2: the same user and item as .*x/a\.csv:3; remove one"):
        Interactions.from_csv(folder, missing="drop", duplicates="error")
    write(folder, d_csv=HEAD + "1,2,3\n1,2,bad\n")
    with pytest.raises(ValueError, match=r"x/d\.csv:3: rating 'bad' is not a number"):
        Interactions.from_csv(folder)


def test_lines_that_end_in_carriage_returns_are_counted_too(tmp_path):
    folder = write(tmp_path / "x", a_csv=HEAD.replace("\n", "\r") + "1,a,3\r2,b,4\r", b_csv=HEAD + "5,c,1\n6,d,\n")
    data = Interactions.from_csv(folder, missing="drop")
    assert [data.report.where(line) for line in data.report.missing["rating"]] == [f"{folder}/b.csv:3"]


def test_rows_of_parquet_are_named_by_file_and_row(tmp_path):
    for name, ratings in (("a", [1.0, None]), ("b", [2.0, 3.0, None])):
        n = len(ratings)
        pq.write_table(
            pa.table({"user": range(n), "item": [name] * n, "rating": ratings}), tmp_path / f"{name}.parquet"
        )
    with pytest.raises(ValueError, match=r"a\.parquet: row 1: no rating"):
        Interactions.from_parquet(tmp_path)
    report = Interactions.from_parquet(tmp_path, missing="drop").report
    assert report.missing["rating"].tolist() == [1, 4]
    assert [report.where(row) for row in (1, 4)] == [f"{tmp_path}/a.parquet: row 1", f"{tmp_path}/b.parquet: row 2"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_folders_of_hive_are_columns(kind, tmp_path):
    for key, day, user in (("1", "2024-01-31", 7), ("02", "2024-02-01", 8), ("__HIVE_DEFAULT_PARTITION__", "x%3Ay", 9)):
        folder = tmp_path / f"item={key}" / f"day={day}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"user": [user], "rating": [float(user)]})
        frame.to_csv(folder / "part-0.csv", index=False) if kind == "csv" else frame.to_parquet(
            folder / "part-0.parquet"
        )
    read = Interactions.from_csv if kind == "csv" else Interactions.from_parquet
    data = read(tmp_path, missing="drop")
    assert list(data.items) == [1, 2]
    assert data.items.to_numpy().dtype == np.int64
    assert data.report.missing["item"].shape == (1,)
    assert list(read(tmp_path, item="day").items) == ["2024-01-31", "2024-02-01", "x:y"]
    assert list(read(str(tmp_path / "item=[0-9]*")).users) == [7, 8]
    assert list(read([tmp_path / "item=1", tmp_path / "item=02"]).items) == [1, 2]
    with pytest.raises(ValueError, match="no column looks like the item"):
        read(tmp_path / "item=1")
    dated = read([tmp_path / "item=1", tmp_path / "item=02"], timestamp="day")
    assert dated.timestamps.astype("M8[D]").astype(str).tolist() == ["2024-01-31", "2024-02-01"]
    (tmp_path / "item=1" / f"part-9.{kind}").write_bytes(next(tmp_path.glob(f"item=1/*/part-0.{kind}")).read_bytes())
    with pytest.raises(ValueError, match=r"lies in folders of other keys than .*: item.*item, day|item, day and item"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_of_the_files_stands_before_their_folders(kind, tmp_path):
    for key in (1, 2):
        (tmp_path / f"id={key}").mkdir()
        frame = pl.DataFrame({"id": [key], "user": [5], "title": ["x"]})
        getattr(frame, f"write_{kind}")(tmp_path / f"id={key}" / f"0.{kind}")
    assert list(Interactions.from_file(tmp_path, item="id").items) == [1, 2]
    assert read_items(tmp_path).columns == {"user": [5, 5]}


def test_parts_without_header_or_packed(tmp_path):
    folder = write(tmp_path / "x", a="1,2,3\n", b=gzip.compress(b"2,2,4\n"), c=b"", d="\n\n", e="3, 2 ,0.5\n")
    data = Interactions.from_csv(folder)
    assert data.user_items.toarray().tolist() == [[3], [4], [0.5]]
    write(folder, f=HEAD + "1,2,3\n")
    with pytest.raises(ValueError, match=r"x/f:1: the first line does name the columns, and that of .*x/a does not"):
        Interactions.from_csv(folder)
    write(folder, f="1,2,3,4\n")
    with pytest.raises(ValueError, match=r"x/f: columns are 0, 1, 2, 3, and in .*x/a 0, 1, 2; make them alike"):
        Interactions.from_csv(folder)


def test_times_of_all_parts_are_of_one_kind(tmp_path):
    head = "user,item,ts\n"
    folder = write(tmp_path / "x", a_csv=head + "1,1,\n", b_csv=head + "2,1,5\n", c_csv=head + "3,1,5.5\n")
    assert Interactions.from_csv(folder, missing="drop").timestamps.tolist() == [5.0, 5.5]
    write(folder, d_csv=head + "1,1,2024-01-01\n")
    with pytest.raises(ValueError, match="timestamps differ in kind from those of"):
        Interactions.from_csv(folder)
    for name, times in (("a", [5]), ("b", [None]), ("c", pd.to_datetime(["2024-01-01"]))):
        pq.write_table(pa.table({"user": [1], "item": [name], "ts": times}), tmp_path / f"{name}.parquet")
    with pytest.raises(ValueError, match=r"c\.parquet: timestamps are dates, and those of .*a\.parquet are numbers"):
        Interactions.from_parquet(tmp_path / "*.parquet")
    (tmp_path / "a.parquet").unlink()
    data = Interactions.from_parquet(tmp_path / "*.parquet", missing="drop")
    assert data.timestamps.tolist() == np.array(["2024-01-01"], "M8[us]").tolist()


def test_late_surprises_in_a_part_are_read_again(tmp_path):
    folder = tmp_path / "x"
    lines = [f"{k},u{k % 7},3,{k}\n" for k in range(20_000)]
    late = [*lines[:-1], "19999, u5 ,3 ,0.5\n"]
    write(folder, a_csv="user,item,rating,ts\n" + "".join(lines), b_csv="user,item,rating,ts\n" + "".join(late))
    data = Interactions.from_csv(folder, duplicates="first")
    assert data.timestamps.dtype == np.float64
    assert data.timestamps.min() == 0
    assert data.n_items == 7
    assert 0.5 in data.timestamps


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_parts_must_agree(kind, tmp_path):
    read = Interactions.from_csv if kind == "csv" else Interactions.from_parquet
    for name, columns in (("a", {"user": [1], "item": [1], "rating": [1.0]}), ("b", {"user": [1], "item": [2]})):
        frame = pl.DataFrame(columns)
        getattr(frame, f"write_{kind}")(tmp_path / f"{name}.{kind}")
    with pytest.raises(ValueError, match=rf"b\.{kind}: columns are user, item, and in .*a\.{kind} user, item, rating"):
        read(tmp_path)
    getattr(pl.DataFrame({"rating": [2.0], "item": [3], "user": [4]}), f"write_{kind}")(tmp_path / f"b.{kind}")
    assert read(tmp_path).user_items.toarray().tolist() == [[1, 0], [0, 2]]


def test_what_is_no_source(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "_SUCCESS").write_text("x")
    write(tmp_path, blank__a="", blank__b="")
    write(tmp_path, delta__part="x", delta___delta_log__0="{}")
    write(tmp_path, a_csv=HEAD + "1,2,3\n")
    for path, error, message in [
        (tmp_path / "empty", IsADirectoryError, "is a folder without a file to read"),
        (tmp_path / "hidden", IsADirectoryError, "is a folder without a file to read"),
        (tmp_path / "blank", ValueError, "the files are all empty"),
        (tmp_path / "delta", ValueError, "is a Delta table, .* polars.read_delta"),
        (tmp_path / "*.tsv", FileNotFoundError, "no file fits this pattern"),
        (tmp_path / "none.csv", FileNotFoundError, "no such file"),
        ([tmp_path / "a.csv", tmp_path / "a.csv"], ValueError, "is named twice"),
        ([tmp_path / "a.csv", tmp_path / "blank" / ".." / "*.csv"], ValueError, "is named twice"),
        ([], ValueError, "path is an empty list"),
        ([5], TypeError, "path holds 5, a int"),
        (5, TypeError, "path is int; give a path, or a list of paths"),
        ("", FileNotFoundError, "path is empty"),
        ([tmp_path / "a.csv", tmp_path / "none.csv"], FileNotFoundError, r"none\.csv: no such file"),
    ]:
        for read in (Interactions.from_csv, Interactions.from_parquet, Interactions.from_file, read_items):
            with pytest.raises(error, match=message):
                read(path)


def test_a_name_with_signs_of_patterns_is_a_file(tmp_path):
    write(tmp_path, **{"a[1]_csv": HEAD + "1,2,3\n"})
    assert len(Interactions.from_csv(tmp_path / "a[1].csv")) == 1


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_items_and_features_of_parts(kind, tmp_path):
    for k, (lang, ids) in enumerate({"en": [1, 2], "fr": [3, 4]}.items()):
        folder = tmp_path / f"lang={lang}"
        folder.mkdir()
        frame = pl.DataFrame({"id": ids, "title": [f"t{i}" for i in ids], "year": [1990 + k, 2000]})
        getattr(frame, f"write_{kind}")(folder / f"part.{kind}")
    items = read_items(tmp_path)
    assert list(items.ids) == [1, 2, 3, 4]
    assert items.titles == ["t1", "t2", "t3", "t4"]
    assert items.columns == {"year": [1990, 2000, 1991, 2000], "lang": ["en", "en", "fr", "fr"]}
    features = FeatureEncoder(categories=["lang"], numbers=["year"]).fit_transform(tmp_path)
    assert list(features.ids) == [1, 2, 3, 4]
    getattr(pl.DataFrame({"id": [1], "title": ["x"], "year": [5]}), f"write_{kind}")(tmp_path / "lang=fr" / f"z.{kind}")
    with pytest.raises(ValueError, match=rf"z\.{kind}(:2|: row 0): id 1 comes twice"):
        read_items(tmp_path)


rows = st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.integers(1, 5)), min_size=1, max_size=12)


@given(rows, st.lists(st.integers(0, 12), max_size=3), st.sampled_from(["csv", "parquet"]))
def test_a_file_cut_into_parts_is_read_alike(tmp_path_factory, rows, cuts, kind):
    folder = tmp_path_factory.mktemp("parts")
    frame = pl.DataFrame(rows, schema=["user", "item", "rating"], orient="row")
    getattr(frame, f"write_{kind}")(folder / f"whole.{kind}")
    (folder / "parts").mkdir()
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    for k, (a, b) in enumerate(itertools.pairwise(edges)):
        getattr(frame[a:b], f"write_{kind}")(folder / "parts" / f"{k}.{kind}")
    whole = Interactions.from_file(folder / f"whole.{kind}")
    parts = Interactions.from_file(folder / "parts")
    assert whole.users == parts.users
    assert whole.items == parts.items
    assert (whole.user_items != parts.user_items).nnz == 0
    assert len(whole.report.duplicates) == len(parts.report.duplicates)
