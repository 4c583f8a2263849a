"""Inputs with sums of many terms: few rows, and terms that are all rounded the same way among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from inputs import Case, integers, normal, pattern


def equal(n_rows: int, n: int) -> np.ndarray:
    """Rows of length 1 whose terms are all alike."""
    return np.full((n_rows, n), 1 / np.sqrt(n), np.float32)


def crowded(r: np.random.Generator, n: int, m: int) -> Any:
    """(n, m) whose first column is in every row and whose last is in every second; 0.1 where a column is full."""
    full, half = np.full((n, 1), 0.1, np.float32), np.tile(np.float32([[0.3], [0]]), (n // 2, 1))
    return sp.csr_array(sp.hstack([full, pattern(r, n, m - 2, 2 / m), sp.csr_array(half)]), dtype=np.float32)


def _products() -> Iterator[Case]:
    for d in (513, 576, 1100, 10_000):
        for kind, make in (("normal", normal), ("equal", lambda r, b, d: equal(b, d))):
            for b in (1, 5):
                yield Case(
                    "similarity",
                    f"long-{kind}-{b}x{d}",
                    lambda r, b=b, d=d, make=make: ((make(r, b, d), make(r, 14, d)), {}),
                )
            yield Case(
                "score_pairs",
                f"long-{kind}-{d}",
                lambda r, d=d, make=make: (
                    (make(r, 5, d), make(r, 7, d), r.integers(0, 5, 40), r.integers(0, 7, 40)),
                    {},
                ),
            )
    for d in (1000, 172_000, 1_000_000):
        yield Case("similarity", f"long-one-row-{d}", lambda r, d=d: ((equal(1, d), equal(2, d)), {}))
        if d == 1000:  # NumPy's own is right to the last bit
            continue
        yield Case("dot_product", f"long-{d}", lambda r, d=d: ((equal(1, d)[0], equal(1, d)[0]), {}))
    yield Case(
        "similarity", "long-cosine", lambda r: ((normal(r, 3, 20_000), normal(r, 13, 20_000)), {"metric": "cosine"})
    )
    for name, x in (
        ("sparse", lambda r, n: pattern(r, n, 40_000, 0.3)),
        ("ones", lambda r, n: sp.csr_array(np.ones((n, 9000)))),
    ):
        for b in (1, 3):
            yield Case(
                "similarity",
                f"long-{name}-{b}",
                lambda r, b=b, x=x: ((x(r, b), x(r, 7)), {"metric": "cosine", "scale": 3.0}),
            )
    yield Case("similarity", "long-integers", lambda r: ((integers(r, 3, 5000), integers(r, 14, 5000)), {}), exact=True)
    for b in (1, 40):
        for precision in ("float32", "int8"):
            options: dict[str, Any] = {"weights": False, "precision": precision}
            yield Case(
                "topk", f"long-{precision}-{b}",
                lambda r, b=b, o=options: ((normal(r, b, 700), normal(r, 1300, 700), 9), o),
            )  # fmt: skip
    yield Case(
        "topk",
        "long-integers",
        lambda r: ((integers(r, 5, 1500), integers(r, 990, 1500), 9), {"scale": 2.0**-6}),
        exact=True,
    )
    yield Case(
        "topk",
        "long-include",
        lambda r: ((normal(r, 5, 900), normal(r, 99, 900), 9), {"include": pattern(r, 5, 99, 0.5)}),
    )
    for d in (10_000, 100_000):
        yield Case(
            "sampled_product", f"long-{d}", lambda r, d=d: ((equal(3, d), equal(9, d), pattern(r, 3, 9, 0.5)), {})
        )


def _values() -> Iterator[Case]:
    weights: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
        "random": lambda r, b, n: r.random((b, n), np.float32),
        "equal": lambda r, b, n: np.full((b, n), 0.7, np.float32),
    }
    for kind, make in weights.items():
        for b in (1, 3, 100):
            n = 60_000 if b == 1 else 8000
            yield Case(
                "predict_ratings",
                f"long-{kind}-{b}",
                lambda r, b=b, n=n, make=make: ((make(r, b, n), 1 + normal(r, n, 3)), {}),
            )
            yield Case(
                "predict_ratings",
                f"long-csr-{kind}-{b}",
                lambda r, b=b, n=n, make=make: ((make(r, b, n), crowded(r, n, 30)), {}),
            )
    for b in (1, 3, 100):
        yield Case(
            "attend",
            f"long-{b}",
            lambda r, b=b: (
                (normal(r, b, 4) * 0.1, normal(r, 20_000, 4), 1 + normal(r, 20_000, 3)),
                {"return_lse": True},
            ),
        )
        yield Case(
            "attend",
            f"long-csr-values-{b}",
            lambda r, b=b: ((normal(r, b, 4) * 0, normal(r, 20_000, 4), crowded(r, 20_000, 9)), {}),
        )
    # the shift moves after much was added up
    yield Case(
        "attend",
        "long-climbing",
        lambda r: ((np.ones((18, 1)), np.repeat([0.0, 40.0], 25_000)[:, None], normal(r, 50_000, 2)), {}),
    )
    for kind in ("dense", "csr"):
        values = {"dense": lambda r, n: 1 + normal(r, n, 5), "csr": lambda r, n: crowded(r, n, 20)}[kind]
        yield Case(
            "attend",
            f"long-include-{kind}",
            lambda r, values=values: (
                (np.zeros((3, 2)), normal(r, 9000, 2), values(r, 9000)),
                {"include": sp.csr_array(np.ones((3, 9000)))},
            ),
        )
    # one item that all have, and whose gradient all their vectors make
    yield Case(
        "softmax_cross_entropy",
        "long-popular",
        lambda r: (
            (1 + 0.1 * normal(r, 30_000, 3), normal(r, 5, 3), sp.csr_array(np.eye(1, 5, 3).repeat(30_000, 0))),
            {"scale": 0.1, "item_bias": normal(r, 5)},
        ),
    )


def long_sums(op: str) -> list[Case]:
    """Those of one operation."""
    return [case for case in (*_products(), *_values()) if case.op == op]
