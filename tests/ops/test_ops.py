"""The one oracle: every operation, on every case, for any threads, batch and instruction set."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import attnrec as ar
import oracle
from attnrec import ops, reference
from cases import CASES, VALID, Case

WHOLE = {"dot_product", "score_pairs", "softmax_cross_entropy", "adam_step"}  # what one query gets is not all there is
BY_QUERY = [c for c in VALID if c.op not in WHOLE and "one" not in c.name]
QUERY_OPTIONS = ("exclude", "include")
PATH = os.pathsep.join(sys.path)


@pytest.mark.parametrize("case", VALID, ids=str)
def test_agrees_with_reference(case: Case) -> None:
    oracle.check(case, oracle.run(case))


@pytest.mark.parametrize("case", [c for c in VALID if c.op != "dot_product"], ids=str)
def test_same_bits_for_any_number_of_threads(case: Case) -> None:
    one = oracle.bits(oracle.run(case, num_threads=1))
    for n in (2, 3, 7):
        assert oracle.bits(oracle.run(case, num_threads=n)) == one, f"{n} threads"


@pytest.mark.parametrize("case", BY_QUERY, ids=str)
def test_same_bits_for_any_batch(case: Case) -> None:
    args, kwargs = case.call()
    whole = oracle.arrays(oracle.run(case))
    b = args[0].shape[0]
    if case.op == "predict_ratings":
        args = args[:2]
    cuts = sorted({0, min(1, b), min(4, b), min(23, b), b})
    parts: dict[str, list[np.ndarray]] = {name: [x[:0]] for name, x in whole.items()}
    for first, last in itertools.pairwise(cuts):
        options = {k: v[first:last] if k in QUERY_OPTIONS else v for k, v in kwargs.items()}
        rest = [args[1], args[2][first:last]] if case.op == "sampled_product" else args[1:]
        result = getattr(ar, case.op)(args[0][first:last], *rest, **options)
        for name, x in oracle.arrays(result).items():
            parts[name].append(x)
    for name, x in whole.items():
        joined = np.concatenate(parts[name])
        assert joined.shape == x.shape
        assert joined.tobytes() == x.tobytes(), name


def digest() -> dict[str, str]:
    """A hash of the bits of every case, computed by this process."""
    out = {}
    for case in VALID:
        whole = hashlib.sha256()
        for name, x in sorted(oracle.arrays(oracle.run(case)).items()):
            whole.update(name.encode() + repr((x.shape, x.dtype)).encode() + x.tobytes())
        out[str(case)] = whole.hexdigest()
    return out


@pytest.mark.parametrize("isa", ar.show_config().get("isas", []))
def test_same_bits_on_every_instruction_set(isa: str) -> None:
    code = "import json, test_ops, attnrec; print(json.dumps([attnrec.isa(), test_ops.digest()]))"
    environment = {**os.environ, "ATTNREC_ISA": isa, "ATTNREC_NUM_THREADS": "3", "PYTHONPATH": PATH}
    child = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=Path(__file__).parent,  # where test_ops lies
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    name, theirs = json.loads(child.stdout)
    assert name == isa
    mine = digest()
    assert [k for k in mine if mine[k] != theirs[k]] == []


def test_unknown_instruction_set_is_refused() -> None:
    code = "import attnrec; attnrec.isa()"
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ATTNREC_ISA": "mmx", "PYTHONPATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode != 0
    assert "ATTNREC_ISA=mmx does not run here; choose one of" in child.stderr


def test_topk_is_a_prefix() -> None:
    r = np.random.default_rng(1)
    q, v = r.standard_normal((5, 16)), r.standard_normal((3000, 16))
    longest = ar.topk(q, v, 300)
    for k in (1, 2, 10, 64, 299):
        shorter = ar.topk(q, v, k)
        assert np.array_equal(shorter.ids, longest.ids[:, :k])
        assert shorter.weights is not None
        assert longest.weights is not None
        assert shorter.weights.tobytes() == np.ascontiguousarray(longest.weights[:, :k]).tobytes()


def test_pairs_have_the_bits_of_topk() -> None:
    r = np.random.default_rng(2)
    q, v = r.standard_normal((20, 33)), r.standard_normal((1000, 33))
    ids, scores = ar.topk(q, v, 50)
    pairs = ar.score_pairs(q, v, np.repeat(np.arange(20), 50), ids.ravel())
    assert pairs.tobytes() == scores.tobytes()


def test_index_gives_the_same_bits() -> None:
    r = np.random.default_rng(3)
    q, v, values = r.standard_normal((20, 33)), r.standard_normal((1000, 33)), r.standard_normal((1000, 4))
    index = ar.ItemIndex(v)
    assert oracle.bits(ar.topk(q, index, 9)) == oracle.bits(ar.topk(q, v, 9))
    some = {"items": np.arange(7, 900, 3)}
    assert oracle.bits(ar.topk(q, index, 9, **some)) == oracle.bits(ar.topk(q, v, 9, **some))
    assert ar.attend(q, index, values).tobytes() == ar.attend(q, v, values).tobytes()
    assert ar.similarity(q, index, metric="cosine").tobytes() == ar.similarity(q, v, metric="cosine").tobytes()
    assert ar.score_pairs(q, index, [1, 2], [999, 0]).tobytes() == ar.score_pairs(q, v, [1, 2], [999, 0]).tobytes()


def test_memory_budget_changes_no_bit() -> None:
    r = np.random.default_rng(4)
    q, v, values = r.standard_normal((70, 16)), r.standard_normal((3000, 16)), r.standard_normal((3000, 5))
    for budget in (1, 100_000, None):
        assert oracle.bits(ar.topk(q, v, 50, memory_budget=budget)) == oracle.bits(ar.topk(q, v, 50))
        assert ar.attend(q, v, values, memory_budget=budget).tobytes() == ar.attend(q, v, values).tobytes()


def test_names_are_the_same_everywhere() -> None:
    assert sorted(ops.__all__) == sorted(reference.__all__) == sorted(CASES)


def test_comparator_rejects_real_errors() -> None:
    """The tolerance for swaps of nearly equal scores must not let a wrong item pass."""
    scores = np.array([[3.0, 2.0, 1.0, 0.0]])
    want = ar.TopK(np.array([[0, 1]]), scores[:, :2], None, None, np.array([2]))
    for wrong in ([[0, 2]], [[1, 0]], [[0, 0]], [[0, -1]]):
        got = ar.TopK(np.array(wrong), scores[:, :2], None, None, np.array([2]))
        with pytest.raises(AssertionError):
            oracle.assert_same_ranking(got, want, scores, 1e-6)
    near = np.array([[3.0, 3.0 + 1e-7, 1.0, 0.0]])
    oracle.assert_same_ranking(ar.TopK(np.array([[1, 0]]), near[:, :2], None, None, np.array([2])), want, near, 1e-6)
    with pytest.raises(AssertionError):
        oracle.assert_close(np.ones(3), np.ones(3) * (1 + 1e-5), np.ones(3) * (1 + 9e-6), "rounding")
