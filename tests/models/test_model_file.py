"""Model files that are truncated, hostile or of somebody else: ValueError with the file's name, never a crash."""

from __future__ import annotations

import contextlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array

from attnrec import models
from attnrec.models import NeighbourAttention
from attnrec.models.storage.model_file import read_header

State = dict[str, Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "my model.safetensors"
    rng = np.random.default_rng(0)
    NeighbourAttention().fit(csr_array(np.where(rng.random((9, 6)) < 0.5, rng.integers(1, 6, (9, 6)), 0))).save(path)
    return path


def forge(path: Path, change: Callable[[dict[str, Any], State], Any]) -> None:
    """Rewrite a model file with its header and arrays changed, as a valid safetensors file."""
    header, arrays = read_header(path), {k: v.copy() for k, v in load_file(path).items()}
    change(header, arrays)
    save_file(arrays, path, metadata={"attnrec": json.dumps(header)})


def refused(path: Path, says: str) -> None:
    for load in (NeighbourAttention.load, models.load):
        for mmap in (True, False):
            with pytest.raises(ValueError, match=f"(?s)my model.safetensors.*({says})"):
                load(path, mmap=mmap)


def put(name: str, at: int, value: float) -> Callable[[Any, State], None]:
    def change(header: Any, arrays: State) -> None:
        arrays[name][at] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("histories.indptr", 1, 1000), "histories: indptr decreases at row 1"),
        (put("histories.indptr", -1, 10**6), "histories: indptr runs from 0 to 1000000"),
        (put("histories.indptr", -1, 3), "indptr decreases|past the last row"),
        (lambda h, a: put("histories.indptr", -1, len(a["histories.data"]) - 1)(h, a), "entries past the last row"),
        (put("histories.indptr", 0, -1), "histories: indptr"),
        (put("histories.indices", 2, 6), "histories: stored entry 2 is in column 6 of 6"),
        (put("values.indices", 0, -1), "values: stored entry 0 is in column -1"),
        (put("values.indices", 1, 0), "not sorted or holds a column twice|values"),
        (put("histories.data", 0, np.nan), "'histories.data' holds values that are not finite"),
        (put("means", 0, np.inf), "'means' holds values that are not finite"),
        (lambda h, a: a.pop("means"), "holds .* instead of"),
        (lambda h, a: a.pop("histories.indptr"), "histories.indptr"),
        (lambda h, a: a.update(extra=np.zeros(3, np.float32)), "holds .* instead of"),
        (lambda h, a: a.update(means=a["means"][:-1]), "means does not have dtype float32 and shape"),
        (lambda h, a: a.update(unit=a["unit"].astype(np.float64)), "unit does not have dtype float32"),
        (lambda h, a: a.update(unit=a["unit"].astype(np.float16)), "'unit' is of type F16"),
        (lambda h, a: a.update({"histories.data": a["histories.data"].astype(np.float64)}), "histories does not have"),
        (lambda h, a: a.update({"values.indices": a["values.indices"].astype(np.int64)}), "values do not fit together"),
        (lambda h, a: a.update({"histories.indptr": a["histories.indptr"][:-1]}), "histories: indptr has 9 entries"),
        (lambda h, a: h["shapes"].update(histories=[9, 10**15]), "10+ columns are too many"),
        (lambda h, a: h["shapes"].update(histories=[-9, 6]), "histories has shape"),
        (lambda h, a: h["shapes"].update(histories=[9]), "damaged"),
        (lambda h, a: h["shapes"].update(histories="96"), "histories has shape"),
        (lambda h, a: h["shapes"].update(values=[9, 6]), "values: stored entry"),
        (lambda h, a: h["facts"].update(feedback="sold"), "feedback is 'sold'"),
        (lambda h, a: h["facts"].update(feedback=["explicit"]), r"feedback is \['explicit'\]"),
        (lambda h, a: h["facts"].update(temperature="hot"), "temperature is 'hot', not a float"),
        (lambda h, a: h["facts"].update(overall=float("inf")), "overall is inf"),
        (lambda h, a: h["facts"].update(temperature=0.0), "temperature=0.0 must be finite and at least"),
        (lambda h, a: h["facts"].pop("damping"), "holds .* instead of"),
        (lambda h, a: h["params"].update(no_such=1), "no_such"),
        (lambda h, a: h["params"].update(temperature=-1), "temperature=-1"),
        (lambda h, a: h.update(params=[1]), "damaged header"),
        (lambda h, a: h.pop("facts"), "damaged header"),
        (lambda h, a: h.update(format=2), "format 2; this version of attnrec reads 1"),
        (lambda h, a: h.update(format="x" * 10**6), "format 'xxx"),
    ],
)
def test_forged_files_are_refused(path: Path, change: Callable[[Any, State], Any], says: str) -> None:
    forge(path, change)
    refused(path, says)


def test_another_estimator(path: Path) -> None:
    forge(path, lambda h, a: h.update({"class": "Somebody"}))
    with pytest.raises(ValueError, match=r"my model.safetensors' holds Somebody, not NeighbourAttention.*models\.load"):
        NeighbourAttention.load(path)
    for name in ("Somebody", "Recommender", "load", "os"):
        forge(path, lambda h, a, name=name: h.update({"class": name}))
        with pytest.raises(
            ValueError, match=f"holds a model of '{name}'; this version of attnrec has .*NeighbourAttention"
        ):
            models.load(path)


def test_parameters_of_another_version_are_refused_by_name(path: Path) -> None:
    forge(path, lambda h, a: h["params"].update(side="user", decay="cosine"))
    refused(path, r"parameters of another version of attnrec \('decay', 'side'\).*save it again with this version")


def test_every_truncation_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for n in [*range(0, 40), *range(40, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:n])
        with pytest.raises(ValueError, match=r"my model\.safetensors"):
            models.load(path)
    path.write_bytes(whole + b"more")
    refused(path, "truncated or no model file")


def test_flipped_bits_never_crash(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 400):
        damaged = whole.copy()
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError):
            model = models.load(path, mmap=False)
            assert model.recommend([0, 1], N=3)[0].shape == (2, 3)


def test_files_of_other_kinds(path: Path, tmp_path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}))
    refused(path, "no model file")
    path.write_text("userId,movieId\n1,2\n")
    refused(path, "no model file")
    path.write_bytes(b"")
    refused(path, "no model file")
    save_file({"x": np.zeros(3)}, path)
    refused(path, "holds tensors, but no model of attnrec")
    save_file({"x": np.zeros(3)}, path, metadata={"attnrec": "[" * 100_000})
    refused(path, "holds tensors, but no model")
    save_file({"x": np.zeros(3)}, path, metadata={"attnrec": "[1]"})
    refused(path, "format None")
    with pytest.raises(ValueError, match="is a folder"):
        models.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        models.load(tmp_path / "nowhere")


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    before = path.read_bytes()

    def stop(*_: Any) -> None:
        raise error

    model = NeighbourAttention().fit(csr_array(np.eye(3) + 1))
    monkeypatch.setattr("os.replace", stop)
    with pytest.raises(error):
        model.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_saved(path: Path) -> None:
    model = NeighbourAttention().fit(csr_array(np.eye(3) + 1))
    with pytest.raises(FileNotFoundError, match=r"no folder .*gone.* to save 'm'"):
        model.save(path.parent / "gone" / "m")
    model.set_params(damping=object())
    with pytest.raises(ValueError, match="NeighbourAttention cannot be saved, a parameter is not a plain number"):
        model.save(path)
    model.set_params(damping=np.float32(0.5))
    model.save(path)
    assert models.load(path).damping == 0.5
