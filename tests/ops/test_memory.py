"""Scores are never stored: the peak memory of a call stays near its inputs, its results and its budget."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)

CODE = """
import sys
import numpy as np, attnrec as ar
from benchmarks.speed.read_csv import peak_bytes
r = np.random.default_rng(0)
q, v = r.standard_normal((20000, 16), np.float32), r.standard_normal((50000, 16), np.float32)
values = r.standard_normal((50000, 8), np.float32)
ar.attend(q[:64], v, values), ar.topk(q[:64], v, 5)  # threads and libraries are there now
before = peak_bytes()
{call}
print(peak_bytes() - before)
"""
# what runs, and how many MiB it may add: its results, the budget where one is given, and 16 for the allocator
CALLS = {
    "topk": ("ar.topk(q, v, 10, num_threads=2)", 24),
    "topk-no-weights": ("ar.topk(q, v, 10, weights=False, num_threads=2)", 22),
    "topk-budget": ("ar.topk(q[:2000], v, 2000, weights=False, num_threads=2, memory_budget=4 << 20)", 70),
    "attend": ("ar.attend(q, v, values, num_threads=2)", 20),
    "one-query-at-a-time": ("[ar.topk(x, v, 10) for x in q[:50]]", 18),
}


@pytest.mark.parametrize("name", CALLS)
def test_peak_memory(name: str) -> None:
    call, allowed = CALLS[name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CODE.format(call=call)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    added = int(child.stdout) / 2**20
    assert added <= allowed, f"{name} added {added:.0f} MiB; the scores alone would be 3,800"
