"""Times of every operation beside its NumPy reference, over the large cases and a small one each. Results are asserted.

``python -m pytest benchmarks --benchmark-only``; against other libraries: ``attnrec bench``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import attnrec as ar
import cases
import oracle
from attnrec import reference
from cases import Case

# The cost of a call: almost nothing to compute. One case of each operation.
SMALL = {
    "adam_step": "5",
    "attend": "one-query",
    "attention_matrix": "one-user",
    "dot_product": "integers",
    "predict_ratings": "one-row",
    "sampled_product": "1x1x1",
    "score_pairs": "1-pairs-1",
    "similarity": "one-query",
    "softmax_cross_entropy": "all-1x1x1",
    "topk": "one-query",
}
CHOSEN = [*cases.LARGE, *(case for case in cases.VALID if SMALL[case.op] == case.name)]
assert len(CHOSEN) == len(cases.LARGE) + len(cases.CASES), "SMALL names a case that is not there"
SAMPLE = 16
# What one query gets is not all there is, or not a row.
WHOLE = {"adam_step", "dot_product", "sampled_product", "score_pairs", "softmax_cross_entropy"}


def sampled(case: Case, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> tuple[Case, Any]:
    """The case and its result cut to a few queries, where the reference in float64 would take long on all.

    The bits of a row do not depend on the rows beside it, so a few spread over all tell of all.
    """
    b = len(args[0])
    if case.op in WHOLE or np.ndim(args[0]) == 1 or b <= SAMPLE:
        return case, result
    rows = np.unique(np.linspace(0, b - 1, SAMPLE).astype(int))
    part = Case(case.op, case.name, lambda r: ((args[0][rows], *args[1:]), kwargs), case.exact)
    if isinstance(result, ar.TopK):
        cut = {name: getattr(result, name) for name in ar.TopK.__slots__}
        return part, ar.TopK(**{name: None if x is None else x[rows] for name, x in cut.items()})
    return part, result[rows]


def in_float32(op: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(reference, op)(*args, **kwargs, dtype=np.float32)


@pytest.mark.parametrize("case", CHOSEN, ids=str)
@pytest.mark.benchmark(min_rounds=3, max_time=0.5, warmup=False)
def test_attnrec(benchmark: BenchmarkFixture, case: Case) -> None:
    args, kwargs = case.call()
    op = getattr(ar, case.op)
    oracle.check(*sampled(case, args, kwargs, op(*args, **kwargs)))
    benchmark.group = str(case)
    benchmark(op, *args, **kwargs)


@pytest.mark.parametrize("case", CHOSEN, ids=str)
@pytest.mark.benchmark(min_rounds=3, max_time=0.5, warmup=False)
def test_numpy_reference(benchmark: BenchmarkFixture, case: Case) -> None:
    args, kwargs = case.call()
    benchmark.group = str(case)
    benchmark(in_float32, case.op, *args, **kwargs)
