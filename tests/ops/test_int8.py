"""The certified 8-bit scan: the bits of the float32 one, whatever the data are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attnrec as ar
from cases import integers, normal, pattern

N = 2500
Make = Callable[[np.random.Generator, int, int], np.ndarray]


def spiky(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    """One feature dwarfs all others, which then vanish in 8 bits."""
    out = normal(r, rows, d)
    out[:, d // 2] *= 1e5
    return out


def mixed(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    """Rows of all magnitudes that float32 has, some zero."""
    out = normal(r, rows, d) * np.float32(10) ** r.uniform(-38, 15, (rows, 1)).astype(np.float32)
    out[r.random(rows) < 0.1] = 0
    return out


def twins(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    """Few distinct rows: nearly every score is a tie."""
    return normal(r, 7, d)[r.integers(0, 7, rows)]


def neighbours(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    """Rows that differ in the last bits only, far below a step of 8 bits."""
    return np.nextafter(np.ones((rows, d), np.float32), (2 * r.random((rows, d)) - 0.5).astype(np.float32))


def one_value(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    """Each row is one number over and over: as quantised, without any error."""
    return np.repeat(r.integers(-3, 4, (rows, 1)), d, axis=1).astype(np.float32)


def skewed(r: np.random.Generator, rows: int, d: int) -> np.ndarray:
    return normal(r, rows, d) * r.lognormal(0, 2, (rows, 1)).astype(np.float32)


def scaled(make: Make, factor: float) -> Make:
    return lambda r, rows, d: (make(r, rows, d).astype(np.float64) * factor).astype(np.float32)


DATA: dict[str, Make] = {
    "normal": normal,
    "integers": integers,
    "spiky": spiky,
    "mixed": mixed,
    "twins": twins,
    "neighbours": neighbours,
    "one-value": one_value,
    "skewed": skewed,
    "huge": scaled(normal, 1e16),
    "denormal": scaled(normal, 1e-42),
    "tiny": scaled(normal, 1e-15),
    "zeros": scaled(normal, 0),
}


def assert_same(q: np.ndarray, v: np.ndarray, k: int, **options: Any) -> None:
    want = ar.topk(q, v, k, weights=False, precision="float32", **options)
    for prepared in ("auto", "int8"):
        got = ar.topk(q, ar.ItemIndex(v, precision=prepared), k, weights=False, precision="int8", **options)
        assert np.array_equal(got.ids, want.ids), prepared
        assert got.scores.tobytes() == want.scores.tobytes(), prepared
        assert np.array_equal(got.counts, want.counts), prepared


@pytest.mark.parametrize("queries", DATA)
@pytest.mark.parametrize("items", DATA)
def test_same_bits_as_float32(queries: str, items: str) -> None:
    r = np.random.default_rng(3)
    for b, d, k, scale in ((37, 9, 10, 1.0), (1, 33, 3, -0.7), (5, 64, 50, 1e-3)):
        assert_same(DATA[queries](r, b, d), DATA[items](r, N, d), k, scale=scale)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1e12, -1e12, 1e-44])
@pytest.mark.parametrize("items", ["normal", "integers", "tiny", "skewed"])
def test_same_bits_for_any_scale(items: str, scale: float) -> None:
    r = np.random.default_rng(4)
    assert_same(normal(r, 18, 20), DATA[items](r, N, 20), 12, scale=scale)


@pytest.mark.parametrize("size", [0.0, 1e-6, 1.0, 1e8])
def test_same_bits_with_biases(size: float) -> None:
    r = np.random.default_rng(5)
    for items in ("normal", "integers", "skewed", "denormal"):
        bias = (size * r.standard_normal(N)).astype(np.float32)
        assert_same(normal(r, 18, 20), DATA[items](r, N, 20), 12, item_bias=bias)
        assert_same(integers(r, 18, 20), DATA[items](r, N, 20), 40, item_bias=np.round(bias), scale=-1.0)


@pytest.mark.parametrize("density", [0.01, 0.5, 0.999, 1.1])
def test_same_bits_with_hidden_items(density: float) -> None:
    r = np.random.default_rng(6)
    for items in ("normal", "twins", "skewed"):
        hidden = pattern(r, 18, N, density, messy=True)
        assert_same(normal(r, 18, 20), DATA[items](r, N, 20), 12, exclude=hidden, filter_items=np.arange(0, N, 7))


@pytest.mark.parametrize("k", [1, 32, 33, 600, 2500, 2600])
def test_same_bits_for_any_k(k: int) -> None:
    r = np.random.default_rng(7)
    for items in ("normal", "integers", "twins"):
        assert_same(integers(r, 3, 12), DATA[items](r, N, 12), k)


@pytest.mark.parametrize("n", [959, 960, 961, 1055, 1056, 1057, 40_001])
def test_same_bits_around_the_ends_of_blocks(n: int) -> None:
    r = np.random.default_rng(8)
    for b in (1, 2, 40):
        assert_same(normal(r, b, 5), normal(r, n, 5), 9)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(-60, 60), min_size=1, max_size=40),
    st.lists(st.integers(-30, 30), min_size=1, max_size=24),
    st.integers(1, 60),
    st.sampled_from([1.0, -1.0, 0.3, 1e-4]),
)
def test_same_bits_for_any_magnitudes(seed: int, rows: list[int], columns: list[int], k: int, scale: float) -> None:
    """Powers of two for rows and features, repeated over items; small integers, so that ties are many."""
    r = np.random.default_rng(seed)
    d = len(columns)
    feature = np.float32(2) ** np.array(columns, dtype=np.float32)
    size = np.float32(2) ** np.resize(np.array(rows, dtype=np.float32), (1000, 1))
    assert_same(integers(r, 3, d) * feature, integers(r, 1000, d) * size, k, scale=scale)


def test_same_bits_on_any_number_of_threads() -> None:
    r = np.random.default_rng(9)
    q, index = normal(r, 70, 24), ar.ItemIndex(DATA["skewed"](r, 30_000, 24))
    one = ar.topk(q, index, 10, weights=False, precision="int8", num_threads=1)
    for n in (2, 3, 7):
        got = ar.topk(q, index, 10, weights=False, precision="int8", num_threads=n)
        assert (got.ids.tobytes(), got.scores.tobytes()) == (one.ids.tobytes(), one.scores.tobytes())
    single = [ar.topk(row, index, 10, weights=False, precision="int8") for row in q]
    assert np.stack([s.scores for s in single]).tobytes() == one.scores.tobytes()


def test_auto_gives_the_same() -> None:
    r = np.random.default_rng(10)
    q, v = normal(r, 20, 24), normal(r, 5000, 24)
    found = [ar.topk(q, ar.ItemIndex(v, precision=p), 10, weights=False) for p in ("auto", "float32", "int8")]
    assert len({(f.ids.tobytes(), f.scores.tobytes()) for f in found}) == 1


def test_an_index_for_8_bits_serves_every_operation() -> None:
    r = np.random.default_rng(11)
    q, v = normal(r, 20, 24), normal(r, 3000, 24)
    plain, index = ar.ItemIndex(v, precision="float32"), ar.ItemIndex(v, precision="int8")
    assert index.features.tobytes() == v.tobytes()
    calls: list[Callable[[ar.ItemIndex], Any]] = [
        lambda x: ar.topk(q, x, 10).weights,
        lambda x: ar.topk(q, x, 10, items=np.arange(0, 3000, 2)).scores,
        lambda x: ar.similarity(q, x, metric="cosine"),
        lambda x: ar.attend(q, x, v),
        lambda x: ar.score_pairs(q, x, [0, 5], [2999, 7]),
    ]
    for call in calls:
        assert call(index).tobytes() == call(plain).tobytes()


def test_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"int8 gives no weights.*; pass weights=False"):
        ar.topk(np.ones((1, 2)), np.ones((3, 2)), 1, precision="int8")
