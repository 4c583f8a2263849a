"""``attnrec bench``: that it compares before it times, times in turns, and tells the truth. Judges no speed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import attnrec as ar
from attnrec.bench import _forms, _machine, _run, _timing, _verify, command
from attnrec.bench._forms import Form
from attnrec.bench._tasks import TASKS, Task, make_data, quick

if ar.backend() != "compiled":
    pytest.skip("times the compiled kernels", allow_module_level=True)

SMALL = {task.name: quick(task) for task in TASKS}
NAMES = list(SMALL)
OURS = {"attnrec, index", "attnrec, arrays", "NumPy, reference", "NumPy, fastest"}
INSTALL = 'pip install "attnrec[bench]"'


@pytest.fixture
def no_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_machine.PEERS, "threadpoolctl"):
        monkeypatch.setitem(sys.modules, name, None)


def bench(*options: str) -> Result:
    # Wide enough that no table folds its cells.
    return CliRunner(env={"COLUMNS": "100"}).invoke(command, ["--quick", "--rounds", "1", *options])


def record_of(*options: str) -> dict[str, Any]:
    done = bench("--json", *options)
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def nowhere(n: int) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


def test_with_whatever_peers_are_installed() -> None:
    # A process of its own: what the peers do at import is theirs.
    line = [sys.executable, "-m", "attnrec", "bench", "--quick", "--json", "--rounds", "2", "--threads", "2"]
    line += ["--only", "topk", "--only", "attend-csr"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["quick"]
    assert record["rounds"] == 2
    assert record["machine"]["threads"] == 2
    assert record["machine"]["isa"] == ar.isa()
    assert record["machine"]["cpu"]
    assert 0 < record["ceiling"]["lowest"] <= record["ceiling"]["gflops"] <= record["ceiling"]["highest"]
    assert record["ceiling"]["times"] == 3
    assert [work["name"] for work in record["workloads"]] == ["topk", "attend-csr"]
    for work in record["workloads"]:
        assert work["left_out"] == {}
        names = {one["name"] for one in work["results"]}
        assert names >= OURS
        for one in work["results"]:
            assert one["rounds"] == 2
            for name in ("milliseconds", "gflops", "of_ceiling", "ratio_to_index", "ratio_to_arrays"):
                assert one[name] > 0
            speed = work["flop"] / one["milliseconds"] / 1e6
            assert one["gflops"] == pytest.approx(speed)
            assert one["of_ceiling"] == pytest.approx(speed / record["ceiling"]["gflops"])
    timed = {one["name"] for one in record["workloads"][0]["results"]}
    for module, package in _machine.PEERS.items():
        assert (module in timed) != (package in record["missing"])


@pytest.mark.usefixtures("no_peers")
def test_without_peers() -> None:
    done = bench()
    assert done.exit_code == 0, done.output
    text = " ".join(done.stdout.split())
    for package in _machine.PEERS.values():
        assert f"{package}: not installed: {INSTALL}" in text
    assert f"threadpoolctl is not installed: {INSTALL}" in text
    for task in SMALL.values():
        assert f"{task.name}: {task.title}; b = {task.b}, n = {task.n:,}, d = 16" in text
    assert text.count("attnrec, index ItemIndex") == len(TASKS)
    assert "left out" not in text
    assert "FMA ceiling, median of 9" in text


@pytest.mark.usefixtures("no_peers")
@pytest.mark.parametrize("name", ["report.json", "report.txt"])
def test_output(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("of yesterday")
    done = bench("--only", "topk-one", "--output", str(path))
    assert done.exit_code == 0, done.output
    text = path.read_text(encoding="utf-8")
    if name.endswith("json"):
        assert json.loads(text)["workloads"][0]["name"] == "topk-one"
    else:
        assert text == done.stdout
    assert list(tmp_path.iterdir()) == [path]


def test_bad_options(tmp_path: Path) -> None:
    assert "does not exist" in str(bench("--output", str(tmp_path / "none" / "a.json")).exception)
    assert bench("--threads", "0").exit_code == 2
    assert "'topk'" in bench("--only", "nothing").output


@pytest.mark.usefixtures("no_peers")
def test_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    timed = _run._timed

    def stop_at_second(task: Task, *rest: Any) -> dict[str, Any]:
        if task.name == NAMES[1]:
            raise KeyboardInterrupt
        return timed(task, *rest)

    monkeypatch.setattr(_run, "_timed", stop_at_second)
    done = bench("--json", "--output", str(tmp_path / "a.json"))
    assert done.exit_code == 1
    record = json.loads(done.stdout.splitlines()[0])
    assert record["interrupted"]
    assert [work["name"] for work in record["workloads"]] == NAMES[:1]
    assert json.loads((tmp_path / "a.json").read_text()) == record


@pytest.mark.usefixtures("no_peers")
def test_our_own_mistake_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    attend = _forms.ops.attend
    monkeypatch.setattr(_forms.ops, "attend", lambda *a, **o: attend(*a, **o) * np.float32(1.001))
    done = bench("--only", "attend")
    assert isinstance(done.exception, ArithmeticError)
    assert "attnrec, index fails at attend: out differ by" in str(done.exception)


@pytest.mark.usefixtures("no_peers")
def test_who_disagrees_or_fails_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(task: Task, data: Any) -> Iterator[Form]:
        yield Form("zeros", lambda: {"out": np.zeros((task.b, task.n))})
        yield Form("broken", lambda: {"out": [][1]})

    monkeypatch.setattr(_forms, "numpy_forms", wrong)
    work = record_of("--only", "similarity")["workloads"][0]
    assert {one["name"] for one in work["results"]} == OURS - {"NumPy, fastest"}
    assert "out differ by" in work["left_out"]["NumPy, fastest, zeros"]
    assert "IndexError" in work["left_out"]["NumPy, fastest, broken"]


@pytest.mark.usefixtures("no_peers")
def test_says_who_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    def turn(form: Form, *rest: Any) -> float:
        return {"ItemIndex": 2.0, "arrays": 4.0, "matmul": 3.0}.get(form.label, 8.0)

    monkeypatch.setattr(_timing, "turn", turn)
    record = record_of("--only", "similarity", "--only", "attend")
    (found,) = record["faster"]
    assert found["name"] == "NumPy, fastest"
    assert found["workload"] == "similarity"
    assert (found["ours"], found["ratio"]) == ("attnrec, arrays", 0.75)
    ratios = {one["name"]: one["ratio_to_index"] for one in record["workloads"][1]["results"]}
    assert ratios == {"attnrec, index": 1, "attnrec, arrays": 2, "NumPy, reference": 4, "NumPy, fastest": 1.5}
    text = " ".join(bench("--only", "similarity", "--only", "attend").stdout.split())
    assert "faster than attnrec at similarity: NumPy, fastest, 3000 ms; attnrec, arrays, 4000 ms (ratio 0.75)" in text
    assert "nothing measured here is faster than attnrec at: attend" in text


@pytest.mark.usefixtures("no_peers")
@pytest.mark.parametrize(("ceilings", "disturbed"), [([100, 99, 98], False), ([100, 60, 99], True)])
@pytest.mark.parametrize(("share", "robbed"), [(0.99, False), (0.5, True)])
def test_warns_of_other_work(
    monkeypatch: pytest.MonkeyPatch, ceilings: list[float], share: float, disturbed: bool, robbed: bool
) -> None:
    measured = iter(ceilings)
    monkeypatch.setattr(_run, "_ceiling", lambda effort: (next(measured), share))
    record = record_of("--only", "topk-one", "--only", "similarity")
    assert record["ceiling"]["gflops"] == sorted(ceilings)[1]
    assert any("other work" in note for note in record["notes"]) == (disturbed or robbed)


@pytest.mark.usefixtures("no_peers")
def test_warns_of_settings_that_slow_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    record = record_of("--only", "topk-one")
    assert any("OPENBLAS_CORETYPE=Haswell" in note for note in record["notes"])
    assert record["machine"]["environment"]["OPENBLAS_CORETYPE"] == "Haswell"


def test_turns() -> None:
    order: list[str] = []
    forms = [Form(name, lambda name=name: {"out": order.append(name)}) for name in "ABC"]
    took = _timing.in_turns(forms, 2, 0.0, nowhere, 1, lambda: order.append("|"))
    assert "".join(order) == "AABBCC|AABBCC|"  # the first of a turn is not counted
    assert [len(mine) for mine in took] == [2, 2, 2]


def test_slow_ones_sit_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_timing, "turn", lambda form, *rest: 100.0 if form.label == "slow" else 0.1)
    forms = [Form("fast", dict), Form("slow", dict)]
    took = _timing.in_turns(forms, 7, 0.0, nowhere, 1, lambda: None)
    assert [len(mine) for mine in took] == [7, 3]
    assert _timing.median_ratio(took[1], took[0]) == pytest.approx(1000)
    assert _timing.best_of(forms[::-1], 0.0, nowhere, 1).label == "fast"


def test_a_short_call_is_repeated_and_one_stall_forgotten() -> None:
    pauses = iter([0.001, 0.03])

    def call() -> dict[str, Any]:
        time.sleep(next(pauses, 0.001))
        return {}

    assert 0.001 <= _timing.turn(Form("short", call), 0.05, nowhere, 1) < 0.03
    assert next(pauses, None) is None


@pytest.mark.parametrize(("took", "want"), [([0.3, 0.1, 0.2], 0.1), ([1.5, 0.1, 0.2], 1.5)])
def test_a_long_call_counts_from_the_second_on_if_that_is_affordable(
    monkeypatch: pytest.MonkeyPatch, took: list[float], want: float
) -> None:
    calls = iter(took)
    monkeypatch.setattr(_timing, "_seconds", lambda form: next(calls))
    assert _timing.turn(Form("long", dict), 0.05, nowhere, 1) == want


def test_blas_is_limited_for_the_forms_that_ask() -> None:
    seen = []

    def limit(n: int) -> contextlib.AbstractContextManager[None]:
        seen.append(n)
        return contextlib.nullcontext()

    for form in (Form("all", dict), Form("one", dict, blas_threads=1)):
        _timing.turn(form, 0.0, limit, 5)
    assert seen == [5, 1]


def found(task: Task) -> tuple[Any, dict[str, Any]]:
    data = make_data(task)
    result = next(iter(_forms.reference_forms(task, data))).call()
    return data, {name: None if x is None else np.array(x) for name, x in result.items()}


def test_agreement_lets_rounding_pass() -> None:
    task = SMALL["topk-weights"]
    data, want = found(task)
    got = {name: x * (1 + 1e-6) if name != "ids" else x for name, x in want.items()}
    assert _verify.disagreement(task, data, got, want) == ""
    assert _verify.untrue(task, data, want) == ""
    assert _verify.disagreement(task, data, {"ids": want["ids"]}, want) == ""


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("ids", lambda x: x[:, ::-1].copy(), "score up to"),
        ("ids", lambda x: np.where(x == x[0, 0], x[0, 1], x), "comes twice"),
        ("ids", lambda x: x - x[0, 0] - 1, "out of range"),
        ("ids", lambda x: x[:, 1:], "shape"),
        ("scores", lambda x: x + np.float32(1e-3), "scores differ"),
        ("weights", lambda x: x * np.float32(1.01), "weights differ"),
        ("weights", lambda x: x * np.float32(np.nan), "weights differ"),
    ],
)
def test_agreement_rejects_mistakes(name: str, change: Any, problem: str) -> None:
    task = SMALL["topk-weights"]
    data, want = found(task)
    got = want | {name: change(want[name])}
    assert problem in _verify.disagreement(task, data, got, want)
    assert problem in _verify.untrue(task, data, got)


def test_items_other_than_wanted_pass_only_as_ties() -> None:
    task = quick(Task("ties", "", "topk", 16, 1200, k=10))
    data = make_data(task)
    data.items[:600] = data.items[600:]
    ids = ar.topk(data.queries, data.items[:600], k=10).ids
    one_swapped = ids.copy()
    one_swapped[3, 4] += 600
    assert _verify.disagreement(task, data, {"ids": one_swapped}, {"ids": ids}) == ""
    assert "of the ids are the same" in _verify.disagreement(task, data, {"ids": ids + 600}, {"ids": ids})


def test_work_is_counted() -> None:
    dense = make_data(SMALL["attend"])
    assert dense.flop == 2 * 16 * 1200 * (16 + 24)
    sparse = make_data(SMALL["attend-csr"])
    assert sparse.flop == 2 * 16 * (1200 * 16 + sparse.values.nnz)
    assert 0.03 < sparse.values.nnz / (1200 * 24) < 0.06
    assert make_data(SMALL["topk-one"]).flop == 2 * 1200 * 16


def test_the_best_form_is_so_on_the_median(monkeypatch: pytest.MonkeyPatch) -> None:
    took = {"erratic": iter([16.0, 1.0, 16.0]), "steady": iter([3.0, 3.0, 3.0]), "hopeless": iter([40.0])}
    monkeypatch.setattr(_timing, "turn", lambda form, *rest: next(took[form.label]) / 10)
    forms = [Form(name, dict) for name in took]
    assert _timing.best_of(forms[:2], 0.0, nowhere, 1).label == "steady"
    took |= {"steady": iter([0.7] * 3), "hopeless": iter([40.0])}
    assert _timing.best_of(forms[1:], 0.0, nowhere, 1).label == "steady"
