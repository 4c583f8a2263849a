"""Inputs for the training operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from inputs import SHAPES, Call, Case, normal, pattern


def targets(r: np.random.Generator, b: int, n: int, density: float, *, messy: bool = False) -> Any:
    """Weights of 0 or more; rows without targets among them."""
    x = pattern(r, b, n, density, messy=messy)
    x.data = np.abs(x.data)
    x.data[::7] = 0
    return x


def loss_call(r: np.random.Generator, b: int, n: int, d: int, density: float = 0.05, **options: Any) -> Call:
    return (normal(r, b, d), normal(r, n, d), targets(r, b, n, density)), options


def softmax_cross_entropy() -> Iterator[Case]:
    op = "softmax_cross_entropy"
    for b, n, d in SHAPES:
        if n > 20_000 and b > 1:  # the reference stores b x n
            continue
        for normalize in ("all", "unseen"):
            yield Case(
                op,
                f"{normalize}-{b}x{n}x{d}",
                lambda r, b=b, n=n, d=d, normalize=normalize: loss_call(r, b, n, d, scale=0.3, normalize=normalize),
            )
    options: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
        "plain": lambda r: {},
        "loss-alone": lambda r: {"grad": False},
        "bias": lambda r: {"item_bias": normal(r, 700), "scale": 0.2},
        "bias-unseen": lambda r: {"item_bias": normal(r, 700), "scale": 0.2, "normalize": "unseen"},
        "weights": lambda r: {"sample_weight": r.random(50)},
        "no-weight": lambda r: {"sample_weight": np.zeros(50)},
        "lse-weight": lambda r: {"lse_weight": 1.3},
        "lse-weight-unseen": lambda r: {"lse_weight": 0.7, "normalize": "unseen", "item_bias": normal(r, 700)},
        "lse-weight-zero": lambda r: {"lse_weight": 0.0},
        "negative-scale": lambda r: {"scale": -0.5},
        "sharp": lambda r: {"scale": 8.0},
        "sharp-unseen": lambda r: {"scale": 8.0, "normalize": "unseen"},
        "far-bias": lambda r: {"item_bias": 40 * normal(r, 700), "normalize": "unseen"},
        "eps": lambda r: {"eps": 1e-9, "scale": 3.0},
        "eps-unseen": lambda r: {"eps": 1e-9, "scale": 3.0, "normalize": "unseen"},
    }
    for name, make in options.items():
        yield Case(op, name, lambda r, make=make: loss_call(r, 50, 700, 20, **make(r)))
    yield Case(op, "messy", lambda r: ((normal(r, 30, 9), normal(r, 300, 9), targets(r, 30, 300, 0.1, messy=True)), {}))
    for name, density in (("no-targets", 0.0), ("all-targets", 1.1)):
        yield Case(op, name, lambda r, density=density: loss_call(r, 20, 130, 8, density, normalize="unseen"))
    yield Case(
        op, "one-a-row", lambda r: ((normal(r, 40, 12), normal(r, 990, 12), r.integers(0, 990, 40)), {"scale": 0.5})
    )
    for name, sign in (("one-popular-item", lambda x: x), ("one-popular-item-one-sign", np.abs)):
        yield Case(
            op,
            name,
            lambda r, sign=sign: (
                (sign(normal(r, 3000, 6)), normal(r, 40, 6), sp.csr_array(np.eye(1, 40, 3).repeat(3000, 0))),
                {},
            ),
        )


def adam_call(r: np.random.Generator, *shape: int, step: int = 3, **options: Any) -> Call:
    return (normal(r, *shape), normal(r, *shape), normal(r, *shape), normal(r, *shape) ** 2, step), options


def adam_step() -> Iterator[Case]:
    op = "adam_step"
    for n in (0, 1, 5, 200_000):
        yield Case(op, f"{n}", lambda r, n=n: adam_call(r, n))
    yield Case(op, "matrix", lambda r: adam_call(r, 70, 33, step=1, learning_rate=0.1))
    yield Case(op, "late", lambda r: adam_call(r, 70, 33, step=100_000, weight_decay=0.01, beta1=0.5, beta2=0.99))
    yield Case(op, "no-moments", lambda r: adam_call(r, 70, 33, beta1=0.0, beta2=0.0, eps=1e-4))
    yield Case(op, "large-eps", lambda r: adam_call(r, 70, 33, step=4, eps=0.3, learning_rate=0.1))
    yield Case(op, "no-rate", lambda r: adam_call(r, 70, learning_rate=0.0))

    def whole_numbers(r: np.random.Generator) -> Call:
        (x, _, *rest), options = adam_call(r, 9, 5)
        return (x, r.integers(-3, 3, (9, 5)), *rest), options

    yield Case(op, "gradient-of-integers", whole_numbers)
