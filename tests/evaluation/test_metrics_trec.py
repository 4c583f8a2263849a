"""Metrics against trec_eval and ir-measures, which define them: for every user, and on average, to 1e-9."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from attnrec import metrics
from ranked import drawn

# No wheel of pytrec-eval-terrier is made for Linux on AArch64, where the test extra leaves both out.
ir_measures = pytest.importorskip("ir_measures")
pytrec_eval = pytest.importorskip("pytrec_eval")

# Ours, trec_eval's (with "_k" where it cuts) and ir-measures'.
SAME = {
    "recall": ("recall", ir_measures.R),
    "precision": ("P", ir_measures.P),
    "hit_rate": ("success", ir_measures.Success),
    "ndcg": ("ndcg_cut", ir_measures.nDCG),
    "map": ("map_cut", ir_measures.AP),
    "mrr": ("recip_rank", ir_measures.RR),
}


def as_trec(ids: np.ndarray, test: Any) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Judgements and runs of users who have any; a score falls with the rank."""
    held = {str(u): dict.fromkeys(map(str, test[[u]].indices), 1) for u in range(len(ids)) if test[[u]].nnz}
    runs = {u: {str(i): -float(r) for r, i in enumerate(ids[int(u)]) if i >= 0} for u in held}
    return held, runs


@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_equal_to_trec_eval_for_every_user(seed: int, k: int) -> None:
    ids, test = drawn(seed)
    held, runs = as_trec(ids[:, :k], test)
    names = {ours: theirs if ours == "mrr" else f"{theirs}_{k}" for ours, (theirs, _) in SAME.items()}
    judge = pytrec_eval.RelevanceEvaluator(held, {n.replace(f"_{k}", f".{k}") for n in names.values()})
    want = judge.evaluate(runs)
    for ours, theirs in names.items():
        got = getattr(metrics, ours)(ids, test, k, per_user=True)
        assert {str(u) for u in np.flatnonzero(np.isfinite(got))} == held.keys()
        for user, values in want.items():
            assert got[int(user)] == pytest.approx(values[theirs], abs=1e-9), (ours, user)


@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_equal_to_ir_measures_on_average(seed: int, k: int) -> None:
    ids, test = drawn(seed)
    held, runs = as_trec(ids, test)
    want = ir_measures.calc_aggregate([measure @ k for _, measure in SAME.values()], held, runs)
    for ours, (_, measure) in SAME.items():
        assert getattr(metrics, ours)(ids, test, k) == pytest.approx(want[measure @ k], abs=1e-9), ours
