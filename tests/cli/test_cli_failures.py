"""The command line when things go wrong: one line, an exit code, and nothing half written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import cli_runs
from cli_runs import RATINGS, fails, interrupted, run, small, spawn, told

folder = cli_runs.folder


BAD = {
    "broken line": (RATINGS + "eve,1\n", "ratings.csv:15"),
    "no number": (RATINGS.replace("dora,5,5", "dora,5,good"), "ratings.csv:13"),
    "no item": (RATINGS.replace("cleo,4,2", "cleo,,2"), "ratings.csv:11"),
    "empty": ("", "ratings.csv"),
    "header alone": ("userId,movieId,rating\n", "ratings.csv"),
    "no user column": ("a,b,c\nx,y,z\n", "--user-column"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_name_file_and_line(folder: Path, name: str) -> None:
    text, message = BAD[name]
    (folder / "ratings.csv").write_text(text)
    for command in (["recommend", "--user", "ann"], ["similar", "--item", "1"], ["evaluate"]):
        assert message in fails(command[0], folder / "ratings.csv", *command[1:])


def test_rows_that_lack_a_value_can_be_dropped(folder: Path) -> None:
    (folder / "ratings.csv").write_text(RATINGS.replace("cleo,4,2", "cleo,,2"))
    assert "give --drop-bad" in fails("recommend", folder / "ratings.csv", "--user", "ann")
    result = run("recommend", folder / "ratings.csv", "--user", "ann", "--drop-bad", "--json")
    assert result.exit_code == 0
    assert "line 11" in result.stderr
    assert json.loads(result.stdout)["recommendations"]


def test_bad_calls_are_one_line(folder: Path) -> None:
    ratings = folder / "ratings.csv"
    assert "does not exist" in fails("recommend", folder / "none.csv", "--user", 1)
    assert "unknown id 'zoe'; known ids look like 'ann'" in fails("recommend", ratings, "--user", "zoe")
    assert "give --user ID or --all-users" in fails("recommend", ratings)
    assert "needs --output" in fails("recommend", ratings, "--all-users")
    assert ".parquet" in fails("recommend", ratings, "--all-users", "-o", folder / "out.xlsx")
    assert "there is no folder" in fails("recommend", ratings, "--all-users", "-o", folder / "no" / "out.csv")
    assert "model.safetensors" in fails("fit", ratings, "-o", folder / "model.bin")
    assert "10,20" in fails("evaluate", ratings, "-k", "0")
    assert "none of its ids" in fails("recommend", ratings, "--user", "ann", "--items", _other_items(folder))
    assert "temperature" in fails("recommend", ratings, "--user", "ann", "--temperature", "-1")
    assert "No such command" in fails("recomend")
    told("fit", ratings, "-o", folder / "model.safetensors")
    assert "is a model" in fails("evaluate", folder / "model.safetensors")
    assert "is a model" in fails("recommend", folder / "model.safetensors", "--user", "ann", "--implicit")
    (folder / "cut.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:400])
    assert "cut.safetensors" in fails("recommend", folder / "cut.safetensors", "--user", "ann")


def _other_items(folder: Path) -> Path:
    path = folder / "unrelated.csv"
    path.write_text("id,title\n777,Nothing\n")
    return path


def test_a_failed_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attnrec.models import NeighbourAttention

    path = folder / "out.csv"
    path.write_text("old")

    def stop(*args: object, **kwargs: object) -> Any:
        yield from ()
        raise ValueError("stopped half way")

    monkeypatch.setattr(NeighbourAttention, "recommend_batches", stop)
    assert "stopped half way" in fails("recommend", *small(folder), "--all-users", "-o", path)
    assert path.read_text() == "old"
    assert {path.name for path in folder.iterdir()} == {"ratings.csv", "drinks.csv", "out.csv"}


def test_an_unexpected_error_is_named_and_can_be_traced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attnrec.models import NeighbourAttention

    monkeypatch.setattr(NeighbourAttention, "recommend", lambda *a, **k: 1 / 0)
    assert "ATTNREC_DEBUG=1" in fails("recommend", *small(folder), "--user", "ann", code=1)
    monkeypatch.setenv("ATTNREC_DEBUG", "1")
    assert isinstance(run("recommend", *small(folder), "--user", "ann").exception, ZeroDivisionError)


def test_as_a_process(folder: Path) -> None:
    with spawn("recommend", *small(folder), "--user", "ann", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert json.loads(out)["user"] == "ann"
    assert err == ""
    with spawn("recommend", folder / "none.csv", "--user", 1) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)


@pytest.mark.serial
@pytest.mark.skipif(os.name == "nt", reason="signals and pipes of POSIX")
def test_interrupt_and_broken_pipe(folder: Path) -> None:
    code = "import attnrec.cli._source as s, attnrec.cli._group as g\n"
    code += "s.open_source = lambda *a, **k: (print('ready', flush=True), signal.pause())\n"
    code += f"g.main(['recommend', {str(folder / 'ratings.csv')!r}, '--user', '1'])"
    assert interrupted(code) == "attnrec: interrupted"

    with spawn("demo", "-k", 200) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141
