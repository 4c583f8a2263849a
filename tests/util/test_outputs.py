"""Arrays of callers: what cannot hold the result is refused before anything is computed or written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar

R = np.random.default_rng(8)
Q, V = R.standard_normal((3, 4)).astype(np.float32), R.standard_normal((7, 4)).astype(np.float32)
VALUES = R.standard_normal((7, 2)).astype(np.float32)
LARGE = 2**33 + np.arange(7)
BACKENDS = ("compiled", "reference")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    ar.set_backend(request.param)
    yield request.param
    ar.set_backend("compiled")


def room(dtype: Any = np.int64, shape: tuple[int, ...] = (3, 2)) -> tuple[np.ndarray, np.ndarray]:
    return np.full(shape, 77, dtype), np.full(shape, 77, np.float32)


def as_topk(pair: tuple[np.ndarray, np.ndarray]) -> ar.TopK:
    return ar.TopK(*pair, None, None, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrap", [tuple, list, as_topk])
def test_ids_that_do_not_fit_are_refused(backend: str, wrap: Callable[..., Any]) -> None:
    index, (ids, scores) = ar.ItemIndex(V, ids=LARGE), room(np.int32)
    with pytest.raises(ValueError, match=r"topk: out.ids is int32.*8589934598.*np.empty\(\(3, 2\), np.int64\)"):
        ar.topk(Q, index, 2, weights=False, out=wrap((ids, scores)))
    assert (ids == 77).all()
    assert (scores == 77).all()
    ids = np.empty((3, 2), np.int64)  # the fix
    found = ar.topk(Q, index, 2, weights=False, out=wrap((ids, scores)))
    assert np.array_equal(found.ids, ar.topk(Q, index, 2).ids)
    assert found.ids is ids


@pytest.mark.parametrize("largest", [2**31 - 1, 2**31])
def test_the_largest_id_decides(backend: str, largest: int) -> None:
    index = ar.ItemIndex(V, ids=[0, 5, largest, 1, 2, 3, 4])
    ids, scores = room(np.int32, (7,))
    if largest < 2**31:
        assert ar.topk(Q[0], index, 7, out=(ids, scores)).ids is ids
        assert np.array_equal(ids, ar.topk(Q[0], index, 7).ids)
    else:
        with pytest.raises(ValueError, match="2147483648"):
            ar.topk(Q[0], index, 7, out=(ids, scores))
        assert (ids == 77).all()
    index.append(V[:1], ids=[2**40])
    with pytest.raises(ValueError, match=str(2**40)):
        ar.topk(Q[0], index, 7, out=(ids, scores))


def test_positions_fit_int32(backend: str) -> None:
    ids, scores = room(np.int32, (3, 9))
    found = ar.topk(Q, ar.ItemIndex(V), 9, out=(ids, scores))
    assert np.array_equal(found.ids, ar.topk(Q, V, 9).ids)
    assert (ids[:, 7:] == -1).all()


WRONG_IDS = [np.int16, np.uint32, np.uint64, np.float64, ">i8", object, bool]
WRONG_FLOATS = [np.float16, np.float64, np.int32, ">f4", np.complex64]


@pytest.mark.parametrize("dtype", WRONG_IDS, ids=str)
def test_other_ids(backend: str, dtype: Any) -> None:
    ids, scores = room(dtype)
    for features in (V, ar.ItemIndex(V), ar.ItemIndex(V, ids=range(7))):
        with pytest.raises(TypeError, match=r"topk: out.ids has to be a writeable C-contiguous int64"):
            ar.topk(Q, features, 2, out=(ids, scores))
        with pytest.raises(TypeError, match=r"searcher: out.ids has to be"):
            ar.ItemIndex(V).searcher(k=2)(Q[0], out=(ids[0], scores[0]))
    with pytest.raises(TypeError, match=r"out\.counts"):
        ar.topk(Q, V, 2, out=ar.TopK(*room(), None, None, np.zeros(3, dtype)))
    assert (scores == 77).all()


@pytest.mark.parametrize("dtype", WRONG_FLOATS, ids=str)
@pytest.mark.parametrize("field", ["scores", "weights", "lse"])
def test_other_floats(backend: str, dtype: Any, field: str) -> None:
    out = ar.topk(Q, V, 2)
    before = out.ids.copy()
    setattr(out, field, np.zeros(np.shape(getattr(out, field)), dtype))
    with pytest.raises(TypeError, match=rf"out.{field} has to be a writeable C-contiguous float32"):
        ar.topk(-Q, V, 2, out=out)
    assert np.array_equal(out.ids, before)


def test_searchers_take_int64_alone(backend: str) -> None:
    search = ar.ItemIndex(V, ids=LARGE).searcher(k=2)
    ids, scores = room(np.int32, (2,))
    with pytest.raises(TypeError, match=r"searcher: out.ids.*it is int32"):
        search(Q[0], out=(ids, scores))
    for out in ((ids,), [ids, scores], ids):
        with pytest.raises(TypeError, match="out is not a pair"):
            search(Q[0], out=out)
    assert (ids == 77).all()
    assert np.array_equal(search(Q[0], out=room(np.int64, (2,)))[0], search(Q[0])[0])


CALLS: dict[str, Callable[[Any], Any]] = {
    "similarity": lambda out: ar.similarity(Q, V, out=out),
    "attention_matrix": lambda out: ar.attention_matrix(Q, V, out=out),
    "attend": lambda out: ar.attend(Q, V, VALUES, out=out),
    "predict_ratings": lambda out: ar.predict_ratings(np.ones((3, 7)), VALUES, out=out),
    "sampled_product": lambda out: ar.sampled_product(Q, V, sp.csr_array(np.eye(3, 7)), out=out),
}


@pytest.mark.parametrize("call", CALLS)
def test_of_every_operation(backend: str, call: str) -> None:
    want = CALLS[call](None)
    for dtype in WRONG_FLOATS:
        with pytest.raises(TypeError, match="out has to be a writeable C-contiguous float32"):
            CALLS[call](np.zeros(want.shape, dtype))
    frozen = np.zeros_like(want)
    frozen.flags.writeable = False
    bytes_ = np.zeros(want.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(want.shape)
    larger = np.zeros((2, *want.shape), np.float32)
    for out, words in ((frozen, "read-only"), (bytes_, "aligned"), (larger, "shape")):
        with pytest.raises(ValueError, match=words):
            CALLS[call](out)
    strided = np.zeros((*want.shape, 2), np.float32)[..., 0]
    with pytest.raises(ValueError, match="strided"):
        CALLS[call](strided)
    with pytest.raises(TypeError, match="not a numpy array"):
        CALLS[call](want.tolist())
    assert not larger.any()
    out = np.zeros_like(want)
    assert CALLS[call](out) is out
    assert out.tobytes() == want.tobytes()


def test_memory_that_is_shared(backend: str) -> None:
    memory = np.zeros(64, np.float32)
    scores, ids = memory[:6].reshape(3, 2), memory[2:14].view(np.int64).reshape(3, 2)
    narrow = memory[4:10].view(np.int32).reshape(3, 2)
    for pair in ((ids, scores), (narrow, scores)):
        with pytest.raises(ValueError, match="overlaps"):
            ar.topk(Q, V, 2, out=pair)
    with pytest.raises(ValueError, match="overlaps"):
        ar.ItemIndex(V).searcher(k=2)(Q[0], out=(ids[0], memory[2:4]))
    with pytest.raises(ValueError, match="overlaps"):
        ar.ItemIndex(V).searcher(k=2)(memory[:4], out=(np.empty(2, np.int64), memory[:2]))
    weights = ar.topk(Q, V, 2)
    weights.weights = weights.scores
    with pytest.raises(ValueError, match="overlaps"):
        ar.topk(Q, V, 2, out=weights)
    x = memory[:28].reshape(7, 4)
    with pytest.raises(ValueError, match="overlaps"):
        ar.similarity(Q, x, out=memory[20:41].reshape(3, 7))
    assert not memory.any()


def test_a_bias_is_not_written_over() -> None:
    bias = np.zeros(7, np.float32)
    for ids in (np.zeros((3, 2), np.int64), np.zeros((3, 2), np.int32)):
        with pytest.raises(ValueError, match="overlaps"):
            ar.topk(Q, V, 2, item_bias=bias, out=(ids, bias[:6].reshape(3, 2)))
    narrow = bias.view(np.int32)[:6].reshape(3, 2)
    with pytest.raises(ValueError, match=r"out\.ids overlaps item_bias"):
        ar.topk(Q, V, 2, item_bias=bias, out=(narrow, np.zeros((3, 2), np.float32)))


def test_of_training(backend: str) -> None:
    good = ar.softmax_cross_entropy(Q, V, [0, 1, 2], item_bias=np.zeros(7))
    for name in ("d_queries", "d_items", "d_item_bias"):
        for wrong, error in ((np.float64, TypeError), (np.float16, TypeError)):
            out = ar.CrossEntropy(0.0, None, None, None)
            setattr(out, name, np.zeros(getattr(good, name).shape, wrong))
            with pytest.raises(error, match=f"{name} has to be"):
                ar.softmax_cross_entropy(Q, V, [0, 1, 2], item_bias=np.zeros(7), out=out)
    with pytest.raises(TypeError, match="give a CrossEntropy"):
        ar.softmax_cross_entropy(Q, V, [0, 1, 2], out=(good.d_queries, good.d_items))
    again = ar.softmax_cross_entropy(Q, V, [0, 1, 2], item_bias=np.zeros(7), out=good)
    assert again.d_items is good.d_items
    x, m, v = (np.zeros(3, np.float32) for _ in range(3))
    for wrong_x, wrong_m in ((x.astype(np.float64), m), (x, m.astype(np.float64)), (x, x), (x, np.zeros((3, 3)))):
        with pytest.raises((TypeError, ValueError)):
            ar.adam_step(wrong_x, np.ones(3), wrong_m, v, 1)
    assert not x.any()


def test_ids_of_an_index(backend: str) -> None:
    index = ar.ItemIndex(V[:0], ids=[])
    assert (len(index), index.ids.dtype) == (0, np.int64)
    index.append(V[:2], ids=np.array([2**62, 7], np.uint64))
    index.append(V[:0], ids=[])
    index.append(V[2:3], ids=[2**53 + 1])
    assert index.ids.tolist() == [2**62, 7, 2**53 + 1]
    index.replace(V[:0], ids=[])
    index.append(V, ids=np.arange(7, dtype=np.uint8))
    assert ar.topk(Q, index, 2, items=[], weights=False).counts.tolist() == [0, 0, 0]
    for wrong, words in (
        (np.array([2**63], np.uint64), "9223372036854775808, which is past int64"),
        ([2**63], "past int64"),
        ([2**64], "past int64"),
        ([1.5], "dtype float64"),
        ([9.0], "dtype float64"),
        ([[9]], r"\(1, 1\)"),
        ([-1], "negative"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            index.append(V[:1], ids=wrong)
    assert len(index) == 7


def test_names_are_compared_as_integers(backend: str) -> None:
    """As float64, which NumPy compares int64 and uint64 in, 2^53 + 1 and 2^53 are one number."""
    index = ar.ItemIndex(V, ids=[2**53 + 1, 2**53, 1, 2, 3, 4, 5])
    for items in ([2**53], np.array([2**53], np.uint64)):
        assert ar.topk(Q[0], index, 2, items=items).ids.tolist() == [2**53, -1]
    for items, error in (([float(2**53)], TypeError), ([1.5], TypeError), (np.array([2**63], np.uint64), ValueError)):
        for argument in ("items", "filter_items"):
            with pytest.raises(error, match=argument):
                ar.topk(Q[0], index, 2, **{argument: items})
            with pytest.raises(error, match=argument):
                index.searcher(**{argument: items})
        with pytest.raises(error, match="exclude"):
            index.searcher(k=2)(Q[0], exclude=items)


def test_positions_are_not_cut(backend: str) -> None:
    wide = np.array([2**64 - 1], np.uint64)  # -1 as int64
    for call in (
        lambda: ar.topk(Q, V, 2, items=wide),
        lambda: ar.topk(Q, V, 2, filter_items=[2**32]),
        lambda: ar.ItemIndex(V).searcher(k=2)(Q[0], exclude=wide),
        lambda: ar.ItemIndex(V).searcher(k=2)(Q[0], exclude=[2**32]),
        lambda: ar.softmax_cross_entropy(Q, V, [0, 1, 2**32]),
        lambda: ar.softmax_cross_entropy(Q, V, np.array([0, 1, 2**64 - 1], np.uint64)),
    ):
        with pytest.raises(ValueError, match=r"past int64|4294967296"):
            call()
