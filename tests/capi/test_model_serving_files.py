"""Model files that the C interface refuses: truncated, hostile or of somebody else. Never a crash."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.sparse import csr_array

import attnrec
from estimators import ITEMS, USERS
from served import Service, equal, forge, saved

if attnrec.backend() != "compiled":
    pytest.skip("there is no C interface without the compiled extension", allow_module_level=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


def refused(service: Service, path: Path, says: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)^model_open: .*{path.name}.*({says})"), service.open(path):
        pass


def put(name: str, at: int, value: float) -> Callable[[Any, Any], None]:
    def change(header: Any, arrays: Any) -> None:
        arrays[name][at] = value

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("histories.indptr", 1, 1000), "rows 'histories': indptr decreases at row 1"),
        (put("histories.indptr", -1, 3), "indptr decreases at row 39"),
        (put("histories.indptr", -1, 10**6), "indptr ends at 1000000 of"),
        (lambda h, a: put("histories.indptr", -1, len(a["histories.data"]) - 1)(h, a), "indptr ends at"),
        (put("histories.indptr", 0, -1), "indptr does not start with 0"),
        (put("histories.indices", 2, ITEMS), "row 0 has a column past the last"),
        (put("values.indices", 0, -1), "'values': row 0 has a column past the last"),
        (put("values.indices", 1, 0), "'values': row 0 is not sorted"),
        (put("histories.data", 0, np.nan), "'histories.data' with values that are not finite"),
        (put("unit", 3, np.inf), "'unit' with values that are not finite"),
        (lambda h, a: a.pop("unit"), "no tensor 'unit'"),
        (lambda h, a: a.pop("histories.indptr"), "no tensor 'histories.indptr'"),
        (lambda h, a: a.update(unit=a["unit"][:-1]), r"'unit' of type F32 and shape \(\d+,\) instead of F32 and"),
        (lambda h, a: a.update(unit=a["unit"].astype(np.float64)), r"'unit' of type F64"),
        (lambda h, a: a.update(unit=a["unit"].astype(np.float16)), "'unit' of type 'F16', which is none of"),
        (lambda h, a: a.update({"histories.indptr": a["histories.indptr"][:-1]}), "do not fit"),
        (lambda h, a: a.update({"values.indices": a["values.indices"].astype(np.int64)}), "do not fit"),
        (lambda h, a: h["shapes"].update(histories=[USERS, 10**15]), "no shape of 'histories'"),
        (lambda h, a: h["shapes"].update(histories=[-9, ITEMS]), "no shape of 'histories'"),
        (
            lambda h, a: h["shapes"].update(histories=[USERS, 2**30]),
            r"'histories' would have 1073741824 columns",
        ),
        (lambda h, a: h["shapes"].update(histories=[USERS]), "no shape of 'histories'"),
        (lambda h, a: h["shapes"].update(histories="96"), "no shape of 'histories'"),
        (lambda h, a: h["shapes"].pop("values"), "no shape of 'values'"),
        (lambda h, a: h["shapes"].update(values=[USERS, 3 * ITEMS]), r"'values' of shape \(40, 75\) instead of"),
        (lambda h, a: h["facts"].update(feedback="sold"), "feedback of 'sold'"),
        (lambda h, a: h["facts"].update(features=["raw"]), "features of ''"),
        (lambda h, a: h["facts"].update(temperature="hot"), "temperature that is no number of at least 0.0001"),
        (lambda h, a: h["facts"].update(temperature=0.0), "temperature that is no number of at least 0.0001"),
        (lambda h, a: h["facts"].update(damping=-1.0), "damping that is no number of at least 0"),
        (lambda h, a: h["facts"].update(overall=float("inf")), "damaged description of the model"),
        (lambda h, a: h["facts"].pop("damping"), "does not say what damping is"),
        (lambda h, a: h.update(params=[1]), "damaged description"),
        (lambda h, a: h.pop("facts"), "damaged description"),
        (lambda h, a: h.update(format=2), "another model format than 1"),
        (lambda h, a: h.update({"class": "Somebody\n"}), r"'Somebody\?' cannot be served"),
    ],
)
def test_forged_files(change: Callable[[Any, Any], Any], says: str, service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("neighbours", "explicit", tmp_path)
    forge(path, change)
    refused(service, path, says)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda h, a: a.update(first=a["first"].astype(np.float32)),
            r"'first' of type F32 and shape .* instead of F64",
        ),
        (lambda h, a: a.update(second=a["second"][:-1]), "'second' of type F64 and shape"),
        (put("second", 4, np.nan), "'second' with values that are not finite"),
        (lambda h, a: h["facts"].update(passes=3), "has 3 passes instead of 1 or 2"),
        (lambda h, a: h["facts"].update(residual_weight=1.5), "residual_weight that is more than 1"),
        (
            lambda h, a: h["facts"].update(second_pass_item_temperature=0.0),
            "second_pass_item_temperature that is no number of at least 0.0001",
        ),
        (lambda h, a: h["facts"].update(noise=0.0), "noise that is no number of at least 1e-09"),
        (
            lambda h, a: h["facts"].update(item_temperature=1e30, product_kernel_weight=1e30),
            "a system of .* equations is singular",
        ),
        (lambda h, a: h["shapes"].update(histories=[USERS, 20_000]), "kernels between 20000 items, .* raise it"),
    ],
)
def test_forged_regressors(change: Callable[[Any, Any], Any], says: str, service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("regressor", "explicit", tmp_path)
    forge(path, change)
    with pytest.raises(ValueError, match=says), service.open(path):
        pass


@pytest.mark.parametrize(
    ("name", "former", "says"),
    [
        ("kernel, both", {"side": "both"}, "'side'"),
        ("softmax, free", {"users": "free", "decay": "cosine"}, "'users', 'decay'"),
        ("regressor", {"own": 0.4, "same": 0.05, "joint": 1.0, "bias": 0.1}, "'own', 'same', 'joint', 'bias'"),
    ],
)
def test_parameters_of_another_version_are_refused_by_name(
    name: str, former: dict[str, Any], says: str, service: Service, tmp_path: Path
) -> None:
    _, path, _ = saved(name, "explicit", tmp_path)
    forge(path, lambda h, a: h["params"].update(former))
    refused(service, path, rf"parameters of another version of attnrec \({says}\).*save it again with this version")


def with_header(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Rewrite the bytes of a file's JSON header, and the length before it."""
    whole = path.read_bytes()
    end = 8 + struct.unpack("<Q", whole[:8])[0]
    header = change(whole[8:end])
    path.write_bytes(struct.pack("<Q", len(header)) + header + whole[end:])


def entry(name: str, **fields: Any) -> Callable[[bytes], bytes]:
    """Changes what the header says of one tensor."""

    def change(header: bytes) -> bytes:
        table = json.loads(header)
        table[name].update(fields)
        out = json.dumps(table).encode()
        return out + b" " * (-len(out) % 8)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (entry("unit", data_offsets=[-8, 4]), "'unit' does not have a dtype, a shape and two offsets"),
        (entry("unit", data_offsets=[0, 2**63]), "'unit' does not have"),
        (entry("unit", data_offsets=[0]), "'unit' does not have"),
        (entry("unit", data_offsets=[8, 4]), "'unit' of type F32 and shape .* lies in bytes 8 to 4"),
        (entry("unit", shape=[2**62, 4], data_offsets=[0, 0]), "'unit' .* lies in"),
        (entry("unit", shape=[2**32, 2**32], data_offsets=[0, 0]), "'unit' .* lies in"),
        (entry("unit", shape=[2**61], data_offsets=[0, 2**63 - 1]), "'unit' .* lies in"),
        (entry("unit", shape=[2**40], data_offsets=[0, 2**42]), "'unit' ends at byte 4398046511104 of"),
        (entry("unit", shape=[0], data_offsets=[0, 0]), "begins at byte"),
        (entry("unit", shape=[1], data_offsets=[0, 4]), "begins at byte"),
        (entry("unit", shape=[1] * 9), "'unit' does not have"),
        (entry("unit", shape=[-1]), "'unit' does not have"),
        (entry("unit", shape=1), "'unit' does not have"),
        (entry("unit", dtype=7), "'unit' of type ''"),
        (entry("unit", more=1), "'unit' does not have"),
        (lambda h: h + b" ", "at byte .* where it can not be read in place"),
        (lambda h: h + b"x", "no JSON, .* there is more after the value"),
        (lambda h: h.rstrip()[:-1] + b',"unit":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}', "a name twice"),
        (lambda h: b'{"a":' * 10**5, "nested too deep"),
        (lambda h: b"[" * 10**5, "nested too deep"),
        (lambda h: b"[" + b"0," * 2**20 + b"0]", "too many values"),
        (lambda h: b"[]", "its header is no object"),
        (lambda h: b"", "at byte 0 there is no value"),
        (lambda h: b'{"\xff":1}', "a string is not UTF-8"),
        (lambda h: b'{"\xed\xa0\x80":1}', "a string is not UTF-8"),
        (lambda h: b'{"\xc0\x80":1}', "a string is not UTF-8"),
        (lambda h: b'{"\xf4\x90\x80\x80":1}', "a string is not UTF-8"),
        (lambda h: b'{"\xe2\x82', "a string is not UTF-8"),
        (lambda h: b'{"\\ud800":1}', "surrogate pair"),
        (lambda h: b'{"\\udc00":1}', "surrogate pair"),
        (lambda h: b'{"\\u12g4":1}', "four hexadecimal digits"),
        (lambda h: b'{"\\x":1}', "no such escape"),
        (lambda h: b'{"a\n":1}', "control character"),
        (lambda h: b'{"a', "a string does not end"),
        (lambda h: b'{"a\\', "no such escape"),
        (lambda h: b'{"a" 1}', "':' is missing"),
        (lambda h: b'{"a":1 "b":2}', "',' or '}' is missing"),
        (lambda h: b'{"a":1,}', "there is no name"),
        (lambda h: b'{"a":[1 2]}', "',' or ']' is missing"),
        (lambda h: b'{"a":01}', "is missing"),
        (lambda h: b'{"a":1e999}', "too large"),
        (lambda h: b'{"a":-}', "there is no value"),
        (lambda h: b'{"a":1.}', "there is no value"),
        (lambda h: b'{"a":NaN}', "there is no value"),
        (lambda h: b'{"a":+1}', "there is no value"),
        (lambda h: b'{"a":tru}', "there is no value"),
        (lambda h: b'{"__metadata__":null}', "its tensors take 0 bytes"),
    ],
)
def test_hostile_headers(change: Callable[[bytes], bytes], says: str, service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("neighbours", "explicit", tmp_path)
    with_header(path, change)
    refused(service, path, says)


def test_a_header_is_read_as_json(service: Service, tmp_path: Path) -> None:
    """What is JSON is understood, however it is written."""
    model, path, _ = saved("neighbours", "explicit", tmp_path)

    def spelled(header: bytes) -> bytes:
        table = json.loads(header)
        odd = {'\t\u00e9\u20ac\U0001f600/\\"': [-0, -1.5e-3, 2**63 - 1, -(2**63), 2**64, True, False, None, {}, [], ""]}
        text = json.loads(table["__metadata__"]["attnrec"])
        text["params"] = odd
        told = json.dumps(text).replace("model", "\\u006dodel").replace("/", "\\/")
        escaped = '"' + "".join(f"\\u{ord(c):04x}" for c in told) + '"'
        table["__metadata__"] = {"attnrec": "here"} | {"more": json.dumps(odd, ensure_ascii=False)}
        out = json.dumps(table, indent=3, ensure_ascii=False).replace('"here"', escaped).encode()
        return out + b" " * (-len(out) % 8)

    with_header(path, spelled)
    with service.open(path) as served:
        users = np.arange(USERS)
        equal(service.recommend(served, userids=users), model.recommend(users), 0)


def test_lengths_that_lie(service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("neighbours", "explicit", tmp_path)
    whole = path.read_bytes()
    for length in (2**64 - 1, 2**63 - 1, 2**63, 2**32, len(whole) - 7):
        path.write_bytes(struct.pack("<Q", length) + whole[8:])
        refused(service, path, "truncated or no model file: its header")
    path.write_bytes(struct.pack("<Q", 2**25) + b"{" + bytes(2**25))
    refused(service, path, "its header would have 33554432 bytes")


def test_every_truncation(service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("kernel, both", "implicit", tmp_path)
    whole = path.read_bytes()
    for n in [*range(0, 40), *range(40, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:n])
        refused(service, path, "truncated|damaged")
    path.write_bytes(whole + b"more")
    refused(service, path, "truncated or damaged")


@pytest.mark.parametrize("name", ["neighbours", "kernel, both", "softmax, features", "regressor"])
def test_flipped_bits_never_crash(name: str, service: Service, tmp_path: Path) -> None:
    _, path, _ = saved(name, "explicit", tmp_path)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    header = 8 + struct.unpack("<Q", whole[:8])[0]
    places = [*rng.integers(0, header, 150), *rng.integers(header, len(whole), 150)]
    opened = 0
    for at in places:
        damaged = whole.copy()
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(ValueError), service.open(path) as served:
            _, n_users, n_items = service.info(served)
            ids, _, counts = service.recommend(served, csr_array(np.ones((2, n_items), np.float32)), keep=True)
            assert ids.min() >= -1
            assert ids.max() < n_items
            assert np.all((ids >= 0).sum(axis=1) == counts)
            service.recommend(served, userids=[n_users - 1])
            opened += 1
    assert 0 < opened < len(places)


def test_files_of_other_kinds(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "other"
    save_file({"x": np.zeros(3)}, path)
    refused(service, path, "holds tensors, but no model of attnrec")
    save_file({"x": np.zeros(3)}, path, metadata={"attnrec": "[" * 100_000})
    refused(service, path, "damaged description of the model, .* nested too deep")
    for text in (b"", b"userId,movieId\n1,2\n", b"\x80\x04}q\x00."):
        path.write_bytes(text)
        refused(service, path, "truncated|no model file")
    refused(service, tmp_path, "can not be read .*directory")
    refused(service, tmp_path / "nowhere", r"can not be read \(No such file.*model\.save\(path\) wrote")
    os.mkfifo(tmp_path / "pipe")
    refused(service, tmp_path / "pipe", "can not be read")
