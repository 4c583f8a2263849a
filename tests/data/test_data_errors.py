"""Bad frames, arrays and matrices: each error names the row or the argument. Text files have tests of their own."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from attnrec._util.extras import is_installed, require
from attnrec.data import Interactions

GOOD = {"user": [1, 2, 3], "item": ["a", "b", "c"], "rating": [1.0, 2.0, 3.0], "ts": [1, 2, 3]}
BAD = [
    ({"user": [1, None, 3]}, {}, "row 1: no user; fix or remove the row, or pass missing='drop'"),
    ({"item": ["a", "b", None]}, {}, "row 2: no item"),
    ({"rating": [1.0, None, 2.0]}, {}, "row 1: no rating"),
    ({"rating": [1.0, 2.0, float("nan")]}, {}, "row 2: no rating"),
    ({"rating": [float("inf"), 2.0, 3.0]}, {}, "row 0: rating inf is not finite"),
    ({"rating": [1.0, 2.0, -1e300]}, {}, "row 2: rating -inf is not finite"),
    ({"ts": [1, 2, None]}, {}, "row 2: no timestamp"),
    (
        {"rating": [1.0, 9.0, 3.0]},
        {"rating_range": (1, 5)},
        r"row 1: rating 9 is not in 1 \.\. 5; fix or remove the row",
    ),
    ({"user": [1, 2, 1], "item": ["a", "b", "a"]}, {"duplicates": "error"}, "row 2: the same user and item as row 0"),
    ({"rating": ["1", "two", "3"]}, {}, "row 1: rating 'two' is not a number"),
    ({"ts": ["2024-01-01", "2024-01-02", "Monday"]}, {}, "row 2: timestamp 'Monday' is not a number or ISO 8601 time"),
]


def from_parquet(columns, folder, **options):
    pq.write_table(pa.table(columns), folder / "x.parquet", row_group_size=1)
    return Interactions.from_parquet(folder / "x.parquet", **options)


SOURCES = {
    "pandas": lambda columns, folder, **options: Interactions.from_frame(pd.DataFrame(columns), **options),
    "polars": lambda columns, folder, **options: Interactions.from_frame(pl.DataFrame(columns), **options),
    "pyarrow": lambda columns, folder, **options: Interactions.from_frame(pa.table(columns), **options),
    "arrays": lambda columns, folder, **options: Interactions.from_arrays(*columns.values(), **options),
    "parquet": from_parquet,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("bad", "options", "message"), BAD)
def test_a_bad_row_is_named(source, bad, options, message, tmp_path):
    assert len(SOURCES[source](GOOD, tmp_path)) == 3
    with pytest.raises(ValueError, match=message) as caught:
        SOURCES[source](GOOD | bad, tmp_path, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", SOURCES)
def test_dropping_gives_the_rest(source, tmp_path):
    columns = GOOD | {"user": [None, 2, 3], "rating": [1.0, None, 3.0]}
    data = SOURCES[source](columns, tmp_path, missing="drop")
    assert list(data.users) == [3]
    assert {role: rows.tolist() for role, rows in data.report.missing.items()} == {"user": [0], "rating": [1]}
    with pytest.raises(ValueError, match="no interactions left of 3 rows"):
        SOURCES[source](GOOD | {"user": [None, None, None]}, tmp_path, missing="drop")


def test_the_first_bad_row_is_named_whatever_is_wrong_with_it():
    with pytest.raises(ValueError, match="row 1: no rating"):
        Interactions.from_arrays([1, 2, None], [1, 2, 3], [1, None, 3])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Interactions.from_frame([1, 2]), TypeError, "builtins.list is not a data frame; .* from_arrays"),
        (
            lambda: Interactions.from_frame(pd.DataFrame({"a": [1], "b": [2]})),
            ValueError,
            "columns are a, b: pass user=",
        ),
        (lambda: Interactions.from_frame(pd.DataFrame({"user": [], "item": []})), ValueError, "no interactions"),
        (
            lambda: Interactions.from_frame(pd.DataFrame({"user": [{1}, 2], "item": [1, 2]})),
            TypeError,
            "row 0 is a set",
        ),
        (lambda: Interactions.from_arrays([1, 2], [1]), ValueError, "items has 1 entries and users has 2"),
        (lambda: Interactions.from_arrays([1], [1], [1, 2]), ValueError, "ratings has 2 entries"),
        (lambda: Interactions.from_arrays("ann", ["tea"]), TypeError, "users is str, not an array"),
        (lambda: Interactions.from_arrays(None, [1]), TypeError, "users is None"),
        (lambda: Interactions.from_arrays(np.ones((2, 2)), [1, 2]), ValueError, r"users has shape \(2, 2\)"),
        (lambda: Interactions.from_arrays([], []), ValueError, "from_arrays: no interactions"),
        (lambda: Interactions.from_arrays([1], [1], [1 + 2j]), ValueError, "row 0: rating .* is not a number"),
        (lambda: Interactions.from_sparse(np.eye(2)), TypeError, "want a 2-D scipy.sparse matrix, got ndarray"),
        (lambda: Interactions.from_sparse(sparse.csr_array((2, 2))), ValueError, "from_sparse: no interactions"),
        (lambda: Interactions.from_sparse(sparse.eye_array(2) * 1j), TypeError, "want real numbers"),
        (
            lambda: Interactions.from_sparse(sparse.eye_array(2), ["a"]),
            ValueError,
            "1 user_ids do not fit a matrix with 2",
        ),
        (lambda: Interactions.from_sparse(sparse.eye_array(2), None, [1, 1]), ValueError, "item_ids: 1 comes twice"),
        (lambda: Interactions.from_sparse(sparse.eye_array(2) * np.nan), ValueError, "entry 0: no rating"),
        (
            lambda: Interactions.from_arrays([1, 1], [1, 1], [3e38, 3e38], duplicates="sum"),
            ValueError,
            "row 1: the sum of this user and item overflows float32",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_pandas_integers_with_gaps_stay_usable():
    data = Interactions.from_frame(pd.DataFrame({"user": [2, None, 1], "item": [1, 1, 1]}), missing="drop")
    assert data.users.positions([1, 2]).tolist() == [0, 1]
    data = Interactions.from_frame(
        pd.DataFrame({"user": pd.array([2, None, 1], "Int64"), "item": [1, 1, 1]}), missing="drop"
    )
    assert list(data.users) == [1, 2]


def test_a_missing_extra_is_named(monkeypatch):
    with pytest.raises(ImportError, match=r"no_such_package is needed for this .* pip install 'attnrec\[data\]'"):
        require("no_such_package.part", extra="data")
    assert require("json", extra="data").loads("1") == 1
    assert is_installed("numpy")
    assert not is_installed("no_such_package")


def test_importing_needs_no_frame_library():
    code = (
        "import sys\n"
        "for name in ('pandas', 'polars', 'pyarrow', 'narwhals', 'scipy'): sys.modules[name] = None\n"
        "import attnrec.data\n"
        "try: attnrec.data.Interactions.from_arrays([1], [1])\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pip install 'attnrec[data]'" in done.stdout
