"""Indexes in files: the same bits, damage refused by name, one copy in memory for several processes."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnrec as ar
from sharing import pss

SUM_AT = 120  # the last 8 of the header's 128 bytes
MEASURED = """
import numpy as np
import attnrec as ar

index = ar.ItemIndex.open(sys.argv[1], mmap=sys.argv[2] == "mapped")
query = np.full(index.shape[1], 0.5, dtype=np.float32)
for precision in ("float32", "int8"):
    index.searcher(10, precision=precision)(query)
index.ids.sum()
"""


def given(n: int, d: int = 16, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32)


@pytest.mark.parametrize("mmap", [True, False])
@pytest.mark.parametrize("precision", ["auto", "float32", "int8"])
@pytest.mark.parametrize("n", [0, 1, 13, 2005])
def test_opens_as_it_was(n: int, precision: Any, mmap: bool, tmp_path: Path) -> None:
    for ids in (None, np.random.default_rng(1).permutation(n) * 3):
        index = ar.ItemIndex(given(n), ids=ids, precision=precision)
        index.save(tmp_path / "x.index")
        opened = ar.ItemIndex.open(tmp_path / "x.index", mmap=mmap)
        assert opened.precision == precision
        assert opened.shape == index.shape
        np.testing.assert_array_equal(opened.features, index.features)
        assert (opened.ids is None) == (ids is None)
        for query in given(3, seed=2):
            for how in ("auto", "float32", "int8"):
                a, b = (ar.topk(query, x, 7, weights=False, precision=how) for x in (index, opened))
                np.testing.assert_array_equal(a.ids, b.ids)
                np.testing.assert_array_equal(a.scores, b.scores)
            if ids is not None and n:
                seen = ids[: n // 2]
                a, b = (x.searcher(7)(query, exclude=seen) for x in (index, opened))
                np.testing.assert_array_equal(a[0], b[0])
        opened.append(given(2, seed=5), ids=None if ids is None else [1, 2])
        assert len(opened) == n + 2
        assert os.listdir(tmp_path) == ["x.index"]


def test_an_open_file_may_be_replaced(tmp_path: Path) -> None:
    path, query = tmp_path / "x.index", given(1, seed=1)[0]
    ar.ItemIndex(given(5000)).save(path)
    opened = ar.ItemIndex.open(path)
    before = ar.topk(query, opened, 5, weights=False).ids
    ar.ItemIndex(given(10)).save(path)
    np.testing.assert_array_equal(ar.topk(query, opened, 5, weights=False).ids, before)
    assert len(ar.ItemIndex.open(path)) == 10


def test_names_of_an_opened_index_are_read_only(tmp_path: Path) -> None:
    ar.ItemIndex(given(5), ids=[5, 4, 3, 2, 1]).save(tmp_path / "x.index")
    ids = ar.ItemIndex.open(tmp_path / "x.index").ids
    assert ids is not None
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


def checksum(header: bytes) -> bytes:
    out = 0xCBF29CE484222325
    for byte in header[:SUM_AT]:
        out = ((out ^ byte) * 0x100000001B3) % 2**64
    return struct.pack("<Q", out)


# what is wrong: offset in the header, format, value, and what is said
WRONG = {
    "version": (8, "<I", 2, "version 2"),
    "order of bytes": (12, "<I", 0x04030201, "order of bytes"),
    "more items": (16, "<q", 4000, "truncated or damaged"),
    "items past what can be counted": (16, "<q", 2**62, "truncated or damaged"),
    "fewer than none": (16, "<q", -1, "truncated or damaged"),
    "wider": (24, "<q", 2**40, "truncated or damaged"),
    "a magnitude that is none": (80, "<f", float("nan"), "damaged: its largest magnitude is"),
    "panels of 16": (56, "<i", 16, "packed in another way"),
    "8-bit levels": (72, "<i", 3, "8-bit copies for other instructions"),
}


@pytest.mark.parametrize("case", WRONG)
def test_headers_that_are_refused(case: str, tmp_path: Path) -> None:
    offset, form, value, words = WRONG[case]
    path = tmp_path / "x.index"
    ar.ItemIndex(given(2005), ids=np.arange(2005)).save(path)
    data = bytearray(path.read_bytes())
    if case == "8-bit levels" and not data[44]:
        pytest.skip("this processor's kernels have no 8-bit copies")
    assert checksum(bytes(data)) == data[SUM_AT:128]
    data[offset : offset + struct.calcsize(form)] = struct.pack(form, value)
    path.write_bytes(data)
    if case not in ("version", "order of bytes"):
        with pytest.raises(ValueError, match=r"x\.index is damaged: its header does not add up"):
            ar.ItemIndex.open(path)
    data[SUM_AT:128] = checksum(bytes(data))
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"x\.index.*{words}.*(save the index again|float32)"):
        ar.ItemIndex.open(path)


@pytest.mark.parametrize("mmap", [True, False])
def test_files_that_are_refused(mmap: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.index"
    ar.ItemIndex(given(2005), ids=np.arange(2005)).save(path)
    whole = path.read_bytes()
    for size in (0, 5, 127, 128, 1000, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"x\.index.*truncated.*save the index again"):
            ar.ItemIndex.open(path, mmap=mmap)
    path.write_bytes(whole + b"0")
    with pytest.raises(ValueError, match="truncated or damaged"):
        ar.ItemIndex.open(path, mmap=mmap)
    path.write_bytes(b"PK" + whole[2:])
    with pytest.raises(ValueError, match="no index file"):
        ar.ItemIndex.open(path, mmap=mmap)
    for missing, error in (("nowhere", FileNotFoundError), ("", IsADirectoryError)):
        with pytest.raises(error):
            ar.ItemIndex.open(tmp_path / missing, mmap=mmap)
    with pytest.raises(FileNotFoundError, match="no folder"):
        ar.ItemIndex(given(5)).save(tmp_path / "nowhere" / "x.index")


def test_positions_outside_the_items_are_refused(tmp_path: Path) -> None:
    """What a damaged file makes a kernel read has to lie in it."""
    path, n = tmp_path / "x.index", 2005
    ar.ItemIndex(given(n), ids=np.arange(n)).save(path)
    whole = path.read_bytes()
    names = whole.index(np.arange(n, dtype=np.int64).tobytes())
    by_name = whole.index(np.arange(n, dtype=np.int64).tobytes(), names + 8)
    for at, value, what in ((by_name, n, "ids"), (by_name, -1, "ids"), (by_name, 1, "ids"), (names, 5, "ids")):
        path.write_bytes(whole[:at] + struct.pack("<q", value) + whole[at + 8 :])
        with pytest.raises(ValueError, match=rf"x\.index is damaged in its {what}.*save the index again"):
            ar.ItemIndex.open(path)
    norms = np.linalg.norm(given(n).astype(np.float64), axis=1).argsort()[::-1].astype(np.int32)
    at = whole.find(norms[:100].tobytes())
    if at < 0:
        pytest.skip("this processor's kernels have no 8-bit copies")
    for value in (n, -1):
        path.write_bytes(whole[:at] + struct.pack("<i", value) + whole[at + 4 :])
        with pytest.raises(ValueError, match="damaged in its order of norms"):
            ar.ItemIndex.open(path)


def test_several_processes_share_one_copy(tmp_path: Path) -> None:
    n, path = 150_000, tmp_path / "x.index"
    ar.ItemIndex(given(n, 64), ids=np.arange(n)[::-1]).save(path)
    size = path.stat().st_size / 2**20
    alone, four = (pss(MEASURED, path, "mapped", processes=count) for count in (1, 4))
    copies = pss(MEASURED, path, "read", processes=4)
    assert copies - four > 2.5 * size, "four processes that read the file have a copy each"
    python = (copies - 4 * size) / 4
    assert four < size * 1.1 + 4 * (python + 8), f"one copy of {size:.0f} MiB in four processes, alone {alone:.0f}"


def test_many_threads_search_an_opened_index(tmp_path: Path) -> None:
    index, query = ar.ItemIndex(given(3000)), given(1, seed=1)[0]
    index.save(tmp_path / "x.index")
    opened, wanted = ar.ItemIndex.open(tmp_path / "x.index"), index.searcher(5)(query)[0]
    found: list[bool] = []

    def often() -> None:
        search = opened.searcher(5)
        found.extend(np.array_equal(search(query)[0], wanted) for _ in range(50))

    team = [threading.Thread(target=often) for _ in range(4)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert len(found) == 200
    assert all(found)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_searches_an_opened_index(tmp_path: Path) -> None:
    ar.ItemIndex(given(30000)).save(tmp_path / "x.index")
    opened, query = ar.ItemIndex.open(tmp_path / "x.index"), given(1, seed=1)[0]
    wanted = ar.topk(query, opened, 5, weights=False).ids
    child = os.fork()
    if child == 0:
        fine = np.array_equal(ar.topk(query, opened, 5, weights=False).ids, wanted)
        fine &= np.array_equal(opened.searcher(5)(query)[0], wanted)
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
