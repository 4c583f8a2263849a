"""Ids given as text where they are integers, and the other way round: read where that is exact, else said."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec import compat, models
from attnrec._util.arraylike import whole_numbers
from attnrec.data import Ids, Interactions
from attnrec.serving import FrameRecommender

NUMBERS = Interactions.from_arrays([101, 101, 102, 102], [5, 6, 5, 7])
TEXTS = Interactions.from_arrays(["101", "101", "102", "102"], ["5", "6", "5", "7"])
NOT_PLAIN = ["0101", "+101", " 101", "101 ", "101.0", "1e2", "1_01", "\u0661\u0660\u0661", "", "-0", "abc"]


def front(data: Interactions, **options: Any) -> FrameRecommender:
    return FrameRecommender(models.NeighbourAttention().fit(data, show_progress=False), data, **options)


def listed(df: Any) -> Any:
    return df.to_dict("list")


@pytest.mark.parametrize(
    "users",
    [["102", "101"], ("102", "101"), np.array(["102", "101"]), pd.Series(["102", "101"]), pa.array(["102", "101"])],
)
def test_users_as_text(users: Any) -> None:
    model = front(NUMBERS)
    want = model.recommend([102, 101], 2)
    with pytest.warns(
        UserWarning, match=r"users: the ids are integers; '102' is text and is read as 102, and 1"
    ) as told:
        found = model.recommend(users, 2)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert listed(found) == listed(want)
    assert found["user"].dtype == np.int64


def test_one_user_and_items_as_text() -> None:
    model = front(NUMBERS)
    with pytest.warns(UserWarning, match=r"users: the ids are integers; '101' is text and is read as 101\. Give"):
        assert listed(model.recommend("101", 2)) == listed(model.recommend(101, 2))
    with pytest.warns(UserWarning, match="items_to_recommend") as told:
        found = model.recommend([101], 2, items_to_recommend=["7", 6])
    assert len(told) == 1
    assert told[0].filename == __file__
    assert listed(found) == listed(model.recommend([101], 2, items_to_recommend=[7, 6]))
    with pytest.warns(UserWarning, match="read as 101"):  # one user, not two
        assert listed(model.recommend(["101", 101], 1)) == listed(model.recommend(101, 1))


def test_a_stranger_as_text_is_one_of_integers() -> None:
    with pytest.warns(UserWarning, match="'999' is text and is read as 999"):
        found = front(NUMBERS, fallback=[1.0, 2.0, 3.0]).recommend(["999"], 1)
    assert found["user"].tolist() == [999]


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_all_or_none(text: str) -> None:
    model = front(NUMBERS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="2 of 2 users have no interactions: '101'"):
            model.recommend(["101", text], 1)
        with pytest.raises(ValueError, match="items_to_recommend: unknown id '5'"):
            model.recommend([101], 1, items_to_recommend=["5", text])
    assert whole_numbers(["101", text]) is None


@given(st.lists(st.integers(-(2**70), 2**70)))
def test_what_is_read_can_be_turned_back(numbers: list[int]) -> None:
    assert whole_numbers([str(number) for number in numbers]) == numbers


def test_ids_alone_refuse() -> None:
    ids = Ids([101, 102])
    with pytest.raises(ValueError, match=r"unknown id '101'.*the ids are integers and '101' is text: give 101"):
        ids.positions(["101"])
    with pytest.raises(ValueError, match="give 101"):
        ids.positions([" 101"])
    with pytest.raises(ValueError, match="give integers"):
        ids.positions(["ann"])
    assert "101" not in ids
    assert ids.positions(["101"], unknown="ignore").tolist() == [-1]
    wide = Ids(np.array([2**63 + 5], np.uint64))
    with pytest.warns(UserWarning, match="is text"):
        assert wide.reading([str(2**63 + 5)], "users") == [2**63 + 5]


@pytest.mark.parametrize("ids", [["101", "102"], [101, "102"], [1.5, 2.5], [], [("a", 1)]])
def test_other_ids_are_left_alone(ids: list[Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Ids(ids).reading(["101", 101, None], "users") == ["101", 101, None]


def test_integers_where_ids_are_text() -> None:
    model = front(TEXTS)
    fix = r"the ids are text and 101 is an integer: give '101'"
    for call in (
        lambda: TEXTS.users.positions([101]),
        lambda: model.recommend(101, 1),
        lambda: model.recommend(np.array([101, 102]), 1),
    ):
        with pytest.raises(ValueError, match=fix):
            call()
    with pytest.raises(ValueError, match="5 is an integer: give '5'"):
        model.recommend(["101"], 1, items_to_recommend=[5])
    with pytest.raises(ValueError, match="give text"):
        model.recommend([9], 1)
    with pytest.raises(ValueError, match=r"unknown id 9; known ids look like 'a', 7$"):
        Ids(["a", 7]).positions([9])
    assert len(model.recommend(["101"], 1)) == 1  # the fix


@pytest.mark.parametrize("data", [NUMBERS, TEXTS])
def test_a_fallback_hides_no_mistake(data: Interactions) -> None:
    users = ["101", "0102"] if data is NUMBERS else [101]
    with pytest.warns(UserWarning, match=r"is unknown; the ids are (text|integers)"):
        front(data, fallback=[1.0, 2.0, 3.0]).recommend(users, 1)
    with pytest.warns(UserWarning, match=r"is unknown; the ids are (text|integers)"):
        front(data).recommend(users, 1, on_unsupported_targets="ignore")


def test_drop_ins() -> None:
    vectors = np.random.default_rng(1).standard_normal((4, 3))
    ranker = compat.RecToolsRanker("dot", vectors, vectors)
    with pytest.warns(UserWarning, match="subject_ids holds text, such as '2'") as told:
        found = ranker.rank(["2", "0"], 1)
    assert len(told) == 1
    for got, want in zip(found, ranker.rank([2, 0], 1), strict=True):
        assert np.array_equal(got, want)
    with pytest.warns(UserWarning, match="filter_items holds text"):
        assert 3 not in compat.implicit_topk(vectors, vectors[0], 2, filter_items=["3"])[0]
    for call in (
        lambda: ranker.rank(["2", "02"]),
        lambda: compat.implicit_topk(vectors, vectors, 1, filter_items=["a"]),
    ):
        with pytest.raises(TypeError, match="give"):
            call()
