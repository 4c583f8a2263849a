"""Numbers of every type are numbers: ids past 63 bits, decimals and Int128 as ids, ratings, times."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import Ids, Interactions, popularity
from attnrec.data.factorize import encode, join_coded

WIDE = {
    "Decimal": lambda values: [Decimal(value) for value in values],
    "Decimal objects": lambda values: np.array([Decimal(value) for value in values], dtype=object),
    "decimal128": lambda values: pa.array([Decimal(value) for value in values], pa.decimal128(30, 4)),
    "decimal256": lambda values: pa.array([Decimal(value) for value in values], pa.decimal256(50)),
    "polars Decimal": lambda values: pl.Series(values, dtype=pl.Decimal(20, 2)),
    "uint64": lambda values: np.array(values, np.uint64),
    "float16": lambda values: np.array(values, np.float16),
    "text": lambda values: [str(value) for value in values],
}
INT128 = [name for name in ("Int128", "UInt128") if hasattr(pl, name)]  # newer than the polars that is asked for
for name in INT128:
    WIDE[name] = lambda values, name=name: pl.Series(values, dtype=getattr(pl, name))


@pytest.mark.parametrize("kind", WIDE)
def test_times_and_ratings_of_any_numeric_type(kind):
    data = Interactions.from_arrays([1, 2], [1, 1], WIDE[kind]([3, 4]), WIDE[kind]([3, 4]))
    assert data.timestamps.dtype == (np.float64 if kind == "float16" else np.int64)
    assert data.timestamps.tolist() == [3, 4]
    assert data.user_items.data.tolist() == [3, 4]


@pytest.mark.parametrize("kind", [kind for kind in WIDE if kind not in ("float16", "text")])
def test_whole_ids_of_any_numeric_type_are_integers(kind):
    data = Interactions.from_arrays(WIDE[kind]([4, 3]), WIDE[kind]([1, 1]))
    assert data.users.to_numpy().dtype == np.int64
    assert list(data.users) == [3, 4]
    assert data.users.positions(WIDE[kind]([4])).tolist() == [1]
    assert Ids(WIDE[kind]([4, 3])).to_numpy().tolist() == [4, 3]


@pytest.mark.parametrize("kind", INT128)
def test_int128_of_frames(kind):
    columns = {"user": [2**64 - 1, 7], "item": [2**70, None], "rating": [1, 5], "timestamp": [3, None]}
    frame = pl.DataFrame({name: pl.Series(values, dtype=getattr(pl, kind)) for name, values in columns.items()})
    data = Interactions.from_frame(frame, missing="drop")
    assert list(data.users) == [2**64 - 1]
    assert data.users.to_numpy().dtype == np.uint64
    assert list(data.items) == [2**70]
    assert data.timestamps.tolist() == [3]
    assert {role: rows.tolist() for role, rows in data.report.missing.items()} == {"item": [1], "timestamp": [1]}


def test_decimals_that_are_not_whole():
    data = Interactions.from_arrays([1, 2], [1, 1], None, [Decimal("1.5"), Decimal(2)])
    assert data.timestamps.tolist() == [1.5, 2.0]
    assert list(Ids([Decimal("1.5"), Decimal(2)])) == [Decimal("1.5"), 2]
    assert Interactions.from_arrays([1, 2], [1, 1], None, [2**70, 1]).timestamps.tolist() == [2.0**70, 1]
    assert Interactions.from_arrays([1], [1], None, np.array([2**63 - 1], np.uint64)).timestamps.tolist() == [2**63 - 1]


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        ([5, "2024-01-01"], 1, "'2024-01-01' is not a number like the first one"),
        (["2024-01-01", 5], 1, "5 is not a number or ISO 8601 time"),
        (["2024-01-01", "5"], 1, "'5' is not a number or ISO 8601 time"),
        ([True, False], 0, "True is not a number or ISO 8601 time"),
        (np.array([5, 6], "m8[ns]"), 0, r"Timedelta\('0 days .* is not a number or ISO 8601 time"),
        (["5", Decimal("Infinity")], 1, r"Decimal\('Infinity'\) is not a number like the first one"),
    ],
)
def test_numbers_and_times_are_not_mixed(values, row, message):
    with pytest.raises(ValueError, match=f"row {row}: timestamp {message}"):
        Interactions.from_arrays([1, 2], [1, 1], None, values)


def test_numbers_written_as_text():
    assert Interactions.from_arrays([1, 2], [1, 1], None, ["20240131", "5"]).timestamps.tolist() == [20240131, 5]
    with pytest.raises(ValueError, match="row 1: rating '3_0' is not a number; fix or remove the row"):
        Interactions.from_arrays([1, 2], [1, 1], ["3", "3_0"])
    with pytest.raises(
        ValueError, match=r"row 1: rating '3,5' .* decimal comma: .* pandas.read_csv\(..., decimal=','\)"
    ):
        Interactions.from_arrays([1, 2], [1, 1], ["3", "3,5"])


wide = st.integers(-(2**63), 2**64 - 1)


@given(st.lists(wide, min_size=1, max_size=8, unique=True))
def test_the_same_numbers_are_the_same_ids_from_everywhere(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("ids")
    n = len(names)
    (folder / "x.csv").write_text("user,item\n" + "".join(f"{name},1\n" for name in names))
    found = {"csv": Interactions.from_csv(folder / "x.csv"), "arrays": Interactions.from_arrays(names, [1] * n)}
    found["pandas"] = Interactions.from_frame(pd.DataFrame({"user": pd.Series(names, dtype=object), "item": 1}))
    if "Int128" in INT128:
        found["Int128"] = Interactions.from_frame(
            pl.DataFrame({"user": pl.Series(names, dtype=pl.Int128), "item": pl.Series([1] * n)})
        )
    exact = pa.array(names, pa.decimal128(38))
    kind = pa.int64() if max(names) < 2**63 else pa.uint64() if min(names) >= 0 else exact.type
    pq.write_table(pa.table({"user": exact.cast(kind), "item": [1] * n}), folder / "x.parquet")
    found["parquet"] = Interactions.from_parquet(folder / "x.parquet")
    want = found["arrays"].users
    assert list(want) == sorted(names)
    assert want.to_numpy().dtype == {pa.int64(): np.int64, pa.uint64(): np.uint64}.get(kind, object)
    for data in found.values():
        assert data.users == want
        assert data.users.to_numpy().dtype == want.to_numpy().dtype
        assert [data.users.parse(str(name)) for name in names] == names


def test_one_wide_id_does_not_make_a_column_text(tmp_path):
    def users(*names):
        (tmp_path / "x.csv").write_text("user,item\n" + "".join(f"{name},1\n" for name in names))
        return list(Interactions.from_csv(tmp_path / "x.csv").users)

    assert users(10**18, 5) == [5, 10**18]
    assert users(2**63 - 1, -(2**63)) == [-(2**63), 2**63 - 1]
    assert users(2**64 - 1, 5) == [5, 2**64 - 1]
    assert users(2**64 - 1, -5) == [-5, 2**64 - 1]
    assert users(2**64, 5) == ["18446744073709551616", "5"]
    assert users(-(2**63) - 1, 5) == ["-9223372036854775809", "5"]


def test_lookup_of_signed_among_unsigned_and_the_reverse():
    high = Ids(np.arange(2**63 - 100, 2**63 + 100, dtype=np.uint64))
    assert high.positions(np.arange(2**63 - 100, 2**63, dtype=np.int64)).tolist() == list(range(100))
    assert set(high.positions(np.arange(-100, 0), unknown="ignore").tolist()) == {-1}
    low = Ids(np.arange(-5, 200))
    assert low.positions(np.arange(100, dtype=np.uint64)).tolist() == list(range(5, 105))
    assert set(low.positions(np.arange(2**64 - 100, 2**64 - 1, dtype=np.uint64), unknown="ignore").tolist()) == {-1}


def test_parse_is_exact():
    ids = Ids([2**53 + 1, 2**53])
    assert ids.parse(f"{2**53 + 1}.0") == 2**53 + 1
    with pytest.raises(ValueError, match="unknown id"):
        Ids([2**53]).parse(f"{2**53 + 1}.0")
    assert Ids([0.1, 2.0]).parse("0.1") == 0.1


parts = st.lists(st.lists(st.one_of(st.none(), wide, st.sampled_from("abc")), max_size=5), min_size=1, max_size=4)


@given(parts)
def test_columns_in_parts_are_numbered_as_one(lists):
    joined = join_coded([encode(part) for part in lists])
    whole = encode([name for part in lists for name in part])
    assert [None if c < 0 else joined.values.tolist()[c] for c in joined.codes.tolist()] == [
        None if c < 0 else whole.values.tolist()[c] for c in whole.codes.tolist()
    ]
    assert joined.values.dtype == whole.values.dtype


DATED = Interactions.from_arrays(["a", "b"], ["x", "y"], timestamps=np.array(["2020-01-01", "2020-01-10"], "M8[us]"))


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (np.timedelta64(1, "M"), r"months and years differ: give days, such as np.timedelta64\(30, 'D'\)"),
        (np.timedelta64(1, "Y"), r"such as np.timedelta64\(365, 'D'\)"),
        (np.timedelta64(5), "has no unit: give one"),
        (np.timedelta64("NaT"), "has no unit: give one"),
        (np.timedelta64("NaT", "s"), "must be above 0"),
    ],
)
def test_windows_of_popularity_that_have_no_length(window, message):
    with pytest.raises(ValueError, match=message):
        popularity(DATED, window=window)


@pytest.mark.parametrize(
    ("window", "want"),
    [
        (np.timedelta64(30, "D"), [0.5, 0.5]),
        (np.timedelta64(9 * 24, "h"), [0, 1]),
        (np.timedelta64(9 * 86_400_000_000_000 + 1, "ns"), [0.5, 0.5]),
        (pd.Timedelta(1, "ns"), [0, 1]),
        (np.timedelta64(2**62, "W"), [0.5, 0.5]),
        (datetime.timedelta.max, [0.5, 0.5]),
    ],
)
def test_windows_of_popularity_in_any_unit(window, want):
    assert popularity(DATED, window=window, prior=0).tolist() == want


def test_windows_of_popularity_past_64_bits():
    data = Interactions.from_arrays(["a", "b"], ["x", "y"], timestamps=[-(2**63) + 1, 5])
    assert popularity(data, window=2**80, prior=0).tolist() == [0.5, 0.5]
    assert popularity(data, window=np.int64(2**62), prior=0).tolist() == [0, 1]
