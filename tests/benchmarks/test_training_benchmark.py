"""benchmarks/speed/training.py on small data: what it writes, and that what differs is seen. Judges no speed."""

from __future__ import annotations

import dataclasses
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
from benchmarks.speed import (
    training,
    training_measure,
)
from benchmarks.speed import training_steps as steps

SHAPE = (50, 80)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


def test_quick_run_with_torch_if_it_is_installed(tmp_path: Path) -> None:
    # A process of its own: what torch does at import is its own affair.
    target = tmp_path / "training.json"
    line = [sys.executable, "-m", "benchmarks.speed.training", "--quick", "--threads", "2", "--json", str(target)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    record: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    assert {"cpu", "threads", "versions", "isa"} <= record["machine"].keys()
    assert record["data"] == {"name": "simulated, small", "users": 300, "items": 500, "interactions": 3000}
    assert not record["interrupted"]
    work = record["epoch"]
    assert work["flop"] == 8 * 128 * 500 * 64
    assert len(work["between_rounds"]) == 2
    names = [one["name"] for one in work["results"]]
    assert names == (["attnrec"] if "torch" in record["missing"] else ["attnrec", "torch"])
    for one in work["results"]:
        assert len(one["milliseconds_by_round"]) == 2
        assert one["epoch_seconds"] == pytest.approx(np.median(one["milliseconds_by_round"]) / 1e3 * 300 / 128)
        assert one["of_ceiling"] > 0
        assert one["ratio"] > 0
        peak = record["memory"]["peaks"][one["name"]]
        assert peak["peak"] >= peak["before"] > 0
    assert work["results"][0]["ratio"] == 1
    assert record["memory"]["state"] == pytest.approx(12 * (300 + 500) * 64 / 1e6)
    assert record["memory"]["within"] is True
    assert {axis: one["at"] for axis, one in record["growth"].items()} == {
        "users": [64, 128],
        "items": [300, 600],
        "d": [8, 16],
    }
    assert all(seconds > 0 for one in record["growth"].values() for seconds in one["seconds"])
    for told in ("FMA ceiling", "is within 1.5 times that + 200 MB", "milliseconds by users"):
        assert told in done.stdout
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.usefixtures("no_torch")
def test_without_torch(capsys: pytest.CaptureFixture[str]) -> None:
    assert training.main(["--quick", "--only", "epoch", "--rounds", "1", "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert "without torch: " in shown
    assert "| attnrec: softmax_cross_entropy, adam_step |" in shown


def test_simulated_interactions() -> None:
    x = steps.simulated(100, 200, 1500)
    assert x.shape == (100, 200)
    assert x.nnz == 1500
    assert x.has_canonical_format
    assert (x.data == 1).all()
    per_item = np.sort(np.bincount(x.indices, minlength=200))[::-1]
    assert per_item[:20].sum() > 3 * per_item[100:120].sum()
    batches = list(steps.batches(x, 32))
    assert [len(batch.users) for batch in batches] == [32, 32, 32, 4]
    assert sorted(np.concatenate([batch.users for batch in batches])) == list(range(100))
    assert all((batch.targets != x[batch.users]).nnz == 0 for batch in batches)


def batch() -> steps.Batch:
    return next(steps.batches(steps.simulated(*SHAPE, 400), 20))


def test_steps_go_down_and_only_whom_they_saw_has_a_gradient() -> None:
    ours, one = steps.attnrec_trainer(SHAPE, 8, 1), batch()
    before = steps.start(SHAPE, 8)
    want = ar.reference.softmax_cross_entropy(before[0][one.users], before[1], one.targets)
    first = ours.step(one)
    assert first == pytest.approx(want.loss, rel=1e-6)
    users, items = ours.gradients()
    assert np.allclose(users[one.users], want.d_queries, rtol=1e-4, atol=1e-7)
    assert np.allclose(items, want.d_items, rtol=1e-4, atol=1e-7)
    assert not np.delete(users, one.users, axis=0).any()
    losses = [ours.step(one) for _ in range(200)]
    assert losses[-1] < 0.9 * first
    assert steps.state_bytes(SHAPE, 8) == 3 * sum(x.nbytes for x in ours.tables())


def test_all_ways_of_torch_agree_with_ours() -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install 'attnrec[torch]'")
    ways = dict(steps.torch_trainers(SHAPE, 8))
    assert len(ways) == 6
    for label, make in ways.items():
        if "compiled" not in label:  # warns, and compiles for long; the quick run has it
            assert steps.disagreement(make(), steps.attnrec_trainer(SHAPE, 8, 1), batch()) == ""


def changed(trainer: steps.Trainer, **by: Any) -> steps.Trainer:
    return dataclasses.replace(trainer, **by)


def test_what_differs_is_seen() -> None:
    theirs = [steps.attnrec_trainer(SHAPE, 8, 1) for _ in range(4)]

    def found(trainer: steps.Trainer) -> str:
        return steps.disagreement(trainer, steps.attnrec_trainer(SHAPE, 8, 1), batch())

    assert found(theirs[0]) == ""
    assert found(changed(theirs[1], step=lambda b: 1.001 * theirs[1].step(b))).startswith("loss ")
    users, items = theirs[2].gradients()
    assert "gradients of items differ" in found(changed(theirs[2], gradients=lambda: (users, 1.001 * items)))
    tables = theirs[3].tables()
    assert "users are" in found(changed(theirs[3], tables=lambda: (1.01 * tables[0], tables[1])))


@pytest.mark.usefixtures("no_torch")
def test_interruption_leaves_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training_measure, "memory", stop)
    target = tmp_path / "part.json"
    assert training.main(["--quick", "--rounds", "1", "--threads", "1", "--json", str(target)]) == 130
    record = json.loads(target.read_text(encoding="utf-8"))
    assert record["interrupted"]
    assert "epoch" in record
    assert "growth" not in record


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rounds", "0"], "positive"),
        (["--batch", "-1"], "positive"),
        (["--json", "no-such-folder/x"], "does not exist"),
    ],
)
def test_wrong_arguments_are_refused(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        training.main(arguments)
    assert told in capsys.readouterr().err
