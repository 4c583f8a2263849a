"""benchmarks/speed/latency.py on small data: what it writes, and what it says of threads. Judges no speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import attnrec as ar

pytest.importorskip("click", reason="attnrec bench needs the cli extra")
if ar.backend() != "compiled":
    pytest.skip("times the compiled kernels", allow_module_level=True)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
from benchmarks.speed import latency


def test_small_run(tmp_path: Path) -> None:
    target = tmp_path / "latency.json"
    line = [sys.executable, "-m", "benchmarks.speed.latency", "--items", "500,1000", "--rounds", "2"]
    line += ["--threads", "1,3", "--seconds", "0.05", "--calls", "300", "--json", str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads(target.read_text(encoding="utf-8"))
    assert min(record["one_core"].values()) > 0
    ours = [r for r in record["rows"] if r["library"] == "attnrec searcher"]
    assert [(r["part"], r["n"], r["threads"]) for r in ours] == [
        ("threads", 500, 1),
        ("threads", 500, 3),
        ("threads", 1000, 1),
        ("threads", 1000, 3),
        ("loop", 100_000, 1),
    ]
    for r in record["rows"]:
        assert 0 < r["p50_us"] <= r["p99_us"] <= r["p99.9_us"]
        assert f"n={r['n']:<9,} {r['threads']:>2} thr {r['calls']:>8,} calls" in done.stdout
    assert ours[-1]["calls"] == 300


def test_percentiles_and_ceilings_of_known_times() -> None:
    took = np.arange(1, 1001) * 1e-6
    r = latency.row("loop", "x", 1000, 1, took, [2000.0, 1.0, 3000.0], {"gflops": 64.0, "gbytes": 8.0})
    assert r["p50_us"] == pytest.approx(500.5)
    assert r["per_second"] == 2000
    assert r["p99_us"] == pytest.approx(990.01)
    assert r["of_ceiling"] == pytest.approx(2 * 1000 * 64 / 500.5e-6 / 64e9)
    assert r["of_streaming"] == pytest.approx(4 * 1000 * 64 / 500.5e-6 / 8e9)


def test_what_more_threads_make_slower_is_said() -> None:
    def row(n: int, threads: int, rounds: list[float], library: str = "attnrec searcher") -> latency.Record:
        return {"library": library, "n": n, "threads": threads, "rounds": rounds}

    rows = [
        row(100_000, 2, [5.0, 6.0, 7.0]),
        row(100_000, 16, [5.0, 7.0, 1.0]),
        row(200_000, 2, [5.0, 50.0, 5.0]),
        row(200_000, 16, [4.0, 50.0, 4.0]),
        row(300_000, 2, [9.0]),
        row(1000, 2, [9.0]),
        row(1000, 16, [1.0]),
        row(100_000, 16, [1.0], "x"),
    ]
    assert latency.slower_with_more(rows) == ["n=200,000: 16 threads get 0.80 times as much done as 2"]


def test_results_are_compared_before_anything_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(latency.LIBRARIES, "wrong", ("numpy", lambda _: lambda: lambda _: np.arange(latency.K)))
    items, queries = latency.data(500)
    with pytest.raises(AssertionError, match="wrong"):
        latency.libraries(items, queries, ["wrong"])
