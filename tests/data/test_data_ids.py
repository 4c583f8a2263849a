"""Ids, encoding and column guesses: what goes in comes back, in a stated order. Touches no files."""

from __future__ import annotations

import datetime
import pickle
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import COMMON_NAMES, Ids, Interactions, guess_columns
from attnrec.data.factorize import encode

UUIDS = [uuid.UUID(int=k) for k in (3, 1, 2)]
MIXED = ["a", 7, ("guest", 1), UUIDS[0], datetime.date(2024, 1, 31), 2.5, b"raw", frozenset({1}), None.__class__]


@pytest.mark.parametrize(
    ("names", "lookup"),
    [
        ([5, -2, 9], [9, 5]),
        (["x", "é", ""], ["", "x"]),
        (np.array([3, 1], np.uint8), [1]),
        (np.array([2**63, 1], np.uint64), [2**63]),
        ([2**70, 1], [2**70]),
        (np.array(["u", "v"]), np.array(["v"])),
        ([(1, 2), (1, 3)], [(1, 3)]),
        ([0.5, 1.5], [1.5]),
        (UUIDS, UUIDS[1:]),
        ([datetime.datetime(2024, 1, 1), datetime.datetime(2023, 1, 1)], [pd.Timestamp("2023-01-01")]),
        (np.array(["2024-01-01", "2023-01-01"], "datetime64[D]"), [datetime.date(2023, 1, 1)]),
        (MIXED, MIXED[::-1]),
        (pd.Series(["p", "q"], dtype="category"), ["q"]),
        (pl.Series([4, 5]), pl.Series([5])),
        (pa.array(["m", "n"]), pa.array(["n"])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_round_trip(names, lookup):
    ids = Ids(names)
    positions = ids.positions(lookup)
    assert positions.dtype == np.int64
    if not (isinstance(names, np.ndarray) and names.dtype.kind == "M"):
        assert list(ids.names(positions)) == list(getattr(lookup, "to_pylist", lambda: lookup)())
    assert [ids.position(name) for name in ids] == list(range(len(ids)))
    assert all(name in ids for name in ids)
    assert pickle.loads(pickle.dumps(ids)) == ids


@given(st.lists(st.one_of(st.integers(), st.text(), st.tuples(st.integers(), st.text()), st.binary()), unique=True))
def test_any_hashables_come_back_as_they_were(names):
    ids = Ids(names)
    assert list(ids) == names
    assert ids.positions(names).tolist() == list(range(len(names)))
    assert [type(name) for name in ids] == [type(name) for name in names]


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5), st.sampled_from("abc"), st.just(float("nan")))))
def test_codes_give_the_column_back(column):
    coded = encode(column)
    values = coded.values.tolist()
    back = [None if code < 0 else values[code] for code in coded.codes.tolist()]
    assert back == [None if name is None or name != name else name for name in column]


def test_integer_lookup_is_the_same_many_or_few():
    rng = np.random.default_rng(0)
    names = rng.permutation(10_000)[:500] - 3000
    ids = Ids(names)
    wanted = rng.integers(-4000, 8000, 1000)
    many = ids.positions(wanted, unknown="ignore")
    assert many.tolist() == [ids.position(name, unknown="ignore") for name in wanted.tolist()]
    assert (many >= 0).any()
    assert (many < 0).any()
    assert Ids(np.empty(0, np.int64)).positions(wanted, unknown="ignore").tolist() == [-1] * 1000


def test_unknown_and_wrong_names():
    ids = Ids(["ann", "bob"])
    with pytest.raises(ValueError, match=r"unknown id 'eve' \(and 1 more\); known ids look like 'ann', 'bob'"):
        ids.positions(["ann", "eve", "joe"])
    assert ids.positions(["eve", "bob"], unknown="ignore").tolist() == [-1, 1]
    with pytest.raises(ValueError, match="unknown='skip'"):
        ids.positions(["ann"], unknown="skip")
    with pytest.raises(TypeError, match="use position"):
        ids.positions("ann")
    with pytest.raises(TypeError, match="list, which cannot be hashed"):
        ids.positions([[["x"]]])
    for bad in ([2], [-1]):
        with pytest.raises(ValueError, match=r"is not in 0 \.\. 1"):
            ids.names(bad)
    with pytest.raises(TypeError, match="positions must be integers"):
        ids.names([0.5])


def test_ids_must_be_distinct_complete_and_hashable():
    with pytest.raises(ValueError, match="'a' comes twice, again as entry 2"):
        Ids(["a", "b", "a"])
    with pytest.raises(ValueError, match="entry 1 is missing"):
        Ids(["a", None])
    with pytest.raises(TypeError, match="row 1 is a set"):
        Ids(["a", {1}])


def test_parse_reads_what_a_person_types():
    assert Ids([1, 2]).parse("2") == 2
    assert Ids(["1", "2"]).parse("2") == "2"
    assert Ids([0.5, 1.5]).parse("1.5") == 1.5
    assert Ids(UUIDS).parse(str(UUIDS[2])) == UUIDS[2]
    with pytest.raises(ValueError, match="unknown id '3'"):
        Ids([1, 2]).parse("3")


def test_order_is_sorted_where_there_is_one_else_first_appearance():
    def order(names):
        return list(Interactions.from_arrays(names, range(len(names))).users)

    assert order([3, 1, 2]) == [1, 2, 3]
    assert order(["b", "é", "a"]) == ["a", "b", "é"]
    assert order([(2, 1), (1, 9)]) == [(1, 9), (2, 1)]
    assert order(UUIDS) == sorted(UUIDS)
    assert order(["b", 1, "a"]) == ["b", 1, "a"]
    assert order([("a", 1), (1, "a")]) == [("a", 1), (1, "a")]


@pytest.mark.parametrize(
    ("names", "want"),
    [
        ("userId movieId rating timestamp", "userId movieId rating timestamp"),
        ("UserID ISBN Book-Rating", "UserID ISBN Book-Rating"),
        ("reviewer_id asin overall unixReviewTime", "reviewer_id asin overall unixReviewTime"),
        ("uid iid stars ts", "uid iid stars ts"),
        (
            "user_id:token item_id:token rating:float timestamp:float",
            "user_id:token item_id:token rating:float timestamp:float",
        ),
        ("score date product_id customer_id", "customer_id product_id score date"),
        ("user book_id", "user book_id"),
    ],
)
def test_common_headers_are_guessed(names, want):
    assert list(guess_columns(names.split()).values()) == want.split()


def test_every_common_name_is_simple_and_of_one_role():
    names = [name for role in COMMON_NAMES.values() for name in role]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and name.isalnum() for name in names)


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (["who", "item"], {}, "no column looks like the user; columns are who, item: pass user="),
        (
            ["user", "userId", "item"],
            {},
            "user and userId both look like the user; columns are user, userId, item: pass user=",
        ),
        (["user", "item", "date", "ts"], {}, "date and ts both look like the timestamp; .* pass timestamp="),
        (["user", "item"], {"rating": "stars"}, "rating='stars' is not a column; columns are user, item"),
        (["user", "item"], {"item": 2}, r"item=2 is not a position in 0 \.\. 1"),
        (["user", "what"], {}, "no column looks like the item; columns are user, what: pass item="),
        (["user", "item"], {"user": False}, "user=False: a user column is needed; columns are user, item"),
    ],
)
def test_bad_guesses_name_the_argument(names, given, message):
    with pytest.raises(ValueError, match=message):
        guess_columns(names, given=given)


def test_given_columns_take_part_in_no_guess():
    assert guess_columns(["user", "userId", "item"], given={"user": "user"}) == {"user": "user", "item": "item"}
    assert guess_columns(["user", "item", "rating"], given={"rating": False}) == {"user": "user", "item": "item"}
    assert guess_columns(["a", "b"], given={"user": 1, "item": 0}) == {"user": "b", "item": "a"}
