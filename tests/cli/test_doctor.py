"""The doctor: what it reports, that it finds what is broken, and that it needs no extra."""

from __future__ import annotations

import json

import pytest

from cli_runs import run, told, without


def test_doctor() -> None:
    answer = told("doctor")
    assert answer["ok"]
    names = [one["name"] for one in answer["findings"]]
    assert {"attnrec", "python", "openmp", "topk", "attend", "extra cli"} <= set(names)
    assert "All is well." in run("doctor").stdout


def test_doctor_finds_a_broken_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from attnrec import ops

    right = ops.attend
    monkeypatch.setattr(ops, "attend", lambda *a, **k: tuple(part * 1.001 for part in right(*a, **k)))
    monkeypatch.setattr(ops, "similarity", lambda *a, **k: 1 / 0)
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail  attend" in result.stdout
    assert "fail  similarity        ZeroDivisionError" in result.stdout
    assert "ok    topk" in result.stdout


def test_doctor_works_without_extras() -> None:
    extras = ("scipy", "narwhals", "pyarrow", "safetensors", "tqdm", "jinja2", "click", "rich", "threadpoolctl")
    done = without(extras, "import runpy; runpy.run_module('attnrec.doctor', run_name='__main__')")
    assert done.returncode == 0, done.stderr
    assert "pip install 'attnrec[data]'" in done.stdout
    assert "ok    topk" in done.stdout
    done = without(extras[:-3], "from attnrec.cli import main; main(['doctor', '--json'])")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True)


def test_openmp_runtimes_are_found_both_ways() -> None:
    code = "import attnrec\nfrom attnrec.doctor import openmp_runtimes\nprint(openmp_runtimes())"
    outputs = {without(hidden, code).stdout for hidden in ((), ("threadpoolctl",))}
    assert len(outputs) == 1
    assert "[" in outputs.pop()


def test_without_click_it_says_what_to_install() -> None:
    done = without(("click",), "import runpy; runpy.run_module('attnrec', run_name='__main__')")
    assert done.returncode != 0
    assert done.stderr.strip() == "attnrec: error: the command line needs click and rich: pip install 'attnrec[cli]'"
    done = without(("rich",), "from attnrec.cli import main; main(['demo'])")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "attnrec[cli]" in done.stderr
