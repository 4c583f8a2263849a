"""speed/dropins.py on small data: what it writes, and that results which differ are seen. Judges no speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnrec as ar

pytest.importorskip("click", reason="the command writes as the cli extra does")
if ar.backend() != "compiled":
    pytest.skip("times the compiled kernels", allow_module_level=True)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
from attnrec.bench._forms import Form
from benchmarks.speed import dropins
from benchmarks.speed.dropin_pairs import Pair


def test_quick_run_with_whatever_is_installed(tmp_path: Path) -> None:
    # A process of its own: what the libraries do at import is their own affair.
    target = tmp_path / "dropins.json"
    line = [sys.executable, "-m", "benchmarks.speed.dropins", "--quick", "--rounds", "2", "--threads", "2"]
    line += ["--only", "implicit", "--only", "faiss", "--only", "rectools", "--json", str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    assert not record["interrupted"]
    assert record["settings"] == {"quick": True, "rounds": 2, "threads": 2}
    for library, package in (("implicit", "implicit"), ("FAISS", "faiss-cpu"), ("RecTools", "rectools")):
        mine = [one for one in record["pairs"] if one["name"].startswith(library)]
        assert bool(mine) is (package not in record["missing"])
        assert all(len(one["after_milliseconds"]) == 2 and one["ratio"] > 0 for one in mine)
        assert all(one["error"] < 1e-5 for one in mine if "euclidean" not in one["name"])


def pair(ours: dict[str, Any], theirs: dict[str, Any], name: str = "a call") -> Pair:
    return Pair(name, [Form("theirs", lambda: theirs)], Form("ours", lambda: ours), 1.0)


def test_results_that_differ_are_refused() -> None:
    ids, scores = np.array([[2, 1, 0]]), np.array([[3.0, 2.0, 1.0]])
    same = {"ids": ids, "scores": scores}
    assert dropins.compared(pair(same, same)) == {"error": 0.0, "ids": 3, "ids_that_differ": 0}
    near = {"ids": ids[:, [1, 0, 2]], "scores": scores + 1e-6}
    assert dropins.compared(pair(near, same))["ids_that_differ"] == 2
    for wrong in ({"ids": ids, "scores": scores + 0.01}, {"ids": ids[:, :2], "scores": scores[:, :2]}):
        with pytest.raises(ValueError, match="a call: results differ"):
            dropins.compared(pair(wrong, same))
    one, other = ({**same, "subjects": np.array(who)} for who in ([1, 1, 1], [1, 1, 2]))
    with pytest.raises(ValueError, match="differ in shape"):
        dropins.compared(pair(one, other))
