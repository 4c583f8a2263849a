"""Interactions that come after fit, in another order or of others: found by id in everything that takes histories."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from attnrec import models
from attnrec.data import Interactions
from attnrec.models.base.asking import asked_about
from attnrec.models.storage.model_file import read_header
from estimators import assert_same
from named_data import DATA, ITEMS, MAKE, USERS, fitted, people, shuffled

NAMES = list(MAKE)
FITTED = {name: fitted(name) for name in NAMES}
ASKED = np.array([4, 0, 11])


def answered(model: Any, histories: Any) -> list[Any]:
    """What a model says of users by these histories, all that takes some."""
    users, whole = ASKED, np.arange(USERS)
    item = int(np.flatnonzero(~np.isin(np.arange(ITEMS), DATA.user_items[[4]].indices))[0])
    why = model.explain(4, item, histories)
    without = model.counterfactuals(4, item, histories)
    vectors = model.recalculate_user(users, histories)
    return [
        *model.recommend(users, histories, N=5),
        *model.recommend(users, histories, N=5, recalculate_user=True),
        *model.recommend(whole[::-1], histories, N=5, recalculate_user=True),
        *model.recommend(users, N=5, candidates=histories, filter_already_liked_items=False),
        *[
            part
            for block in model.recommend_batches(whole, histories, format="numpy", show_progress=False)
            for part in block
        ],
        model.predict(users, [1, 2, 3], user_items=histories),
        model.predict([4, 4, 0], [1, 2, 3], user_items=histories),
        [each.total for each in model.explain_many([4, 0, 4], [1, 2, 3], user_items=histories)],
        [why.total, *why.contributions.ids, *why.contributions.contributions],
        [without.rank, *without.itemids, *without.ranks],
        vectors.toarray() if sp.issparse(vectors) else vectors,
        *model.similar_items([3, 1], N=4, recalculate_item=True, item_users=histories),
    ]


WANT = {name: answered(FITTED[name], DATA) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6)
@given(users=st.permutations(range(USERS)), items=st.permutations(range(ITEMS)))
def test_any_order_of_later_interactions_gives_the_same_answers(name: str, users: list[int], items: list[int]) -> None:
    for got, want in zip(answered(FITTED[name], shuffled(DATA, users, items)), WANT[name], strict=True):
        assert_same(np.asarray(got), np.asarray(want))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_order_gives_what_the_matrix_does(name: str) -> None:
    got = FITTED[name].recommend(ASKED, DATA.user_items[ASKED], N=5, recalculate_user=True)
    for a, b in zip(got, WANT[name][2:4], strict=True):
        np.testing.assert_array_equal(a, b)


def test_some_users_and_other_items() -> None:
    model = FITTED["neighbours"]
    part = shuffled(DATA, [11, 4], range(ITEMS))
    want = model.recommend([4, 11], DATA, N=5, recalculate_user=True)
    np.testing.assert_array_equal(model.recommend([4, 11], part, N=5, recalculate_user=True)[1], want[1])
    with pytest.warns(
        UserWarning, match="user_items: 1 of 2 users have no row, such as 'u1', and have an empty history"
    ):
        got = model.recommend([4, 1], part, N=5, recalculate_user=True)  # row 1 is of u10
    name = DATA.users[1]
    assert name == "u1"
    np.testing.assert_array_equal(got[1][0], want[1][0])
    empty = model.recommend([1], sp.csr_array((1, ITEMS)), N=5, recalculate_user=True)
    np.testing.assert_array_equal(got[1][1], empty[1][0])
    new = Interactions.from_arrays(["u12", "u12", "u12"], ["i3", "what", "that"], [5, 1, 1])
    with pytest.warns(
        UserWarning, match="user_items: 2 interactions are left out, with items that the model does not have"
    ):
        got = model.recommend(DATA.users.position("u12"), new, N=5, recalculate_user=True)
    alone = sp.csr_array(([5.0], ([0], [DATA.items.position("i3")])), shape=(1, ITEMS))
    want = model.recommend([model.user_ids.position("u12")], alone, N=5, recalculate_user=True)
    np.testing.assert_array_equal(got[1], want[1][0])


def test_nothing_in_common_is_an_error() -> None:
    model = FITTED["neighbours"]
    strangers = Interactions.from_sparse(DATA.user_items, range(USERS), DATA.items)
    with pytest.raises(ValueError, match=r"user_items: none of its ids is one of the users.* int where .* are str"):
        model.recommend([0], strangers)
    others = Interactions.from_sparse(DATA.user_items, DATA.users, [f"x{i}" for i in range(ITEMS)])
    with pytest.raises(ValueError, match=r"user_items: none of its ids is one of the items of the model"):
        model.predict(0, 1, user_items=others)
    with pytest.raises(ValueError, match=r"candidates: none of its ids"):
        model.recommend([0], candidates=others)


def test_somebody_who_has_no_id_has_the_row_of_that_number() -> None:
    model = FITTED["neighbours"]
    new = Interactions.from_sparse(DATA.user_items[[3, 5]], ["new", "newer"], DATA.items)
    want = model.recommend([-1, -1], DATA.user_items[[3, 5]], N=5, recalculate_user=True)
    for histories in (new, shuffled(new, [0, 1], np.arange(ITEMS)[::-1])):
        got = model.recommend([-1, -1], histories, N=5, recalculate_user=True)
        np.testing.assert_array_equal(got[1], want[1])
    mixed = Interactions.from_sparse(DATA.user_items[[3, 5]], ["new", DATA.users[7]], DATA.items)
    assert model.recommend([-1, 7], mixed, N=5, recalculate_user=True)[0].shape == (2, 5)
    with pytest.raises(ValueError, match=r"user_items has 2 rows for 2 users, and the model knows no id of 1 .* 'u15'"):
        model.recommend([7, -1], mixed, recalculate_user=True)
    with pytest.raises(ValueError, match="user_items has 2 rows for 1 users"):
        model.recommend([-1], mixed, recalculate_user=True)


@pytest.mark.parametrize("name", ["softmax", "ratings"])
def test_features_of_who_asks_are_found_by_id(name: str) -> None:
    model = FITTED[name]
    at = people().ids.positions(DATA.users.names(ASKED))
    want = model.recommend(ASKED, N=5, user_features=people(at))
    for rows in (at[::-1], range(USERS), range(USERS)[::-1]):
        np.testing.assert_array_equal(model.recommend(ASKED, N=5, user_features=people(rows))[1], want[1])
    with pytest.warns(UserWarning, match="user_features: 2 of 3 users have no row"):
        model.recommend(ASKED, N=5, user_features=people(at[:1]))
    # two inputs of people whom the model does not know go together by their ids
    new = Interactions.from_sparse(DATA.user_items[[3, 5]], ["u1", "u2"], DATA.items)
    ask = {"N": 5, "recalculate_user": True}
    want = model.recommend([-1, -1], new, user_features=people([1, 2]), **ask)
    np.testing.assert_array_equal(model.recommend([-1, -1], new, user_features=people([2, 1]), **ask)[1], want[1])
    plain = fitted(name, DATA.user_items)
    want = plain.recommend([-1, -1], new, user_features=people([1, 2]), **ask)
    np.testing.assert_array_equal(plain.recommend([-1, -1], new, user_features=people([2, 1]), **ask)[1], want[1])


def test_without_ids_in_the_model_rows_are_found_by_number() -> None:
    model = fitted("neighbours", DATA.user_items)
    turned = shuffled(DATA, np.arange(USERS)[::-1], range(ITEMS))
    got = model.recommend(ASKED, turned, N=5, recalculate_user=True)
    want = model.recommend(ASKED, turned.user_items, N=5, recalculate_user=True)
    np.testing.assert_array_equal(got[1], want[1])


def test_nothing_is_copied_where_the_order_is_the_same() -> None:
    model = FITTED["neighbours"]
    for data in (DATA, shuffled(DATA, range(USERS), range(ITEMS))):
        rows, aligned = asked_about(model, "user", np.arange(USERS)).rows("user_items", data)
        assert rows is data.user_items
        assert aligned


@pytest.mark.parametrize(
    "users", [range(USERS), [f"v{u}" for u in range(USERS)], [("v", u, "é") for u in range(USERS)]]
)
@pytest.mark.parametrize(
    "items", [np.arange(ITEMS) * 2**40, ["\ud800", 1, 2.5, "1", ("a", ("b", 2)), *range(5, ITEMS)]]
)
def test_ids_stay_with_copies_and_files(users: Any, items: Any, tmp_path: Path) -> None:
    data = Interactions.from_sparse(DATA.user_items, users, items)
    model = models.NeighbourAttention().fit(data)
    model.save(tmp_path / "m")
    model.save(tmp_path / "again")
    assert (tmp_path / "m").read_bytes() == (tmp_path / "again").read_bytes()
    turned = shuffled(data, np.arange(USERS)[::-1], np.arange(ITEMS)[::-1])
    for one in (
        pickle.loads(pickle.dumps(model)),
        models.load(tmp_path / "m"),
        models.load(tmp_path / "m", mmap=False),
    ):
        assert list(one.user_ids) == list(data.users)
        assert list(one.item_ids) == list(data.items)
        got = one.recommend(ASKED, turned, N=5, recalculate_user=True)
        np.testing.assert_array_equal(got[1], model.recommend(ASKED, data, N=5, recalculate_user=True)[1])


def test_ids_that_no_file_holds(tmp_path: Path) -> None:
    data = Interactions.from_sparse(DATA.user_items, [frozenset([u]) for u in range(USERS)], DATA.items)
    model = models.NeighbourAttention().fit(data)
    with pytest.warns(
        UserWarning, match="save: the file can not hold the user ids, which are neither numbers nor text"
    ):
        model.save(tmp_path / "m")
    assert models.load(tmp_path / "m").item_ids is None


def test_damaged_ids_are_refused(tmp_path: Path) -> None:
    models.NeighbourAttention().fit(DATA).save(tmp_path / "m")
    header, arrays = read_header(tmp_path / "m"), load_file(tmp_path / "m")
    text, ends = arrays["user ids.text"], arrays["user ids.ends"]
    for change in (
        {"user ids.text": text[:-1]},
        {"user ids.ends": ends[::-1].copy()},
        {"user ids.ends": ends[:-1]},
        {"user ids.text": np.full_like(text, 255)},
        {"user ids.text": np.full_like(text, ord("x")), "user ids.ends": np.arange(1, USERS + 1)},
        {"user ids.numbers": np.arange(3)},
    ):
        kind = "integers" if "user ids.numbers" in change else "texts"
        told = json.dumps(header | {"facts": header["facts"] | {"user ids": kind}})
        save_file({**arrays, **change}, tmp_path / "bad", metadata={"attnrec": told})
        with pytest.raises(ValueError, match="bad"):
            models.load(tmp_path / "bad")
