"""Files that are there whole or not at all: one write, synced, with the permissions of any new file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import safetensors.numpy

from attnrec import ItemIndex
from attnrec._util.files import written_beside
from attnrec.cli._write import write_tables
from outside_ids import named_model

MODEL = named_model(["ann", "bob"], [7, 9, 8])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_with_ids_and_titles_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, done = tmp_path / "m", []

    def told(name: str, module: Any) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args, **kwargs: (done.append(name), real(*args, **kwargs))[1])

    told("save_file", safetensors.numpy)
    told("replace", os)
    told("fsync", os)
    monkeypatch.setattr(os, "umask", None)  # of the whole process: nobody may touch it
    MODEL.save(path, titles={7: "Heat"})
    assert done == ["save_file", "fsync", "replace", *(["fsync"] if os.name != "nt" else [])]
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("broken", ["save_file", "fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_an_interrupted_write_leaves_the_old_file(
    broken: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    MODEL.save(path, titles={7: "Heat"})
    before = contents(tmp_path)

    def stop(*args: Any, **kwargs: Any) -> None:
        if broken == "save_file":
            Path(args[1]).write_bytes(b"half")
        raise error

    monkeypatch.setattr(safetensors.numpy if broken == "save_file" else os, broken, stop)
    with pytest.raises(type(error)):
        MODEL.save(path, titles={7: "Ran"})
    monkeypatch.undo()
    assert contents(tmp_path) == before


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o007, 0o000, 0o222])
def test_permissions_are_those_of_any_new_file(umask: int, tmp_path: Path) -> None:
    code = """
import os, sys, pyarrow
os.umask(int(sys.argv[1]))
from pathlib import Path
from attnrec.cli._write import write_tables
from attnrec import ItemIndex
from outside_ids import named_model
folder = Path(sys.argv[2])
named_model(["ann", "bob"], [7, 9, 8]).save(folder / "model", titles={7: "Heat"})
ItemIndex([[1.0, 2.0]]).save(folder / "index")
for name in ("t.csv", "t.parquet", "t.jsonl"):
    write_tables(folder / name, [pyarrow.table({"a": [1]})])
assert os.umask(0) == int(sys.argv[1])
"""
    path = os.pathsep.join([str(Path(__file__).parents[1] / "support"), os.environ.get("PYTHONPATH", "")])
    subprocess.run(
        [sys.executable, "-c", code, str(umask), str(tmp_path)], check=True, env=os.environ | {"PYTHONPATH": path}
    )
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("model", "index", "t.csv", "t.parquet", "t.jsonl"), 0o666 & ~umask)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    for save in (
        MODEL.save,
        ItemIndex([[1.0, 2.0]]).save,
        lambda path: write_tables(path.with_suffix(".csv"), [pa.table({"a": [1]})]),
    ):
        with pytest.raises(
            FileNotFoundError, match=r"there is no folder '.*gone' to save 'm(\.csv)?' in: make it first"
        ):
            save(tmp_path / "gone" / "m")
    with pytest.raises(IsADirectoryError, match=r"is a folder: name a file in it"):
        MODEL.save(tmp_path)
    with pytest.raises(ZeroDivisionError), written_beside(tmp_path / "a") as part:
        part.write_text(f"half{1 // 0}")
    assert not list(tmp_path.iterdir())
