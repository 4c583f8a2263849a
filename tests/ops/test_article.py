"""The example that started the project, unchanged but for the import: five users, five items."""

from __future__ import annotations

import numpy as np
import pytest

import attnrec
from attnrec import attention_matrix, dot_product, predict_ratings

USER_FEATURES = np.array(
    [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]],
)
ITEM_FEATURES = np.identity(5)
RATINGS = np.array(
    [[4, 3, 2, 1, 0], [3, 2, 1, 0, 0], [2, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
)


def test_numbers_of_the_example() -> None:
    assert dot_product(USER_FEATURES[2], ITEM_FEATURES[1]) == 1.0
    attention = attention_matrix(USER_FEATURES, ITEM_FEATURES)
    predicted = predict_ratings(attention, RATINGS, USER_FEATURES, ITEM_FEATURES)
    np.testing.assert_allclose(attention[1], [0.322202, 0.322202, 0.118532, 0.118532, 0.118532], atol=5e-7)
    np.testing.assert_allclose(predicted[1], [2.611012, 1.729544, 0.966607, 0.322202, 0], atol=5e-7)
    np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-6)


def test_it_is_the_softmax_written_out() -> None:
    e = np.exp([[dot_product(u, v) for v in ITEM_FEATURES] for u in USER_FEATURES])
    want = e / e.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(attention_matrix(USER_FEATURES, ITEM_FEATURES), want, atol=1e-7)
    np.testing.assert_allclose(predict_ratings(want, RATINGS), want @ RATINGS, atol=1e-6)


def test_general_forms() -> None:
    """With 3 users and 4 items: attention of users over users, and of users over items."""
    users, items = USER_FEATURES[:3], ITEM_FEATURES[:4]
    ratings = RATINGS[:3, :4]
    over_users = attention_matrix(users, users)
    assert predict_ratings(over_users, ratings, users, users).shape == (3, 4)
    over_items = attention_matrix(users, items)
    assert predict_ratings(over_items, ratings.T, users, items).shape == (3, 3)
    with pytest.raises(ValueError, match=r"attention is over items: give ratings\.T"):
        predict_ratings(over_items, ratings, users, items)
    with pytest.raises(ValueError, match="users over users goes with ratings"):
        predict_ratings(attention_matrix(users, np.eye(5)), ratings)


def test_the_same_without_storing_attention() -> None:
    want = predict_ratings(attention_matrix(USER_FEATURES, ITEM_FEATURES), RATINGS)
    np.testing.assert_allclose(attnrec.attend(USER_FEATURES, ITEM_FEATURES, RATINGS), want, atol=1e-6)
