"""Features beside Interactions in fit: joined by id in whatever order, with what is missing and left out counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnrec.data import Interactions
from attnrec.features import FeatureEncoder, matrix
from attnrec.models import ContentBridge, KernelAttentionRecommender, SoftmaxRecommender
from estimators import ESTIMATORS, assert_same_bits
from named_data import DATA, FILMS, ITEMS, USERS, WITH, films, fitted, people

TAKERS = [name for name, sides in WITH.items() if sides]


def test_every_estimator_with_features_is_here() -> None:
    takes = {e.__name__ for e in ESTIMATORS if e.accepted_inputs & {"item_features", "user_features"}}
    assert takes == {type(fitted(name)).__name__ for name in TAKERS}


def test_a_table_in_another_order_but_of_equal_length() -> None:
    data = Interactions.from_arrays(["ann", "bob", "cid", "ann"], ["tea", "rum", "ale", "ale"])
    table = {"item": ["tea", "ale", "rum"], "kind": ["hot", "cold", "strong"]}
    features = FeatureEncoder(categories="kind", id="item").fit_transform(table)
    model = KernelAttentionRecommender(based_on="items").fit(data, item_features=features)
    told = [features.names[c] for c in np.argmax(model._fitted().items.content.toarray(), axis=1)]
    assert dict(zip(data.items, told, strict=True)) == {"ale": "kind=cold", "rum": "kind=strong", "tea": "kind=hot"}
    report = model.alignment_["item_features"]
    assert (report.by, report.matched, report.missing, report.left_out) == ("id", 3, 0, 0)


@pytest.mark.parametrize("name", TAKERS)
@settings(max_examples=8)
@given(items=st.permutations(range(ITEMS)), users=st.permutations(range(USERS)))
def test_any_order_of_a_table_gives_the_same_bits(name: str, items: list[int], users: list[int]) -> None:
    sides = {"item_features": films(items), "user_features": people(users)}
    assert_same_bits(fitted(name, **{side: sides[side] for side in WITH[name]}), fitted(name))


@pytest.mark.parametrize("name", TAKERS)
@settings(max_examples=5)
@given(rows=st.permutations(range(ITEMS)), kept=st.integers(3, ITEMS - 1))
def test_what_has_no_row_has_no_content(name: str, rows: list[int], kept: int) -> None:
    part = rows[:kept]
    with pytest.warns(
        UserWarning, match=f"item_features: {ITEMS - kept} of {ITEMS} items have no row, such as 'i"
    ) as told:
        model = fitted(name, item_features=films(part))
    assert len(told) == 1
    assert told[0].filename == fitted.__code__.co_filename  # the line that called the package
    report = model.alignment_["item_features"]
    assert (report.matched, report.missing) == (kept, ITEMS - kept)
    assert set(report.missing_ids) <= {FILMS["film"][row] for row in rows[kept:]}
    by_hand = replace(films(part).align(DATA.items, unknown="ignore"), ids=None)
    assert_same_bits(model, fitted(name, item_features=by_hand))


def test_rows_of_others_are_left_out_and_counted() -> None:
    half = DATA.select(DATA.user_items.indices % 2 == 0)
    known = np.unique(half.user_items.indices)
    data = Interactions.from_sparse(half.user_items[:, known], DATA.users, DATA.items.names(known))
    model = fitted("kernel", data)
    report = model.alignment_["item_features"]
    assert (report.matched, report.missing, report.left_out) == (len(known), 0, ITEMS - len(known))
    assert not set(report.left_out_ids) & set(data.items)
    assert str(report).startswith(f"{len(known)} of {len(known)} items have a row, by id; ")


@pytest.mark.parametrize("name", TAKERS)
def test_no_id_in_common_is_an_error_that_names_types(name: str) -> None:
    table = FILMS | {"film": list(range(ITEMS))}
    features = FeatureEncoder(categories="genre", numbers="year", id="film").fit_transform(table)
    with pytest.raises(ValueError, match=r"item_features: none of its ids .* int where those of the items are str"):
        fitted(name, item_features=features)
    model = fitted(name, item_features=features.matrix)  # the fix that the message names: a matrix
    assert model.alignment_["item_features"].by == "position"


def test_by_number_where_one_side_has_no_ids() -> None:
    turned = films(range(ITEMS)[::-1])
    plain = KernelAttentionRecommender(based_on="items").fit(DATA.user_items, item_features=turned)
    assert_same_bits(
        plain, KernelAttentionRecommender(based_on="items").fit(DATA, item_features=replace(turned, ids=None))
    )
    assert plain.alignment_["item_features"].by == "position"
    assert plain.user_ids is None
    no_ids = FeatureEncoder(categories="genre", numbers="year", id=False).fit_transform(FILMS)
    assert fitted("kernel", item_features=no_ids).alignment_["item_features"].by == "position"


def test_nothing_is_copied_where_the_order_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"item_features": films(films().ids.positions(DATA.items))}
    order["user_features"] = people(people().ids.positions(DATA.users))
    want = fitted("softmax")
    monkeypatch.setattr(matrix, "_picked", None)  # would be called
    assert_same_bits(fitted("softmax", **order), want)


def test_the_ids_go_with_the_next_fit() -> None:
    model = fitted("kernel")
    assert model.item_ids is DATA.items
    model.fit(DATA.user_items)
    assert model.item_ids is None
    assert model.alignment_ == {}


def test_vectors_of_a_bridge_are_named_by_ids() -> None:
    vectors = fitted("softmax").item_vectors
    want = ContentBridge().fit(vectors, item_features=films().align(DATA.items), show_progress=False)
    for ids in (DATA.items, list(DATA.items)):
        bridge = ContentBridge().fit(vectors, item_features=films(range(ITEMS)[::-1]), ids=ids, show_progress=False)
        np.testing.assert_array_equal(bridge.transform(films()), want.transform(films()))
        assert bridge.alignment_["item_features"].by == "id"
    with pytest.warns(UserWarning, match="2 of 12 items have no row"):
        part = ContentBridge().fit(vectors, item_features=films(range(10)), ids=DATA.items, show_progress=False)
    assert len(part._fitted().items) == 10
    with pytest.raises(ValueError, match="ids has 3 entries for 12 rows of item_vectors"):
        ContentBridge().fit(vectors, item_features=films(), ids=[1, 2, 3])


def test_weights_that_are_interactions_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="sample_weight is Interactions, not numbers: give a vector"):
        SoftmaxRecommender(epochs=1).fit(DATA, sample_weight=DATA, show_progress=False)
