"""The same table gives the same features from every source; rows do not depend on each other; real data and guesses."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from test_features import dense

from attnrec.data import Interactions, read_items
from attnrec.features import FeatureEncoder
from tables import FORMS, PRESENT, WINES, LetterCounts, encoder, typed


@pytest.mark.parametrize("form", FORMS)
def test_every_source_gives_the_same(form, tmp_path):
    fitted = encoder()
    features = fitted.fit_transform(FORMS[form](tmp_path))
    want = encoder().fit_transform(WINES)
    assert features.names == want.names
    assert_array_equal(dense(features.matrix), dense(want.matrix))
    assert_array_equal(features.present, PRESENT)
    assert list(features.ids) == WINES["wine"]
    assert_array_equal(dense(fitted.transform(WINES).matrix), dense(want.matrix))


def test_the_id_column_is_guessed_given_or_none():
    assert encoder().fit(WINES).transform({k: v for k, v in WINES.items() if k != "wine"}).ids is None
    assert encoder(id=False).fit_transform(WINES).ids is None
    assert list(encoder(id="letter").fit_transform(WINES | {"letter": list("abcde")}).ids) == list("abcde")
    assert encoder().fit_transform(WINES | {"wine": [1, 1, 2, 3, 4]}).ids is None  # not one for each row
    assert list(FeatureEncoder(numbers="x").fit_transform({"x": [1], "userId": [("a", 1)]}).ids) == [("a", 1)]


def test_zones_and_times_of_day():
    table = pd.DataFrame({"at": pd.to_datetime(["2024-05-01 22:00-04:00", "2024-05-02 02:00+00:00"], utc=True)})
    matrix = FeatureEncoder(dates="at").fit_transform(table).matrix
    assert_array_equal(matrix[0], matrix[1])
    text = FeatureEncoder(dates="at").fit({"at": ["2024-05-01", "2024-06-01"]})
    moved = text.transform(
        {"at": ["2024-05-02T02:00:00+00:00", "2024-05-01T22:00:00-04:00", "2024-05-02 02:00"]}
    ).matrix
    assert_array_equal(moved, np.repeat(moved[:1], 3, axis=0))


def test_files_say_missing_numbers_in_many_ways(tmp_path):
    (tmp_path / "beers.csv").write_text("beer;abv\n1;5.0\n2;NA\n3;\n4; 6.0 \n5;null\n")
    features = FeatureEncoder(numbers="abv").fit_transform(tmp_path / "beers.csv")
    assert features.present.ravel().tolist() == [True, False, False, True, False]
    assert list(features.ids) == [1, 2, 3, 4, 5]


CELLS = {
    "title": st.sampled_from(["red wine", "Wine of Dão", "dry", "", None, "white, dry; wine"]),
    "kind": st.sampled_from(["a", "b", "rare", None, "new"]),
    "tags": st.sampled_from(["x|y", "y", "", None, "z|x|w"]),
    "price": st.one_of(st.none(), st.floats(-1e6, 1e6)),
    "day": st.one_of(st.none(), st.datetimes().map(lambda t: t.isoformat())),
    "picture": st.one_of(st.none(), st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3)),
}
FITTED = FeatureEncoder(
    text="title", categories="kind", multi="tags", numbers="price", dates="day", vectors="picture", min_frequency=2
).fit(
    {
        "title": ["red wine", "dry wine", "dry red"],
        "kind": ["a", "a", "rare"],
        "tags": ["x|y", "y|z", "x"],
        "price": [1, 2, 4],
        "day": ["2024-01-01", "2020-02-29", "1969-07-20"],
        "picture": [[1, 2, 3.0]] * 3,
    }
)


@given(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=12), st.data())
def test_rows_of_a_part_are_rows_of_the_whole(rows, data):
    at = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    whole = FITTED.transform({name: [row[name] for row in rows] for name in CELLS})
    part = FITTED.transform({name: [rows[k][name] for k in at] for name in CELLS})
    assert_array_equal(dense(part.matrix), dense(whole.matrix)[at])
    assert_array_equal(part.present, whole.present[at])
    assert np.isfinite(dense(whole.matrix)).all()
    lengths = [np.linalg.norm(dense(whole.block(name)), axis=1) for name in whole.modalities]
    assert_allclose(np.stack(lengths, axis=1), whole.present, atol=1e-6)


def test_transform_of_no_rows():
    for fitted in (FITTED, FeatureEncoder(text="a", encoder=LetterCounts()).fit({"a": ["b"]})):
        columns = {c: [] for m in fitted._learned.modalities for c in m.columns}
        assert len(fitted.transform(columns)) == 0


def test_guesses_by_type_and_content():
    n = 40
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "movieId": np.arange(n),
            "imdbId": rng.permutation(10**6)[:n],
            "title": [f"The {w} of film {k}" for k, w in enumerate(["night", "day"] * 20)],
            "genres": ["Drama|Comedy", "Drama", "Horror|Drama", "Comedy"] * 10,
            "country": ["PT", "BR", "US", "FR"] * 10,
            "colour": [True, False] * 20,
            "cast": [["ann", "bob"], ["bob"]] * 20,
            "foods": ["['Beef', 'Lamb']", "['Lamb']"] * 20,
            "length": rng.random(n),
            "votes": [str(k) for k in range(n)],
            "released": pd.date_range("2020-01-01", periods=n),
            "seen": ["2020-01-01 10:00:00", "2021-01-01 10:00:00"] * 20,
            "image": list(rng.random((n, 4))),
            "language": ["en"] * n,
            "nothing": [None] * n,
            "url": [f"u{k}" for k in range(n)],
            "span": pd.to_timedelta(np.arange(n), unit="D"),
        }
    )
    guessed = FeatureEncoder.guess(table)
    said = {name: value for name, value in guessed.get_params().items() if isinstance(value, list)}
    assert said == {
        "text": ["title"],
        "categories": ["country", "colour"],
        "multi": ["genres", "cast", "foods"],
        "numbers": ["length", "votes"],
        "dates": ["released", "seen"],
        "vectors": ["image"],
    }
    assert guessed.id == "movieId"
    unfitted = guessed.report()
    assert "language (the same in every row)" in unfitted
    fitted = FeatureEncoder().fit(table)
    assert_array_equal(dense(fitted.transform(table).matrix), dense(guessed.fit_transform(table).matrix))
    report = fitted.report()
    assert report == guessed.report()
    for line in (
        "id          movieId",
        "text        title: TF-IDF of 5 words",
        "categories  country: 4 labels",
        "vectors     image: vectors of 4",
        "numbers     length: mean 0.",
        "dates       released: mean 2020-01-2",
        "imdbId (looks like the id of something)",
        "url (one word, another in every row)",
        "nothing (empty)",
        "span (no kind for duration",
    ):
        assert line in report


def test_what_was_not_named_is_told():
    report = FeatureEncoder(numbers={"size": ["v0", "v1"]}).fit(WINES).report()
    assert "numbers     size of v0, v1: v0: mean" in report
    assert "left out    notes (not named), region (not named)" in report
    assert "as fit finds them" in FeatureEncoder().report()


def test_a_polars_array_and_a_fixed_size_list_are_vectors():
    fixed = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2))
    features = FeatureEncoder.guess(pa.table({"v": fixed, "x": [1, 2, 3]})).fit_transform({"v": fixed, "x": [1, 2, 3]})
    assert features.present.tolist() == [[True, True], [True, False], [True, True]]
    lists = pl.DataFrame({"v": [[1.0, 2.0], None, [3.0, 4.0]], "x": [1, 2, 3]})
    for table in (lists, lists.with_columns(pl.col("v").cast(pl.Array(pl.Float32, 2)))):
        assert_array_equal(FeatureEncoder.guess(table).fit_transform(table).matrix, features.matrix)


def test_tensors_of_one_dimension_are_vectors(tmp_path):
    arrays = np.arange(24, dtype=np.float32).reshape(3, 8)
    table = pa.table({"id": [1, 2, 3], "v": pa.FixedShapeTensorArray.from_numpy_ndarray(arrays)})
    want = FeatureEncoder(vectors="v").fit_transform({"id": [1, 2, 3], "v": arrays}).matrix
    pq.write_table(table, tmp_path / "x.parquet")
    for form in (table, tmp_path / "x.parquet"):
        assert_array_equal(FeatureEncoder(vectors="v").fit_transform(form).matrix, want)
        assert FeatureEncoder.guess(form).vectors == ["v"]
    deep = pa.table({"v": pa.FixedShapeTensorArray.from_numpy_ndarray(arrays.reshape(3, 2, 4))})
    with pytest.raises(TypeError, match=r"row 0, column 'v': tensors of shape \(2, 4\) are not vectors; flatten each"):
        FeatureEncoder(vectors="v").fit(deep)
    flat = deep.set_column(0, "v", deep.column("v").combine_chunks().storage)
    assert_array_equal(FeatureEncoder(vectors="v").fit_transform(flat).matrix, want)


@pytest.mark.skipif(not hasattr(pl, "Int128"), reason="this polars has no Int128")
def test_parquet_that_cannot_be_decoded(tmp_path):
    path = tmp_path / "x.parquet"
    frame = pl.DataFrame({"id": pl.Series([1, 2], dtype=pl.Int128), "year": [1990, 2000]})
    frame.write_parquet(path)
    try:
        pq.ParquetFile(path)
        pytest.skip("this pyarrow decodes Int128")
    except pa.ArrowNotImplementedError:
        pass
    for read in (FeatureEncoder(numbers="year").fit_transform, read_items, Interactions.from_parquet):
        with pytest.raises(
            ValueError, match=r"x\.parquet: holds what pyarrow cannot decode .*polars\.read_parquet\(path\)"
        ):
            read(path)
    features = FeatureEncoder(numbers="year").fit_transform(pl.read_parquet(path))
    assert list(features.ids) == [1, 2]


def test_parquet_that_is_damaged(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": [1, 2], "year": [1990, 2000]}), path)
    path.write_bytes(path.read_bytes()[:4] + b"\xff" * 36 + path.read_bytes()[40:])
    for read in (FeatureEncoder(numbers="year").fit_transform, read_items):
        with pytest.raises(ValueError, match=r"x\.parquet: cannot be read .*; is it whole\?"):
            read(path)


def test_text_files_whose_first_line_or_encoding_is_in_doubt(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("1,Amélie,5\n2,Heat,4\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.csv:1: the first line .* pass header=True .* read_items\(path, \.\.\.\)"):
        FeatureEncoder().fit(path)
    path.write_bytes("id,title,size\n1,Amélie,5\n2,Heat,4\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"x\.csv:2: title .* pass encoding= .* read_items\(path, \.\.\.\)"):
        FeatureEncoder(numbers="size").fit(path)
    features = FeatureEncoder(numbers="size").fit_transform(read_items(path, encoding="latin-1"))
    assert list(features.ids) == [1, 2]


def test_typed_dates_of_a_frame_are_guessed():
    assert FeatureEncoder.guess(typed()).dates == ["bottled"]


def test_movielens_100k(shared_data):
    folder = shared_data / "movielens-100k"
    films = FeatureEncoder(text="title", multi="genres", categories="year").fit_transform(folder / "items.csv")
    assert len(films) == 1682
    assert films.block("genres").shape[1] == 19
    toy_story = films.block("genres")[[films.ids.position(1)]].nonzero()[1]
    start = films.modalities["genres"].start
    assert [films.names[start + k] for k in toy_story] == ["genres=Animation", "genres=Children's", "genres=Comedy"]
    assert films.present[:, 1].all()
    ratings = Interactions.from_csv(folder / "ratings.csv", show_progress=False)
    assert films.align(ratings.items).ids == ratings.items
    users = FeatureEncoder(numbers="age", categories=["gender", "occupation"]).fit_transform(folder / "users.csv")
    assert users.align(ratings.users).present.all()
    assert users.block("occupation").shape[1] == 21


def test_x_wines(shared_data):
    path = shared_data / "xwines-slim" / "items.csv"
    fitted = FeatureEncoder().fit(path)
    lines = fitted.report().splitlines()
    assert lines[0] == "id          item"
    assert [line.split(":")[0].split()[1] for line in lines if line.startswith("multi")] == ["grapes", "food_pairings"]
    wines = fitted.transform(path)
    frame = pd.read_csv(path)
    foods = frame["food_pairings"].map(lambda text: json.loads(text.replace("'", '"')) if '"' not in text else None)
    names = [name.partition("=")[2] for name in wines.names[wines.modalities["food_pairings"]]]
    block = dense(wines.block("food_pairings"))
    known = foods.notna().to_numpy()
    for row in np.flatnonzero(known)[:50]:
        assert {names[k] for k in block[row].nonzero()[0]} == set(foods[row])
    assert wines.present[:, 2:].all()
    assert_array_equal(dense(fitted.transform(frame[100:120]).matrix), dense(wines.matrix)[100:120])
    ratings = Interactions.from_csv(path.with_name("ratings.csv.gz"), show_progress=False)
    assert len(wines.align(ratings.items)) == ratings.user_items.shape[1]
