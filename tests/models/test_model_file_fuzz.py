"""Model files of every estimator, damaged at random: ValueError that names the file, or a model that answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from attnrec import models
from attnrec.data import Interactions
from attnrec.models.storage.model_file import read_header
from estimators import ESTIMATORS, KINDS, made

NAME = "a damaged model.safetensors"
DTYPES = (np.float16, np.float32, np.float64, np.int8, np.uint8, np.int32, np.int64, np.bool_)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture(
    scope="module", params=[(e, k) for e in ESTIMATORS for k in KINDS], ids=lambda p: f"{p[0].__name__}-{p[1]}"
)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Any, Path]:
    """A file that loads, its header, and where to write another one."""
    estimator, kind = request.param
    path = tmp_path_factory.mktemp("fuzz") / NAME
    x = made(kind)
    users, items = [f"u{u}" for u in range(x.shape[0])], [(i, f"i{i}") if i % 2 else i for i in range(x.shape[1])]
    data = Interactions.from_sparse(x, users, items, explicit=kind == "explicit")
    estimator().fit(data, show_progress=False).save(path)
    return path.read_bytes(), read_header(path), path


def bytes_changed(draw: Callable[[Any], Any], data: bytes) -> bytes:
    """Bits flipped, most in the header; cut short, made longer, or a part written twice."""
    out = bytearray(data)
    head = 8 + int.from_bytes(data[:8], "little")
    for _ in range(draw(st.integers(0, 3))):
        out[draw(st.integers(0, head - 1) | st.integers(0, len(out) - 1))] ^= 1 << draw(st.integers(0, 7))
    first, last = sorted((draw(st.integers(0, len(out))), draw(st.integers(0, len(out)))))
    kind = draw(st.sampled_from(["as it is", "cut", "longer", "twice", "without"]))
    ways = {
        "cut": out[:last],
        "longer": out + b"\0" * 8,
        "twice": out[:last] + out[first:],
        "without": out[:first] + out[last:],
    }
    return bytes(ways.get(kind, out))


def header_changed(draw: Callable[[Any], Any], data: bytes, header: Any) -> bytes:
    """One place of the JSON header removed, renamed, or with another value."""
    header = json.loads(json.dumps(header))
    place: Any = header
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    if draw(st.booleans()):
        place[key] = draw(JSON)
    elif isinstance(place, dict) and draw(st.booleans()):
        place[draw(st.text(max_size=5))] = place.pop(key)
    else:
        place.pop(key)
    return save(load(data), metadata={"attnrec": json.dumps(header)})


def tensor_changed(draw: Callable[[Any], Any], data: bytes, header: Any) -> bytes:
    """One tensor removed, doubled, of another shape or type, or with another number in it."""
    arrays = {k: v.copy() for k, v in load(data).items()}
    name = draw(st.sampled_from(sorted(arrays)))
    x = arrays[name]
    kind = draw(
        st.sampled_from(["drop", "other", "dtype", "shorter", "longer", "axis", "number", "number", "shuffled"])
    )
    if kind == "drop":
        arrays.pop(name)
    elif kind == "other":
        arrays[name] = arrays[draw(st.sampled_from(sorted(arrays)))]
    elif kind == "dtype":
        with np.errstate(all="ignore"):
            arrays[name] = x.astype(draw(st.sampled_from(DTYPES)))
    elif kind == "shorter":
        arrays[name] = x[: draw(st.integers(0, len(x)))] if x.ndim else x
    elif kind == "longer":
        arrays[name] = np.concatenate([x, x[:1]]) if x.ndim else x[None]
    elif kind == "axis":
        arrays[name] = x[..., None] if draw(st.booleans()) else x.T.copy()
    elif kind == "shuffled":
        arrays[name] = np.ascontiguousarray(x[::-1]) if x.ndim else x
    elif x.size:
        whole = [-1, 0, 1, 2, 24, 25, 26, 40, 127, -(2**31), 2**31 - 1]
        some = [-1.0, 0.0, 1e-45, 1e-30, 1e30, 3e38, -3e38, np.nan, np.inf]
        value = draw(st.sampled_from(whole if x.dtype.kind in "iu" else some))
        x.flat[draw(st.integers(0, x.size - 1))] = np.array(value).astype(x.dtype)
    return save(arrays, metadata={"attnrec": json.dumps(header)})


@given(st.data())
def test_a_damaged_file_is_refused_or_answers(whole: tuple[bytes, Any, Path], data: st.DataObject) -> None:
    good, header, path = whole
    way = data.draw(st.sampled_from(["bytes", "header", "tensor"]))
    if way == "bytes":
        damaged = bytes_changed(data.draw, good)
    else:
        damaged = (header_changed if way == "header" else tensor_changed)(data.draw, good, header)
    path.unlink(missing_ok=True)  # an earlier one may still be mapped
    path.write_bytes(damaged)
    try:
        model = models.load(path, mmap=data.draw(st.booleans()))
    except ValueError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert NAME in told
        return
    ids, scores = model.recommend(np.arange(min(model.n_users, 50)), N=4)
    assert np.all((ids >= -1) & (ids < model.n_items))
    assert np.array_equal(ids >= 0, np.isfinite(scores))
