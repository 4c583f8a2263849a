"""Every estimator of ``attnrec.models``, histories to try it on, and how answers are compared. Holds no test."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from attnrec import config, models

__all__ = ["ESTIMATORS", "ITEMS", "KINDS", "USERS", "answers", "assert_same", "assert_same_bits", "made"]

ESTIMATORS = [
    value
    for name in models.__all__
    if inspect.isclass(value := getattr(models, name))
    and issubclass(value, models.Recommender)
    and value is not models.Recommender
]
KINDS = ("explicit", "implicit")
USERS, ITEMS = 40, 25


def made(kind: str, seed: int = 0) -> csr_array:
    """Random histories: user 3 has none, nobody has item 7."""
    rng = np.random.default_rng(seed)
    mask = rng.random((USERS, ITEMS)) < 0.3
    mask[3], mask[:, 7] = False, False
    mask[0, 0] = mask[1, 1] = True
    values = rng.integers(1, 6, (USERS, ITEMS)) if kind == "explicit" else np.ones((USERS, ITEMS))
    return csr_array(np.where(mask, values, 0).astype(np.float32))


def answers(model: models.Recommender) -> list[np.ndarray]:
    n_users, n_items = model.n_users, model.n_items
    users, items = np.arange(n_users), np.arange(n_items)
    return [
        *model.recommend(users, N=8, return_weights=True),
        model.predict(np.repeat(users, n_items), np.tile(items, n_users)),
        *model.similar_items(items, N=5),
        *model.similar_users(users, N=5),
    ]


def assert_same(got: Any, want: Any) -> None:
    """The same bits from compiled kernels whatever the batch; NumPy's matrix products depend on it in the last bit."""
    if config.backend() == "compiled" or np.asarray(want).dtype.kind == "i":
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got, want, rtol=3e-6, atol=1e-7)


def assert_same_bits(got: models.Recommender, want: models.Recommender) -> None:
    for a, b in zip(answers(got), answers(want), strict=True):
        np.testing.assert_array_equal(a, b)
