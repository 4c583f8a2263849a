"""speed/peers.py on small data: what it writes, and what it says of growth that is known. Judges no speed."""

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

pytest.importorskip("click", reason="attnrec bench needs the cli extra")
if ar.backend() != "compiled":
    pytest.skip("times the compiled kernels", allow_module_level=True)
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("benchmarks/ is not in this distribution", allow_module_level=True)
from attnrec.bench import _machine, _run
from benchmarks.lib import (
    memory,
    plot,
    summary,
    yardsticks,
)
from benchmarks.speed import (
    growth,
    peers,
    shapes,
)

SIZES = np.array([10_000, 30_000, 100_000, 1_000_000, 3_000_000])


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_machine.PEERS, "threadpoolctl"):
        monkeypatch.setitem(sys.modules, name, None)


def test_quick_run_with_whatever_peers_are_installed(tmp_path: Path) -> None:
    # A process of its own: what the peers do at import is theirs.
    target = tmp_path / "peers.json"
    line = [sys.executable, "-m", "benchmarks.speed.peers", "--quick", "--rounds", "2", "--threads", "2"]
    line += ["--cases", "-1", "--json", str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    assert {"cpu", "threads", "versions", "isa"} <= record["machine"].keys()
    assert record["settings"] | {"quick": True, "rounds": 2, "threads": 2} == record["settings"]
    assert not record["interrupted"]
    assert [work["name"] for work in record["table"]["workloads"]] == [
        task.name for task in shapes.table() if "-1" in task.name
    ]
    for work in record["table"]["workloads"]:
        by_name = {one["name"]: one for one in work["results"]}
        assert ("attnrec, 8 bits" in by_name) is (work["op"] == "topk" and not work["weights"])
        assert len(work["between_rounds"]) == 2
        for one in work["results"]:
            assert len(one["milliseconds_by_round"]) == 2
            assert one["milliseconds"] == pytest.approx(np.median(one["milliseconds_by_round"]))
            assert one["of_ceiling"] > 0
            assert all(ratio > 0 for ratio in one["ratios"].values())
            assert ("of_streaming" in one) is (work["b"] == 1)
        for ours in (name for name in by_name if name.startswith("attnrec")):
            assert by_name[ours]["ratios"][ours] == 1
    assert [point["at"] for point in record["growth"]["points"]["b"]] == [1, 16]
    assert [point["at"] for point in record["growth"]["points"]["d"]] == [16]
    assert record["growth"]["points"]["b"][0]["results"]["attnrec, float32"]["milliseconds"] > 0
    assert "FMA ceiling" in done.stdout
    assert "Top-k by queries" in done.stdout
    assert "comparing results" in done.stderr
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.usefixtures("no_peers")
def test_every_axis_without_peers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "growth.json"
    monkeypatch.setattr(memory, "added", lambda b, n, precision, num_threads: 1.0 + b * 0.001)
    line = ["--quick", "--only", "growth", "--rounds", "1", "--threads", "2", "--json", str(target)]
    assert peers.main(line) == 0
    record = json.loads(target.read_text(encoding="utf-8"))
    points = record["growth"]["points"]
    assert {axis: [point["at"] for point in points[axis]] for axis in points} == {
        "n": [500, 1000, 2000, 4000],
        "b": [1, 4, 16, 64],
        "threads": [1, 2],
        "d": [16, 32, 64],
    }
    assert all("torch" not in point["results"] for axis in points for point in points[axis])
    assert [(one["axis"], one["name"]) for one in record["checks"]] == [
        (axis, name) for axis in ("n", "b") for name in growth.CHECKED
    ]
    assert record["peak_memory"]["flat"] == {"float32": True, "int8": True}
    shown = capsys.readouterr().out
    assert "cost of one varies" in shown
    assert peers.main(["--from", str(target)]) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("costs", "exponent", "verdict"),
    [
        (3e-6 * SIZES, 1, "linear"),
        (3e-6 * SIZES * np.array([1, 1.04, 0.97, 1.02, 1]), 1, "linear"),
        (1e-9 * SIZES**2.0, 2, "more than linear"),
        (2.0 * SIZES**1.1, 1.1, "more than linear"),
        (2.0 * SIZES**0.8, 0.8, "less than linear"),
        (SIZES * np.array([1, 0.7, 0.9, 0.7, 0.7]), None, "more than linear"),
    ],
)
def test_fit_of_growth_that_is_known(costs: np.ndarray, exponent: float | None, verdict: str) -> None:
    found = growth.fit(SIZES.tolist(), costs.tolist())
    assert found["verdict"] == verdict
    if exponent is not None:
        assert found["exponent"] == pytest.approx(exponent, abs=0.01)
    assert found["unit_costs"] == pytest.approx((costs / SIZES).tolist())


@pytest.mark.parametrize("sizes", [[1.0], [2.0, 1.0], [0.0, 1.0], [1.0, 2.0, 3.0]])
def test_fit_wants_growing_sizes(sizes: list[float]) -> None:
    with pytest.raises(ValueError, match="fit: wants"):
        growth.fit(sizes, [1.0, 2.0])


def point(n: int, milliseconds: float, gflops: float) -> dict[str, Any]:
    one = {"name": "attnrec, float32", "milliseconds_by_round": [milliseconds], "milliseconds": milliseconds}
    work = {"b": 512, "n": n, "d": 64, "flop": 2.0 * 512 * n * 64, "between_rounds": [{"gflops": gflops}]}
    yardsticks.compare(work | {"results": [one]})
    return {"at": n, "k": 10, "left_out": {}, "results": {one["name"]: one}, **work}


def test_growth_is_of_work_where_the_machine_slows_down() -> None:
    # Other work takes half of the machine at the last point: twice the time under half the ceiling.
    points = [point(10_000, 1.0, 200), point(100_000, 10.0, 200), point(1_000_000, 200.0, 100)]
    (one,) = growth.check({"points": {"n": points}})
    assert one["verdict"] == "linear"
    assert one["spread"] == pytest.approx(0)
    points[2] = point(1_000_000, 200.0, 200)
    (one,) = growth.check({"points": {"n": points}})
    assert one["verdict"] == "more than linear"
    assert one["rise"] == pytest.approx(1)


def test_parts_of_what_the_machine_can_do() -> None:
    one = {"milliseconds_by_round": [1.0, 4.0, 2.0]}
    between = [{"gflops": 100.0, "gbytes": 20.0}, {"gflops": 50.0, "gbytes": 10.0}, {"gflops": 100.0, "gbytes": 20.0}]
    work = {"b": 1, "n": 50_000, "d": 64, "flop": 6.4e6, "between_rounds": between, "results": [one]}
    yardsticks.compare(work)
    assert one["of_ceiling"] == pytest.approx(0.032)
    assert one["of_streaming"] == pytest.approx(0.32)
    assert yardsticks.streaming(np.ones(1 << 20, np.float32), 2) > 1e8


def test_memory_says_who_sits_out() -> None:
    by_name = {task.name: task for task in shapes.table()}
    why = shapes.left_out(8e9)
    assert "512 x 1,000,000 stored scores want about 12.3 GB" in why(by_name["topk-1M"], "NumPy, reference")
    assert why(by_name["topk-1M"], "torch") == why(by_name["topk-1M"], "implicit") == ""
    assert not any(why(task, name) for task in by_name.values() if task.n <= 100_000 for name in shapes.names())
    assert shapes.left_out(8e9, also=("torch",))(by_name["topk"], "torch") == shapes.IN_THE_TABLE
    assert "the items and their copies want about 2.0 GB" in shapes.too_large(by_name["topk-1M"], 1e9)
    assert shapes.too_large(by_name["topk-1M"], 8e9) == ""
    assert shapes.free_bytes() > 1e6
    assert shapes.thread_counts(6) == [1, 2, 4, 6]


@pytest.mark.usefixtures("no_peers")
def test_too_little_memory_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert peers.main(["--quick", "--cases", "topk-one-1M", "--memory", "0.00001"]) == 0
    assert "skipped topk-one-1M: the items and their copies want" in capsys.readouterr().out


def test_memory_that_grows_is_seen() -> None:
    assert memory.flat({512: 1.0, 8192: 2.0 + 8192 * memory.RESULT_BYTES / 2**20})
    assert not memory.flat({512: 1.0, 8192: 3200.0})
    assert memory.added(512, 2000, "int8", 2) < memory.SLACK


@pytest.mark.usefixtures("no_peers")
@pytest.mark.parametrize("last", ["topk-one-1M", "n-1000"])
def test_interruption_leaves_what_there_is(
    last: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = _run._timed

    def stop(task: Any, *rest: Any) -> dict[str, Any]:
        if task.name == last:
            raise KeyboardInterrupt
        return timed(task, *rest)

    monkeypatch.setattr(_run, "_timed", stop)
    target = tmp_path / "part.json"
    line = ["--quick", "--rounds", "1", "--cases", "1" if last[0] == "t" else "n-", "--json", str(target)]
    assert peers.main(line) == 130
    record = json.loads(target.read_text(encoding="utf-8"))
    assert record["interrupted"]
    if last[0] == "t":
        assert [work["name"] for work in record["table"]["workloads"]][-1:] == ["topk-1M"]
        assert "growth" not in record
    else:
        assert [p["at"] for p in record["growth"]["points"]["n"]] == [500]
    assert "interrupted: the rest was not measured" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rounds", "0"], "positive"),
        (["--threads", "0"], "positive"),
        (["--memory", "-1"], "positive"),
        (["--only", "table", "--plot", "x.svg"], "shows the growth"),
        (["--plot", "x.bmp"], "has to end in"),
        (["--json", "no-such-folder/x.json"], "does not exist"),
        (["--cases", "nonsense"], "no task has that in its name"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        peers.main(arguments)
    assert told in capsys.readouterr().err


def test_labels_keep_apart_and_ticks_legible() -> None:
    assert plot.spread([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])
    assert plot.spread([0.52, 0.5, 0.51], 0.1) == pytest.approx([0.61, 0.41, 0.51])
    close = plot.spread([0.5, 0.5, 0.59, 0.68, 0.9], 0.1)
    assert min(np.diff(close)) >= 0.1 - 1e-12
    assert close[-1] == 0.9
    assert plot.legible([1, 4, 16, 64, 256, 512, 1024, 2048]) == [1, 4, 16, 64, 512, 2048]
    assert plot.legible([7]) == [7]


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    record = {
        "machine": {"cpu": "a processor", "isa": "scalar", "threads": 1},
        "growth": {"points": {"n": [point(10_000, 1.0, 200), point(100_000, 10.0, 200)], "b": [], "d": []}},
    }
    path = tmp_path / "growth.svg"
    plot.draw(record, path)
    first = path.read_bytes()
    assert b"<svg" in first
    plot.draw(record, path)
    assert path.read_bytes() == first
    assert list(tmp_path.iterdir()) == [path]


def test_markdown() -> None:
    lines = summary.markdown(["who", "ms"], [["a", "10"], ["long", "1"]])
    assert lines == ["| who  | ms |", "|------|---:|", "| a    | 10 |", "| long |  1 |"]
    assert [summary.figure(x) for x in (0.0123, 1.234, 99.96, 1234.6)] == ["0.012", "1.23", "100", "1235"]
