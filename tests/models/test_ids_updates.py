"""Updates with ids: rows of fitted users and items in any order, new ones who keep their ids, and rows without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec import models
from attnrec.data import Interactions
from attnrec.features import FeatureEncoder
from estimators import assert_same_bits
from named_data import DATA, FILMS, ITEMS, MAKE, USERS, WITH, films, fitted, people, shuffled, some

NAMES = list(MAKE)
NEW = Interactions.from_arrays(list("zzyyx"), ["i3", "i1", "i1", "i7", "i2"], [5, 4, 3, 2, 1])  # x, y, z


def frame(model: Any) -> Any:
    """Histories by outside ids, sorted."""
    coo = model.user_items.tocoo()
    return sorted(zip(model.user_ids.names(coo.row), model.item_ids.names(coo.col), coo.data.tolist(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_fitted_users_in_any_order(name: str) -> None:
    other = Interactions.from_sparse(DATA.user_items[[3, 5, 8]], DATA.users.names([8, 3, 5]), DATA.items)
    want = fitted(name).partial_fit_users([8, 3, 5], DATA.user_items[[3, 5, 8]])
    for users, items in (([0, 1, 2], range(ITEMS)), ([2, 0, 1], np.arange(ITEMS)[::-1])):
        model = fitted(name).partial_fit_users([3, 5, 8], shuffled(other, users, items))
        assert_same_bits(model, want)
        assert model.user_ids is DATA.users
        assert model.alignment_["user_items"].matched == 3
    whole = fitted(name).partial_fit_users([8], other)
    assert whole.alignment_["user_items"].left_out == 2
    assert_same_bits(whole, fitted(name).partial_fit_users([8], DATA.user_items[[3]]))


@pytest.mark.parametrize("name", NAMES)
def test_new_users_keep_their_ids(name: str, tmp_path: Path) -> None:
    fresh = np.arange(USERS, USERS + 3)
    rows = sp.csr_array((3, ITEMS), dtype=np.float32).tolil()
    place = DATA.items.positions(NEW.items)
    rows[:, place] = NEW.user_items.toarray()
    want = fitted(name).partial_fit_users(fresh, rows.tocsr())
    model = fitted(name).partial_fit_users(fresh, NEW)
    assert_same_bits(model, want)
    assert list(model.user_ids)[USERS:] == ["x", "y", "z"]
    model.save(tmp_path / "m")
    for one in (model, models.load(tmp_path / "m")):
        turned = shuffled(NEW, [2, 0, 1], [3, 1, 0, 2])
        got = one.recommend([USERS + 1, USERS], turned, N=4, recalculate_user=True)
        np.testing.assert_array_equal(
            got[1], model.recommend(fresh[[1, 0]], rows.tocsr()[[1, 0]], N=4, recalculate_user=True)[1]
        )
    again = fitted(name).partial_fit_users(
        [2, USERS], Interactions.from_arrays(["w", DATA.users[2]], ["i1", "i4"], [3, 2])
    )
    assert [row for row in frame(again) if row[0] in ("w", DATA.users[2])] == sorted(
        [("w", "i1", 3.0), (DATA.users[2], "i4", 2.0)]
    )


def test_new_rows_that_are_not_as_many_as_their_numbers() -> None:
    model = fitted("neighbours")
    with pytest.raises(
        ValueError, match=r"user_items has 3 ids that the model does not know, such as 'x'; userids names 2 users"
    ):
        model.partial_fit_users([USERS, USERS + 1], NEW)
    with pytest.raises(ValueError, match=r"user_items has 0 ids .*: all are of users that it has"):
        model.partial_fit_users([USERS], shuffled(DATA, [0], range(ITEMS)))
    with pytest.raises(ValueError, match=r"user_items: none of its ids is one of the users"):
        model.partial_fit_users([0], NEW)
    assert model.n_users == USERS
    assert model.user_ids is DATA.users


@pytest.mark.parametrize("name", [name for name in NAMES if name in WITH and "item_features" in WITH[name]])
def test_cold_items_come_by_id(name: str) -> None:
    whole = FILMS | {"film": [*FILMS["film"][:10], "new", "newer"]}
    features = encoded(whole)
    want = fitted(name).partial_fit_items([ITEMS, ITEMS + 1], item_features=features.matrix[[10, 11]])
    for rows in ([10, 11], range(ITEMS), [3, 10, 0, 11]):
        model = fitted(name).partial_fit_items([ITEMS, ITEMS + 1], item_features=features[list(rows)])
        assert_same_bits(model, want)
        assert list(model.item_ids)[ITEMS:] == ["new", "newer"]
        assert model.alignment_["item_features"].left_out == len(rows) - 2
    raw = fitted(name).partial_fit_items([ITEMS, ITEMS + 1], item_features=some(whole, [10, 11]))
    assert_same_bits(raw, want)
    assert list(raw.item_ids)[ITEMS:] == ["new", "newer"]
    quiet = some(whole, [10, 11]) | {"film": [None, None]}
    assert_same_bits(fitted(name).partial_fit_items([ITEMS, ITEMS + 1], item_features=quiet), want)
    changed = fitted(name).partial_fit_items([2, 0], item_features=films([11, *range(11)]))
    place = films().ids.positions(DATA.items.names([2, 0]))
    assert_same_bits(changed, fitted(name).partial_fit_items([2, 0], item_features=films(place).matrix))


def encoded(table: Any) -> Any:
    return FeatureEncoder(categories="genre", numbers="year", id="film").fit(FILMS).transform(table)


@pytest.mark.parametrize("name", NAMES)
def test_interactions_are_turned_for_items(name: str) -> None:
    who = Interactions.from_arrays(["u3", "u9", "u3"], ["new", "new", "i5"], [4, 2, 3])
    rows = np.zeros((2, USERS), np.float32)
    rows[0, DATA.users.position("u3")], rows[1, DATA.users.position("u3")], rows[1, DATA.users.position("u9")] = 3, 4, 2
    at = [DATA.items.position("i5"), ITEMS]
    want = fitted(name).partial_fit_items(at, sp.csr_array(rows))
    model = fitted(name).partial_fit_items(at[::-1], who)
    assert_same_bits(model, want)
    assert model.item_ids[ITEMS] == "new"


def test_features_and_histories_of_new_users_go_together() -> None:
    table = {"who": ["y", "u4", "x"], "town": ["P", "Q", "R"]}
    for name in ("softmax", "ratings"):
        two = shuffled(NEW, [0, 1], range(4))
        model = fitted(name).partial_fit_users([USERS, USERS + 1], two, user_features=table)
        towns = {"town": ["R", "P"]}
        assert_same_bits(model, fitted(name).partial_fit_users([USERS, USERS + 1], two, user_features=towns))
        plain = fitted(name, DATA.user_items, user_features=people(people().ids.positions(DATA.users)))
        rows = two.user_items[:, [0, 1, 2, 3] * 3]
        wide = Interactions.from_sparse(rows, two.users, [f"any {i}" for i in range(ITEMS)])  # columns by number
        got = plain.partial_fit_users([USERS, USERS + 1], wide, user_features=table)
        plain = fitted(name, DATA.user_items, user_features=people(people().ids.positions(DATA.users)))
        assert_same_bits(got, plain.partial_fit_users([USERS, USERS + 1], rows, user_features=towns))


def test_rows_without_ids_have_none_from_then_on(tmp_path: Path) -> None:
    model = fitted("neighbours").partial_fit_users([USERS], DATA.user_items[[2]])
    assert repr(model.user_ids[USERS]) == f"<row {USERS}, without an id>"
    assert list(model.user_ids)[:USERS] == list(DATA.users)
    model.save(tmp_path / "m")
    for one in (model, models.load(tmp_path / "m")):
        want = one.recommend([4], DATA, N=4, recalculate_user=True)
        assert np.isfinite(want[1]).all()
        with pytest.raises(ValueError, match="the model knows no id of 1 of them"):
            one.recommend([USERS], DATA, recalculate_user=True)
        alone = shuffled(NEW, [1], range(4))
        assert one.recommend([USERS], alone, N=4, recalculate_user=True)[0].shape == (1, 4)
    model.partial_fit_users([USERS], shuffled(NEW, [1], range(4)))
    assert model.user_ids[USERS] == "y"
    items = fitted("kernel").partial_fit_items([ITEMS], item_vectors=np.ones((1, ITEMS), np.float32))
    assert repr(items.item_ids[ITEMS]) == f"<row {ITEMS}, without an id>"
    numbers = Interactions.from_sparse(DATA.user_items)
    grown = models.NeighbourAttention().fit(numbers)
    grown.partial_fit_users([USERS], Interactions.from_arrays([99], [3], [2]))
    assert grown.user_ids.to_numpy().dtype == np.int64
    assert grown.user_ids[USERS] == 99


def test_a_failed_update_leaves_the_ids() -> None:
    model = fitted("softmax")
    with pytest.raises(ValueError, match=r"modalities|columns"):
        model.partial_fit_users([USERS], user_features=films([0]))
    assert model.user_ids is DATA.users
    assert people().ids is not None
