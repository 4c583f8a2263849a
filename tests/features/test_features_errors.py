"""What an encoder refuses, and that it says which column and row and what to do."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from attnrec.features import FeatureEncoder
from attnrec.models import NotFittedError
from tables import WINES, LetterCounts, encoder

ONE = {"x": [1.0, 2.0], "word": ["red wine", "wine"], "other": ["a", "b"]}


class Broken:
    """A sentence encoder that gives what it is told to."""

    def __init__(self, *given) -> None:
        self.given = list(given)

    def encode(self, texts):
        return self.given.pop(0) if len(self.given) > 1 else self.given[0]


REFUSED = {
    "unknown column": ({"text": "wrod"}, ONE, ValueError, "no column 'wrod'; did you mean 'word'"),
    "unknown column, other case": ({"numbers": "X"}, ONE, ValueError, "did you mean 'x'"),
    "unknown column, nothing near": ({"numbers": "qqqqq"}, ONE, ValueError, "no column 'qqqqq'; columns are x, word"),
    "unknown id": ({"numbers": "x", "id": "film"}, ONE, ValueError, "no column 'film'"),
    "pattern without columns": ({"vectors": {"v": "img_*"}}, ONE, ValueError, r"no column fits 'img_\*'"),
    "one name twice": ({"text": "word", "categories": "word"}, ONE, ValueError, "two modalities are called 'word'"),
    "one name twice in a list": ({"text": ["word", "word"]}, ONE, ValueError, "two modalities are called 'word'"),
    "missing everywhere": ({"text": "t"}, {"t": [None, "", " "]}, ValueError, "modality 't': no word"),
    "no words": ({"text": "t"}, {"t": ["!", "a"]}, ValueError, "no word of two letters or more in any row of 't'"),
    "no labels": ({"categories": {"c": ["a", "b"]}}, {"a": [None], "b": [""]}, ValueError, "no label in any row"),
    "no several labels": ({"multi": "c"}, {"c": [[], None]}, ValueError, "modality 'c': no label"),
    "no numbers": ({"numbers": "n"}, {"n": [None, float("nan")]}, ValueError, "modality 'n': no value"),
    "no dates": ({"dates": "d"}, {"d": [None, None]}, ValueError, "modality 'd': no value"),
    "no vectors": ({"vectors": "v"}, {"v": [None, [0.0, 0.0]]}, ValueError, "no vector with a length"),
    "no vectors at all": ({"vectors": "v"}, {"v": [None, []]}, ValueError, "no vector with a length"),
    "numbers as text": ({"text": "x"}, ONE, TypeError, r"fit: row 0, column 'x': 1.0 is float, not text; take the"),
    "bytes as text": (
        {"text": "t"},
        {"t": ["a", b"b"]},
        TypeError,
        "row 1, column 't': b'b' is bytes, not text; decode",
    ),
    "lists as categories": ({"categories": "c"}, {"c": ["a", ["b"]]}, TypeError, "row 1.*no category.*as multi="),
    "dicts as categories": ({"categories": "c"}, {"c": [{}]}, TypeError, "is dict, which is no category; use text"),
    "bytes as labels": ({"multi": "c"}, {"c": [["a"], [b"a"]]}, TypeError, "row 1.*is bytes"),
    "words as numbers": ({"numbers": "word"}, ONE, ValueError, "fit: row 0: word 'red wine' is not a number"),
    "infinite numbers": (
        {"numbers": "n"},
        {"n": [1, float("inf")]},
        ValueError,
        "row 1, column 'n': inf is not finite",
    ),
    "huge numbers": ({"numbers": "n"}, {"n": [1e300, -1e300]}, ValueError, "'n' has values too large"),
    "dates as numbers": ({"numbers": "d"}, {"d": [datetime.date(2024, 1, 1)]}, ValueError, "d .* is not a number"),
    "numbers as dates": ({"dates": "x"}, ONE, ValueError, "column 'x' holds numbers, not dates: take it as numbers="),
    "words as dates": ({"dates": "word"}, ONE, ValueError, "row 0: word 'red wine' is not a number or ISO 8601"),
    "vectors of two widths": (
        {"vectors": "v"},
        {"v": [None, [1], [1, 2]]},
        ValueError,
        "row 2.*2 numbers where.*have 1",
    ),
    "NaN in a vector": ({"vectors": "v"}, {"v": [[1, 2], [float("nan"), 1]]}, ValueError, "row 1.*NaN or infinity"),
    "infinite vector": ({"vectors": "v"}, {"v": np.array([[1, np.inf]])}, ValueError, "row 0.*NaN or infinity"),
    "half a vector": ({"vectors": {"v": ["a", "b"]}}, {"a": [1, 2], "b": [1, None]}, ValueError, "row 1.*part of the"),
    "labels as vectors": ({"vectors": "v"}, {"v": [["a"], ["b"]]}, TypeError, "not vectors; take the column as multi="),
    "words as vectors": ({"vectors": "word"}, ONE, ValueError, "row 0: word 'red wine' is not a number"),
    "dicts as vectors": ({"vectors": "v"}, {"v": [None, {}]}, TypeError, "row 1.*must be lists or arrays"),
    "matrix of words": ({"vectors": "v"}, {"v": np.array([["a", "b"]])}, TypeError, "an array of <U1"),
    "id twice": ({"numbers": "x", "id": "i"}, ONE | {"i": [5, 5]}, ValueError, "row 1: id 5 comes twice"),
    "id missing": ({"numbers": "x", "id": "i"}, ONE | {"i": [5, None]}, ValueError, "row 1: no id"),
    "no rows": ({"numbers": "x"}, {"x": []}, ValueError, "the table has no rows"),
    "no columns": ({"numbers": "x"}, {}, ValueError, "the table has no rows"),
    "nothing to guess": (
        {},
        {"item": [1, 2], "a": ["x", "x"]},
        ValueError,
        r"no column to take.*a \(the same in every",
    ),
    "columns of two lengths": (
        {"numbers": "x"},
        {"x": [1], "y": [1, 2]},
        ValueError,
        "differ in length: {'x': 1, 'y': 2}",
    ),
    "a column that is none": ({"numbers": "x"}, {"x": 5}, TypeError, "column 'x' is int, not a list or array"),
    "a table that is none": ({"numbers": "x"}, np.ones((2, 2)), TypeError, "fit: ndarray is no table; give a pandas"),
    "two columns of one name": (
        {"numbers": "x"},
        pd.DataFrame([[1, 2]], columns=["x", "x"]),
        ValueError,
        "unique|duplicate|one name",
    ),
    "an argument that is none": ({"text": 5}, ONE, TypeError, "text=5 is no column name"),
    "a column by position": ({"text": [0]}, ONE, TypeError, "modality 0 is made of"),
    "a modality of nothing": ({"text": {"t": []}}, ONE, TypeError, "'t' is made of"),
    "an encoder that is none": ({"text": "word", "encoder": len}, ONE, TypeError, "encoder has no method encode"),
    "an encoder without text": ({"numbers": "x", "encoder": Broken(0)}, ONE, ValueError, "encoder is for text"),
    "an encoder for nothing": ({"text": "word", "encoder": {"w": Broken(0)}}, ONE, ValueError, "encoder names 'w'"),
    "an encoder of one vector": (
        {"text": "word", "encoder": Broken(np.ones(3))},
        ONE,
        ValueError,
        r"shape \(3,\) for 1",
    ),
    "an encoder of words": ({"text": "word", "encoder": Broken([["a"]])}, ONE, TypeError, "gave <U1, not real numbers"),
    "an encoder of NaN": (
        {"text": "word", "encoder": Broken([[np.nan]])},
        ONE,
        ValueError,
        "not finite for 'The quick",
    ),
    "weights for nothing": ({"text": "word", "weights": {"w": 1}}, ONE, ValueError, "weights names 'w'.*among word"),
    "negative weight": ({"text": "word", "weights": {"word": -1}}, ONE, ValueError, "must be a number of at least 0"),
    "weights in a list": ({"text": "word", "weights": [1]}, ONE, TypeError, "no dict of modality -> number"),
    "no separator": ({"multi": "word", "separator": ""}, ONE, ValueError, "separator='' is no text"),
    "min_df": ({"text": "word", "min_df": 0}, ONE, ValueError, "min_df=0 must be at least 1"),
    "min_frequency": ({"text": "word", "min_frequency": 0.5}, ONE, TypeError, "min_frequency=0.5 is not a whole"),
    "max_features": ({"text": "word", "max_features": True}, ONE, TypeError, "max_features=True is not a whole"),
    "id by position": ({"text": "word", "id": 3}, ONE, TypeError, "id=3 is no column name"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_fit_refuses(case):
    said, table, kind, message = REFUSED[case]
    fitted = FeatureEncoder(**said)
    with pytest.raises(kind, match=message):
        fitted.fit(table)
    with pytest.raises(NotFittedError, match=r"call fit\(table\) first"):
        fitted.transform(ONE)


TRANSFORMS = {
    "a column is not there": ({"notes": ...}, ValueError, "transform: there is no column 'notes'"),
    "numbers as text": ({"notes": [1] * 5}, TypeError, "transform: row 0, column 'notes': 1 is int"),
    "infinite numbers": ({"abv": [1, 2, 3, 4, -np.inf]}, ValueError, "row 4, column 'abv': -inf"),
    "an id twice": ({"wine": [1, 2, 3, 3, 4]}, ValueError, "row 3: id 3 comes twice"),
    "half a vector": ({"v0": [None] + [1] * 4}, ValueError, "row 0: a part|row 0, column 'v0': a part"),
    "another width": ({"v0": [[1, 2]] * 5}, ValueError, "2 numbers where"),
    "another width in an array": ({"v0": np.ones((5, 3))}, ValueError, "3 numbers where it was fitted with 1"),
}


@pytest.mark.parametrize("case", TRANSFORMS)
def test_transform_refuses(case):
    change, kind, message = TRANSFORMS[case]
    table = {name: values for name, values in (WINES | change).items() if values is not ...}
    with pytest.raises(kind, match=message):
        encoder().fit(WINES).transform(table)


def test_a_sentence_encoder_that_changes_its_width():
    fitted = FeatureEncoder(text="word", encoder=Broken(np.ones((1, 3)), np.ones((2, 4)))).fit(ONE)
    with pytest.raises(ValueError, match="gave vectors of 4 numbers where it was fitted with 3"):
        fitted.transform(ONE)


def test_every_method_wants_a_fit():
    fresh = FeatureEncoder(text="word", encoder=LetterCounts())
    for call in (lambda: fresh.transform(ONE), fresh.state):
        with pytest.raises(NotFittedError, match="FeatureEncoder is not fitted yet"):
            call()


def test_a_failed_fit_keeps_what_was_learned():
    fitted = FeatureEncoder(text="word").fit(ONE)
    with pytest.raises(TypeError):
        fitted.fit({"word": [1]})
    assert fitted.transform(ONE).present.all()


def test_guess_takes_no_columns():
    with pytest.raises(ValueError, match="guess: say what the columns are, or have it guessed"):
        FeatureEncoder.guess(ONE, text="word")
    with pytest.raises(ValueError, match="values of several types"):
        FeatureEncoder.guess({"a": [1, "b"]})


def test_rows_of_files_are_named_by_line(tmp_path):
    path = tmp_path / "wines.csv"
    path.write_text('wine,name,abv\n1,"Ruby\nPort",19.5\n2,Rio,strong\n')
    with pytest.raises(ValueError, match=r"wines.csv:4: abv 'strong' is not a number"):
        FeatureEncoder(numbers="abv").fit(path)
    path.write_text("wine,name\n1,a\n1,b\n")
    with pytest.raises(ValueError, match=r"wines.csv:3: id 1 comes twice"):
        FeatureEncoder(text="name", id="wine").fit(path)
    path.write_text("wine,name\n")
    with pytest.raises(ValueError, match=r"wines.csv: a header and no rows"):
        FeatureEncoder(text="name").fit(path)
    with pytest.raises(ValueError, match="not a whole Parquet file"):
        FeatureEncoder(text="name").fit(path.rename(tmp_path / "wines.parquet"))
    with pytest.raises(FileNotFoundError):
        FeatureEncoder(text="name").fit(tmp_path / "none.csv")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_frames_name_the_row(frame):
    with pytest.raises(TypeError, match="row 1, column 'notes': b'Dry' is bytes, not text"):
        encoder().fit(WINES).transform(frame(WINES | {"notes": [None, b"Dry", None, None, None]}))


def test_align_refuses():
    features = encoder().fit_transform(WINES)
    for ids, unknown, message in (
        (["7", "3"], "warn", "2 of 2 ids have no row, such as '7'; ids of the table look like 7, 3, 5"),
        ([7, 100], "raise", "1 of 2 ids have no row, such as 100; add them"),
        ([7, 7], "warn", "7 comes twice"),
        ([7, None], "warn", "entry 1 is missing"),
        ([7], "skip", "unknown='skip' is not"),
    ):
        with pytest.raises(ValueError, match=message):
            features.align(ids, unknown=unknown)
    with pytest.raises(ValueError, match="these features have no ids: encode with id="):
        encoder(id=False).fit_transform(WINES).align([7])


def test_features_refuse_rows_and_blocks_that_are_not_there():
    features = encoder().fit_transform(WINES)
    with pytest.raises(ValueError, match="no modality 'x'; there are notes, region"):
        features.block("x")
    with pytest.raises(IndexError):
        features[5]
    with pytest.raises(ValueError, match="a row is asked for twice"):
        features[[1, 1]]
    with pytest.raises(ValueError, match=r"got shape \(1, 2\)"):
        features[[[0, 1]]]
