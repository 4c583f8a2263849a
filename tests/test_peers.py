"""benchmarks/peers.py on small data: what it writes, and what it says of growth that is known."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click", reason="attnrec bench needs the cli extra")
BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

import _growth  # noqa: E402
import peers  # noqa: E402


def test_every_figure_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "peers.json"
    assert peers.main(["--quick", "--only", "table", "--cases", "topk", "--json", str(target)]) == 0
    record: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))["table"]
    assert {"cpu", "threads", "versions", "isa"} <= record["machine"].keys()
    assert record["ceiling"]["gflops"] > 0
    assert [work["name"] for work in record["workloads"]] == [t.name for t in peers.table() if "topk" in t.name]
    for work in record["workloads"]:
        names = [one["name"] for one in work["results"]]
        assert "attnrec, index" in names
        assert ("attnrec, 8 bits" in names) is not work["weights"]
        assert all(ratio > 0 for one in work["results"] for ratio in one["ratios"].values())
    assert "FMA ceiling" in capsys.readouterr().out
    assert not list(tmp_path.glob("*.new"))


def test_growth_is_measured_along_every_axis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "growth.json"
    assert peers.main(["--quick", "--only", "growth", "--cases", "1", "--num-threads", "2", "--json", str(target)]) == 0
    record = json.loads(target.read_text(encoding="utf-8"))
    assert record["growth"].keys() == {"interrupted", *_growth.AXES}
    assert all(point["milliseconds"]["attnrec, float32"] > 0 for point in record["growth"]["n"])
    assert record["peak_memory"].keys() == {"64", "512"}
    assert "nanoseconds for each of the items" in capsys.readouterr().out


def test_time_per_unit() -> None:
    points = [{"at": n, "milliseconds": {"linear": n / 50, "square": n * n}} for n in (10, 100)]
    assert [us for _, us in _growth.per_unit(points, "linear")] == pytest.approx([20, 20])
    assert [us for _, us in _growth.per_unit(points, "square")] == pytest.approx([1e4, 1e5])
    assert _growth.per_unit(points, "nobody") == []


def test_what_stores_all_scores_is_left_out_where_they_are_many() -> None:
    (large,) = [task for task in peers.table() if task.name == "topk-1M"]
    assert peers.stores_too_much(large, "torch")
    assert not peers.stores_too_much(large, "faiss")
    assert not any(peers.stores_too_much(task, "torch") for task in peers.table() if task.n <= 100_000)


@pytest.mark.parametrize("arguments", [["--rounds", "0"], ["--only", "table", "--plot", "x.svg"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        peers.main(arguments)
