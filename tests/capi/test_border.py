"""The border between Python and C++: what is refused, what is accepted in any form, and what must never crash."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import attnrec as ar
import oracle
from attnrec import reference
from bad_calls import BAD, Bad

R = np.random.default_rng(5)
Q = R.standard_normal((7, 6)).astype(np.float32)
V = R.standard_normal((40, 6)).astype(np.float32)
VALUES = R.standard_normal((40, 3)).astype(np.float32)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_refuses(bad: Bad) -> None:
    with pytest.raises(bad.error) as raised:
        bad.call()
    message = str(raised.value)
    assert all(word in message for word in bad.words), message
    assert "\n" not in message or not bad.words


def strided(x: np.ndarray) -> np.ndarray:
    out = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)[::2, ::3]
    out[...] = x
    return out


def reversed_rows(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]


def misaligned(x: np.ndarray) -> np.ndarray:
    memory = np.zeros(x.nbytes + 1, np.uint8)
    out = memory[1:].view(x.dtype).reshape(x.shape)
    out[...] = x
    return out


def read_only(x: np.ndarray) -> np.ndarray:
    out = x.copy()
    out.flags.writeable = False
    return out


class Tensor:
    """What knows DLPack and nothing else of NumPy."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x

    def __dlpack__(self, **options: Any) -> Any:
        return self.x.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.x.__dlpack_device__()


FORMS: dict[str, Any] = {
    "fortran": np.asfortranarray,
    "strided": strided,
    "reversed": reversed_rows,
    "misaligned": misaligned,
    "read-only": read_only,
    "big-endian": lambda x: x.astype(">f4"),
    "float64": lambda x: x.astype(np.float64),
    "lists": lambda x: x.tolist(),
    "buffer": memoryview,
    "dlpack": lambda x: Tensor(x),
}


@pytest.mark.parametrize("form", FORMS)
def test_takes_any_form(form: str) -> None:
    make = FORMS[form]
    q, v, values = make(Q), make(V), make(VALUES)
    assert ar.similarity(q, v).tobytes() == ar.similarity(Q, V).tobytes()
    assert ar.similarity(q, v, metric="cosine").tobytes() == ar.similarity(Q, V, metric="cosine").tobytes()
    assert ar.attention_matrix(q, v).tobytes() == ar.attention_matrix(Q, V).tobytes()
    assert ar.attend(q, v, values).tobytes() == ar.attend(Q, V, VALUES).tobytes()
    assert ar.predict_ratings(ar.similarity(Q, V), values).shape == (7, 3)
    assert oracle.bits(ar.topk(q, v, 4)) == oracle.bits(ar.topk(Q, V, 4))
    assert ar.score_pairs(q, v, [1, 2], [3, 4]).tobytes() == ar.score_pairs(Q, V, [1, 2], [3, 4]).tobytes()
    assert len(ar.ItemIndex(v)) == 40


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.bool_, np.float16, np.longdouble])
def test_takes_any_real_dtype(dtype: Any) -> None:
    q, v = np.abs(Q * 2).astype(dtype), np.abs(V * 2).astype(dtype)
    assert ar.similarity(q, v).tobytes() == ar.similarity(q.astype(np.float32), v.astype(np.float32)).tobytes()


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csr_array, sp.coo_array, sp.csc_matrix, sp.lil_array])
def test_takes_any_sparse_format(kind: Any) -> None:
    seen = kind((R.random((7, 40)) < 0.3).astype(np.float32))
    want = reference.topk(Q, V, 5, exclude=sp.csr_array(seen))
    assert np.array_equal(ar.topk(Q, V, 5, exclude=seen).ids, want.ids)
    wide = kind(R.random((40, 8)) * (R.random((40, 8)) < 0.5))
    np.testing.assert_allclose(ar.attend(Q, V, wide), ar.attend(Q, V, wide.toarray()), rtol=1e-5, atol=1e-6)


def test_check_can_be_switched_off() -> None:
    q = Q.copy()
    q[3, 2] = np.nan
    found = ar.topk(q, V, 3, check_finite=False)
    others = [0, 1, 2, 4, 5, 6]
    assert np.array_equal(found.ids[others], ar.topk(Q, V, 3).ids[others])


def test_out_is_written_and_returned() -> None:
    for call in (
        lambda **k: ar.similarity(Q, V, **k),
        lambda **k: ar.attention_matrix(Q, V, **k),
        lambda **k: ar.attend(Q, V, VALUES, **k),
        lambda **k: ar.predict_ratings(ar.similarity(Q, V), VALUES, **k),
    ):
        want = call()
        out = np.full_like(want, np.nan)
        assert call(out=out) is out
        assert out.tobytes() == want.tobytes()


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.longlong])
def test_topk_out(kind: Any) -> None:
    want = ar.topk(Q, V, 4)
    ids, scores = np.empty((7, 4), kind), np.empty((7, 4), np.float32)
    found = ar.topk(Q, V, 4, out=(ids, scores))
    assert found.ids is ids
    assert found.scores is scores
    assert np.array_equal(ids, want.ids)
    again = ar.topk(Q[::-1], V, 4, out=want)
    assert again.weights is want.weights
    assert np.array_equal(want.ids[::-1], ids)


def test_one_query_is_one_dimensional() -> None:
    found = ar.topk(Q[0], V, 4)
    assert found.ids.shape == found.scores.shape == found.weights.shape == (4,)
    assert np.ndim(found.lse) == np.ndim(found.counts) == 0
    assert ar.similarity(Q[0], V).shape == (40,)
    assert ar.attend(Q[0], V, VALUES).shape == (3,)


def test_index_with_names() -> None:
    names = np.arange(100, 140)[::-1]
    index = ar.ItemIndex(V, ids=names)
    plain = ar.topk(Q, V, 5, items=[0, 3, 9, 11], filter_items=[3])
    found = ar.topk(Q, index, 5, items=names[[0, 3, 9, 11]], filter_items=names[[3]])
    assert np.array_equal(found.ids, np.where(plain.ids < 0, -1, names[plain.ids]))
    assert np.array_equal(index.features, V)
    index.append(V[:2] * 9, ids=[7, 8])
    assert len(index) == 42
    assert set(ar.topk(Q, index, 1).ids[:, 0]) & {7, 8}
    copy = pickle.loads(pickle.dumps(index))
    assert oracle.bits(ar.topk(Q, copy, 9)) == oracle.bits(ar.topk(Q, index, 9))
    index.replace(V)
    assert index.ids is None


def test_backend_can_be_changed_under_an_index() -> None:
    index = ar.ItemIndex(V, ids=np.arange(100, 140))
    want, attended = ar.topk(Q, index, 5, items=[100, 110, 139]), ar.attend(Q, index, VALUES)
    ar.set_backend("reference")
    try:
        found = ar.topk(Q, index, 5, items=[100, 110, 139])
        np.testing.assert_allclose(ar.attend(Q, index, VALUES), attended, atol=1e-5)
    finally:
        ar.set_backend("compiled")
    assert np.array_equal(found.ids, want.ids)


def test_the_reference_reads_sparse_matrices_of_any_format() -> None:
    seen = sp.csr_array(np.arange(len(Q) * len(V)).reshape(len(Q), len(V)) % 3 == 0, dtype=np.float32)
    for made in (sp.csc_array(seen), sp.coo_array(seen)):
        want = ar.sampled_product(Q, V, made), ar.topk(Q, V, 5, exclude=made).ids, ar.similarity(made, made[:5])
        ar.set_backend("reference")
        try:
            got = ar.sampled_product(Q, V, made), ar.topk(Q, V, 5, exclude=made).ids, ar.similarity(made, made[:5])
        finally:
            ar.set_backend("compiled")
        for a, b in zip(got, want, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4)


def test_backend_can_be_changed_after_starting_on_numpy() -> None:
    code = "import attnrec as ar; ar.set_backend('compiled'); print(ar.topk([[1.0]], ar.ItemIndex([[2.0]]), 1).ids)"
    environment = {**os.environ, "ATTNREC_BACKEND": "reference", "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (child.stdout, child.stderr) == ("[[0]]\n", "")


def test_index_swaps_under_readers() -> None:
    index = ar.ItemIndex(V)
    versions = {oracle.bits(ar.topk(Q, ar.ItemIndex(V * sign), 5))["ids"] for sign in (1, -1)}
    stop = threading.Event()

    def swap() -> None:
        sign = -1
        while not stop.is_set():
            index.replace(V * sign)
            sign = -sign

    writer = threading.Thread(target=swap)
    writer.start()
    try:
        seen = {oracle.bits(ar.topk(Q, index, 5))["ids"] for _ in range(300)}
    finally:
        stop.set()
        writer.join()
    assert seen <= versions


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_works_in_a_forked_child() -> None:
    """libgomp's team does not survive a fork; using it there would hang for ever."""
    q, v = R.standard_normal((300, 64)), R.standard_normal((3000, 64))
    want = ar.topk(q, v, 5, num_threads=4).ids
    child = os.fork()
    if child == 0:
        same = np.array_equal(ar.topk(q, v, 5, num_threads=4).ids, want)
        os._exit(0 if same else 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            break
        time.sleep(0.01)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert np.array_equal(ar.topk(q, v, 5, num_threads=4).ids, want)


def test_ctrl_c_stops_long_work() -> None:
    code = (
        "import signal, numpy as np, attnrec as ar\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # ignored where the tests run behind nohup
        "r = np.random.default_rng(0)\n"
        "q, v = r.random((40000, 128), np.float32), r.random((200000, 128), np.float32)\n"
        "index = ar.ItemIndex(v); print('ready', flush=True)\n"
        "try:\n    ar.topk(q, index, 10)\n"
        "except KeyboardInterrupt:\n    print('stopped')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    assert out == "stopped\n"


def test_threads_can_call_at_once() -> None:
    want = oracle.bits(ar.topk(Q, V, 5))
    results: list[Any] = []

    def work() -> None:
        results.extend(oracle.bits(ar.topk(Q, V, 5)) for _ in range(50))

    team = [threading.Thread(target=work) for _ in range(8)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert len(results) == 400
    assert all(r == want for r in results)


def test_settings() -> None:
    before = ar.num_threads()
    with ar.thread_limit(3):
        assert ar.num_threads() == 3
    assert ar.num_threads() == before
    ar.set_num_threads(2)
    assert ar.num_threads() == 2
    ar.set_num_threads(0)
    ar.set_memory_budget(1 << 20)
    assert ar.memory_budget() == 1 << 20
    ar.set_memory_budget(0)
    assert ar.memory_budget() == 1 << 30
    assert ar.isa() in ar.show_config()["isas"]


ANY_ARRAY = hnp.arrays(
    dtype=st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes(), hnp.complex_number_dtypes()),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
)


@given(ANY_ARRAY, ANY_ARRAY, ANY_ARRAY, st.integers(-2, 9))
def test_nothing_crashes(a: Any, b: Any, c: Any, k: int) -> None:
    """Any array in any place gives a result or an error of the two kinds, and results are finite."""
    with np.errstate(all="ignore"):
        for call in (
            lambda: ar.similarity(a, b),
            lambda: ar.attention_matrix(a, b, metric="cosine"),
            lambda: ar.attend(a, b, c),
            lambda: ar.predict_ratings(a, b),
            lambda: ar.topk(a, b, k, item_bias=c).weights,
            lambda: ar.topk(a, b, items=c, weights=True).weights,
            lambda: ar.score_pairs(a, b, c, c),
        ):
            try:
                result = call()
            except (ValueError, TypeError):
                continue
            assert np.isfinite(result).all()


@given(
    st.lists(st.integers(-3, 60), max_size=8),
    st.lists(st.integers(-3, 60), max_size=12),
    st.tuples(st.integers(0, 9), st.integers(0, 50)),
)
def test_no_sparse_structure_crashes(indptr: list[int], indices: list[int], shape: tuple[int, int]) -> None:
    data = np.ones(len(indices), np.float32)
    fields = {
        "indptr": np.array(indptr, np.int64),
        "indices": np.array(indices, np.int64),
        "data": data,
        "shape": shape,
    }
    m = type("Csr", (), fields)()
    for call in (
        lambda: ar.topk(Q, V, 3, exclude=m),
        lambda: ar.topk(Q, V, 3, include=m),
        lambda: ar.attend(Q, V, m),
        lambda: ar.similarity(m, m, metric="cosine"),
    ):
        try:
            call()
        except (ValueError, TypeError):
            continue


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("weights", [False, True])
def test_one_query_over_many_items_names_the_bad_one(bad: float, weights: bool) -> None:
    """Here the scores are looked at, not the items: even a feature that the query has as 0 must show."""
    r = np.random.default_rng(0)
    items = r.standard_normal((9000, 8)).astype(np.float32)
    for row, feature in ((0, 0), (4321, 3), (8999, 7)):
        broken = items.copy()
        broken[row, feature] = bad
        for query in (r.standard_normal(8), np.eye(8)[5], np.zeros(8)):
            with pytest.raises(ValueError, match=rf"items.*row {row}\b"):
                ar.topk(query, broken, 3, weights=weights)
        assert ar.topk(items[1], broken, 3, weights=weights, check_finite=False).ids.shape == (3,)


def test_one_query_over_many_items_says_when_scores_overflow() -> None:
    items = np.full((9000, 8), 1e30, np.float32)
    with pytest.raises(ValueError, match="float32"):
        ar.topk(np.full(8, 1e30), items, 3, weights=False)
