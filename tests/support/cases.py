"""Inputs for every operation: valid and large. The oracle and the benchmarks all read them here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from cases_long import long_sums
from cases_train import adam_call, adam_step, loss_call, softmax_cross_entropy
from inputs import SHAPES, Call, Case, integers, normal, over_shapes, pattern


def _similarity() -> Iterator[Case]:
    op = "similarity"
    yield from over_shapes(op, lambda r, b, n, d: ((normal(r, b, d), normal(r, n, d)), {"scale": 0.5}))
    yield Case(op, "cosine", lambda r: ((normal(r, 9, 20), normal(r, 130, 20)), {"metric": "cosine"}))
    yield Case(
        op,
        "cosine-zero-rows",
        lambda r: ((normal(r, 5, 6) * [[0], [1], [0], [1], [1]], np.zeros((4, 6))), {"metric": "cosine"}),
    )
    yield Case(op, "cosine-tiny", lambda r: ((normal(r, 5, 6) * 1e-25, normal(r, 8, 6) * 1e15), {"metric": "cosine"}))
    yield Case(op, "csr-cosine", lambda r: ((pattern(r, 9, 40, messy=True), pattern(r, 70, 40)), {"metric": "cosine"}))
    yield Case(op, "one-query", lambda r: ((normal(r, 7), normal(r, 30, 7)), {}))
    yield Case(op, "integers", lambda r: ((integers(r, 9, 7), integers(r, 30, 7)), {}), exact=True)


def _attention_matrix() -> Iterator[Case]:
    op = "attention_matrix"
    yield from over_shapes(op, lambda r, b, n, d: ((normal(r, b, d), normal(r, n, d)), {"scale": 0.3}))
    yield Case(op, "cosine", lambda r: ((normal(r, 9, 20), normal(r, 130, 20)), {"metric": "cosine", "scale": 5.0}))
    yield Case(op, "sharp", lambda r: ((normal(r, 9, 20), normal(r, 2500, 20)), {"scale": 20.0}))
    yield Case(
        op, "exclude", lambda r: ((normal(r, 9, 20), normal(r, 2500, 20)), {"exclude": pattern(r, 9, 2500, 0.5)})
    )
    yield Case(
        op,
        "exclude-messy",
        lambda r: ((normal(r, 9, 20), normal(r, 130, 20)), {"exclude": pattern(r, 9, 130, 0.3, messy=True)}),
    )
    yield Case(
        op, "exclude-all", lambda r: ((normal(r, 3, 4), normal(r, 100, 4)), {"exclude": pattern(r, 3, 100, 1.1)})
    )
    yield Case(op, "one-user", lambda r: ((normal(r, 7), normal(r, 30, 7)), {}))


def _predict_ratings() -> Iterator[Case]:
    op = "predict_ratings"
    yield from over_shapes(op, lambda r, b, n, d: ((r.random((b, n), np.float32), normal(r, n, d)), {}))
    yield Case(op, "csr", lambda r: ((r.random((20, 300), np.float32), pattern(r, 300, 50, messy=True)), {}))
    yield Case(op, "wide", lambda r: ((r.random((130, 500), np.float32), normal(r, 500, 301)), {}))
    yield Case(op, "one-row", lambda r: ((r.random(30, np.float32), normal(r, 30, 4)), {}))
    yield Case(
        op,
        "features",
        lambda r: ((r.random((6, 9), np.float32), normal(r, 9, 4), normal(r, 6, 3), normal(r, 9, 3)), {}),
    )


def _attend() -> Iterator[Case]:
    op = "attend"
    yield from over_shapes(
        op, lambda r, b, n, d: ((normal(r, b, d), normal(r, n, d), normal(r, n, d + 3)), {"scale": 0.3})
    )
    for m in (1, 2, 3, 5, 6, 7, 12, 13, 100):
        yield Case(op, f"width-{m}", lambda r, m=m: ((normal(r, 18, 8), normal(r, 200, 8), normal(r, 200, m)), {}))

    # wide enough, and enough queries, for values to be packed
    yield Case(op, "width-301", lambda r: ((normal(r, 130, 8), normal(r, 300, 8), normal(r, 300, 301)), {}))

    def large(r: np.random.Generator, **options: Any) -> Call:
        return (normal(r, 19, 16), normal(r, 3000, 16), normal(r, 3000, 10)), options

    # logits grow along the items, so the shift has to move
    yield Case(
        op,
        "climbing",
        lambda r: ((np.ones((18, 1)), np.linspace(-300, 300, 2500)[:, None], normal(r, 2500, 5)), {}),
    )
    yield Case(
        op,
        "falling",
        lambda r: ((np.ones((18, 1)), np.linspace(300, -300, 2500)[:, None], normal(r, 2500, 5)), {}),
    )
    yield Case(op, "sharp", lambda r: large(r, scale=30.0))
    yield Case(op, "negative-scale", lambda r: large(r, scale=-1.0))
    yield Case(op, "lse", lambda r: large(r, scale=0.5, return_lse=True))
    yield Case(op, "exclude", lambda r: large(r, exclude=pattern(r, 19, 3000, 0.5, messy=True)))
    yield Case(op, "exclude-all", lambda r: large(r, exclude=pattern(r, 19, 3000, 1.1), return_lse=True))
    yield Case(op, "include", lambda r: large(r, include=pattern(r, 19, 3000, 0.02, messy=True), return_lse=True))
    yield Case(op, "include-none", lambda r: large(r, include=pattern(r, 19, 3000, 0.0), return_lse=True))
    yield Case(
        op,
        "include-and-exclude",
        lambda r: large(r, include=pattern(r, 19, 3000, 0.1), exclude=pattern(r, 19, 3000, 0.5)),
    )
    yield Case(
        op, "csr-values", lambda r: ((normal(r, 19, 16), normal(r, 3000, 16), pattern(r, 3000, 40, messy=True)), {})
    )
    # by column, with a last group of one query and of half a group; and too few entries for that
    for b, m, per_row in ((97, 300, 9), (102, 9000, 9), (97, 9000, 0.4)):
        yield Case(
            op,
            f"csr-values-{m}-wide-{per_row}-a-row",
            lambda r, b=b, m=m, per_row=per_row: (
                (normal(r, b, 16), normal(r, 2000, 16), pattern(r, 2000, m, per_row / m, messy=True)),
                {},
            ),
        )
    yield Case(
        op,
        "csr-values-include",
        lambda r: (
            (normal(r, 9, 16), normal(r, 300, 16), pattern(r, 300, 40)),
            {"include": pattern(r, 9, 300, 0.2)},
        ),
    )
    yield Case(
        op,
        "csr-everything",
        lambda r: (
            (pattern(r, 19, 50, messy=True), pattern(r, 3000, 50, messy=True), pattern(r, 3000, 40)),
            {"exclude": pattern(r, 19, 3000)},
        ),
    )
    yield Case(op, "one-query", lambda r: ((normal(r, 7), normal(r, 30, 7), normal(r, 30, 2)), {"return_lse": True}))


def _topk() -> Iterator[Case]:
    op = "topk"

    def over(make: Callable[..., np.ndarray], exact: bool) -> Iterator[Case]:
        kind = "integers" if exact else "normal"
        for b, n, d in SHAPES:
            for k in (1, 10, 100):
                yield Case(
                    op,
                    f"{kind}-{b}x{n}x{d}-k{k}",
                    lambda r, b=b, n=n, d=d, k=k: ((make(r, b, d), make(r, n, d), k), {"scale": 0.5}),
                    exact=exact,
                )

    yield from over(normal, exact=False)
    yield from over(integers, exact=True)

    def large(r: np.random.Generator, **options: Any) -> Call:
        return (integers(r, 19, 6), integers(r, 3000, 6), options.pop("k", 7)), options

    options: dict[str, Callable[[np.random.Generator], dict[str, Any]]] = {
        "no-weights": lambda r: {"weights": False},
        "bias": lambda r: {"item_bias": integers(r, 3000), "scale": 2.0},
        "negative-scale": lambda r: {"scale": -1.0},
        "zero-scale": lambda r: {"scale": 0.0},
        "sharp": lambda r: {"scale": 32.0},
        "exclude": lambda r: {"exclude": pattern(r, 19, 3000, 0.5, messy=True)},
        "exclude-unseen": lambda r: {"exclude": pattern(r, 19, 3000, 0.5), "normalize": "unseen"},
        "exclude-no-weights": lambda r: {"exclude": pattern(r, 19, 3000, 0.5), "weights": False},
        "exclude-all": lambda r: {"exclude": pattern(r, 19, 3000, 1.1), "normalize": "unseen"},
        "exclude-nearly-all": lambda r: {"exclude": pattern(r, 19, 3000, 0.999)},
        "filter": lambda r: {"filter_items": np.arange(0, 3000, 3)},
        "filter-unseen": lambda r: {"filter_items": np.arange(2999, 0, -3), "normalize": "unseen"},
        "filter-mask": lambda r: {"filter_items": np.arange(3000) % 3 > 0},
        "items": lambda r: {"items": r.integers(0, 3000, 700)},
        "items-none": lambda r: {"items": np.array([], dtype=np.int64)},
        "items-mask": lambda r: {"items": np.arange(3000) % 5 == 0},
        "items-exclude-filter": lambda r: {
            "items": np.arange(0, 3000, 2),
            "filter_items": np.arange(0, 3000, 3),
            "exclude": pattern(r, 19, 3000, 0.3),
            "normalize": "unseen",
            "item_bias": integers(r, 3000),
        },
        "items-exclude-all": lambda r: {"items": np.arange(1, 3000, 2), "exclude": pattern(r, 19, 3000, 0.3)},
        "include": lambda r: {"include": pattern(r, 19, 3000, 0.02, messy=True)},
        "include-few": lambda r: {"include": pattern(r, 19, 3000, 0.001)},
        "include-everything": lambda r: {
            "include": pattern(r, 19, 3000, 0.2),
            "exclude": pattern(r, 19, 3000, 0.3),
            "filter_items": np.arange(0, 3000, 3),
            "items": np.arange(0, 3000, 2),
            "item_bias": integers(r, 3000),
            "normalize": "unseen",
            "k": 40,
        },
        "include-hidden-counts": lambda r: {"include": pattern(r, 19, 3000, 0.1), "exclude": pattern(r, 19, 3000, 0.3)},
        "k-is-n": lambda r: {"k": 3000},
        "k-past-n": lambda r: {"k": 3010},
    }
    for name, make in options.items():
        yield Case(op, name, lambda r, make=make: large(r, **make(r)), exact=True)
    no_weights: dict[str, Any] = {"weights": False, "precision": "int8"}
    for name in ("bias", "negative-scale", "zero-scale", "exclude-no-weights", "filter", "items", "k-past-n"):
        make = options[name]
        yield Case(op, f"int8-{name}", lambda r, make=make: large(r, **{**make(r), **no_weights}), exact=True)
    for b, n, d in SHAPES:
        if n < 959:
            continue
        for k in (1, 10, 100):
            yield Case(
                op,
                f"int8-{b}x{n}x{d}-k{k}",
                lambda r, b=b, n=n, d=d, k=k: ((normal(r, b, d), normal(r, n, d), k), no_weights),
            )
    yield Case(op, "all-equal", lambda r: ((np.ones((20, 3)), np.ones((2500, 3)), 12), {}), exact=True)
    yield Case(
        op,
        "climbing",
        lambda r: ((np.ones((18, 1)), np.linspace(-300, 300, 2500).round()[:, None], 12), {}),
        exact=True,
    )
    yield Case(op, "signed-zeros", lambda r: ((np.ones((3, 1)), np.tile([[0.0], [-0.0]], (50, 1)), 60), {}), exact=True)
    yield Case(
        op,
        "csr",
        lambda r: (
            (sp.csr_array(integers(r, 19, 30)), sp.csr_array(integers(r, 3000, 30)), 9),
            {"items": np.arange(0, 3000, 2)},
        ),
        exact=True,
    )
    yield Case(
        op,
        "csr-bias",
        lambda r: (
            (sp.csr_array(integers(r, 19, 30)), sp.csr_array(integers(r, 1500, 30)), 9),
            {"item_bias": integers(r, 1500), "scale": 2.0},
        ),
        exact=True,
    )
    yield Case(op, "one-query", lambda r: ((integers(r, 7), integers(r, 30, 7), 4), {}), exact=True)


def _score_pairs() -> Iterator[Case]:
    op = "score_pairs"
    for b, n, d, p in [(1, 1, 1, 1), (3, 4, 5, 0), (20, 30, 64, 33), (200, 300, 17, 9000), (4, 4, 0, 5)]:
        yield Case(
            op,
            f"{p}-pairs-{d}",
            lambda r, b=b, n=n, d=d, p=p: (
                (normal(r, b, d), normal(r, n, d), r.integers(0, b, p), r.integers(0, n, p)),
                {},
            ),
        )
    yield Case(op, "csr", lambda r: ((pattern(r, 9, 40, messy=True), pattern(r, 70, 40), [0, 8], [69, 3]), {}))


def _sampled_product() -> Iterator[Case]:
    op = "sampled_product"
    shapes = [
        (0, 5, 3), (3, 0, 4), (2, 6, 0), (1, 1, 1), (7, 12, 15), (9, 130, 16), (40, 127, 17), (33, 257, 511),
        (50, 128, 512), (20, 300, 513), (300, 400, 1100), (700, 900, 600),
    ]  # fmt: skip
    for b, n, d in shapes:
        yield Case(
            op, f"{b}x{n}x{d}", lambda r, b=b, n=n, d=d: ((normal(r, b, d), normal(r, n, d), pattern(r, b, n)), {})
        )
    yield Case(op, "many-rows", lambda r: ((normal(r, 17000, 5), normal(r, 9, 5), pattern(r, 17000, 9, 0.02)), {}))
    yield Case(op, "messy", lambda r: ((normal(r, 30, 40), normal(r, 300, 40), pattern(r, 30, 300, messy=True)), {}))
    yield Case(op, "integers", lambda r: ((integers(r, 9, 700), integers(r, 300, 700), pattern(r, 9, 300)), {}), True)


def _dot_product() -> Iterator[Case]:
    op = "dot_product"
    for d in (0, 1, 7, 1000):
        yield Case(op, f"{d}", lambda r, d=d: ((normal(r, d), normal(r, d)), {}))
    yield Case(op, "integers", lambda r: (([1, 2, 3], [4, 5, 6]), {}), exact=True)


CASES: dict[str, list[Case]] = {
    "adam_step": list(adam_step()),
    "attend": list(_attend()),
    "attention_matrix": list(_attention_matrix()),
    "dot_product": list(_dot_product()),
    "predict_ratings": list(_predict_ratings()),
    "sampled_product": list(_sampled_product()),
    "score_pairs": list(_score_pairs()),
    "similarity": list(_similarity()),
    "softmax_cross_entropy": list(softmax_cross_entropy()),
    "topk": list(_topk()),
}
CASES = {op: [*cases, *long_sums(op)] for op, cases in CASES.items()}
VALID: list[Case] = [case for cases in CASES.values() for case in cases]

LARGE: list[Case] = [
    Case("topk", "512x100000x64-k10", lambda r: ((normal(r, 512, 64), normal(r, 100_000, 64), 10), {"scale": 0.125})),
    Case("topk", "1x100000x64-k10", lambda r: ((normal(r, 1, 64), normal(r, 100_000, 64), 10), {"scale": 0.125})),
    Case(
        "attend",
        "2048x20000x64",
        lambda r: ((normal(r, 2048, 64), normal(r, 20_000, 64), normal(r, 20_000, 64)), {"scale": 0.125}),
    ),
    Case(
        "attend",
        "csr-values-1024x3706",
        lambda r: ((normal(r, 1024, 64), normal(r, 6040, 64), pattern(r, 6040, 3706, 0.045)), {"scale": 0.125}),
    ),
    Case("softmax_cross_entropy", "2048x20000x64", lambda r: loss_call(r, 2048, 20_000, 64, 20 / 20_000, scale=0.125)),
    Case("adam_step", "2000000", lambda r: adam_call(r, 2_000_000)),
    Case("similarity", "512x20000x64", lambda r: ((normal(r, 512, 64), normal(r, 20_000, 64)), {})),
    Case("attention_matrix", "512x20000x64", lambda r: ((normal(r, 512, 64), normal(r, 20_000, 64)), {"scale": 0.125})),
    Case(
        "predict_ratings",
        "512x6040x3706",
        lambda r: ((r.random((512, 6040), np.float32), normal(r, 6040, 3706)), {}),
    ),
    Case(
        "sampled_product",
        "2000x3706x6040",
        lambda r: ((normal(r, 2000, 6040), normal(r, 3706, 6040), pattern(r, 2000, 3706, 0.045)), {}),
    ),
    Case(
        "score_pairs",
        "100000-pairs-64",
        lambda r: (
            (normal(r, 6040, 64), normal(r, 3706, 64), r.integers(0, 6040, 100_000), r.integers(0, 3706, 100_000)),
            {},
        ),
    ),
]
