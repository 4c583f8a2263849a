"""Files by their first bytes: any file and its packed form are read alike, whatever they are called."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import Interactions, read_items
from attnrec.features import FeatureEncoder

BODY = b"user,item,rating\n1,a,3\n2,b,4\n"


def arrow(data, codec):
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


def zipped(members=None, **more):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**(members or {}), **{k.replace("_", "."): data for k, data in more.items()}}.items():
            archive.writestr(name, data)
    return sink.getvalue()


def tarred(data):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        info = tarfile.TarInfo("ratings.csv")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


PACKED = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: arrow(data, "zstd"),
    "lz4": lambda data: arrow(data, "lz4"),
    "zip": lambda data: zipped({"x/": "", "x/ratings.csv": data, "__MACOSX/x": "junk"}),
    "stored zip": lambda data: zipped(ratings_csv=data),
    "plain": lambda data: data,
}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("name", ["ratings.csv", "ratings.csv.gz", "ratings.zip", "ratings", "ratings.parquets"])
def test_any_packing_under_any_name(kind, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(PACKED[kind](BODY))
    for read in (Interactions.from_csv, Interactions.from_file):
        data = read(path)
        assert list(data.users) == [1, 2]
        assert data.user_items.toarray().tolist() == [[3, 0], [0, 4]]
    path.write_bytes(PACKED[kind](b"id,title\n1,Heat\n"))
    assert read_items(path).titles == ["Heat"]
    path.write_bytes(PACKED[kind](b"id,size\n1,5\n2,6\n"))
    assert list(FeatureEncoder(numbers="size").fit_transform(path).ids) == [1, 2]


@pytest.mark.parametrize("kind", ["gzip", "bz2", "xz", "zstd", "lz4"])
def test_streams_that_follow_each_other_and_streams_that_are_cut(kind, tmp_path):
    rows = [f"{k},{k * 7919 % 1000},{k % 5}\n".encode() for k in range(100_000)]
    half = PACKED[kind](b"".join(rows[:50_000]))
    path = tmp_path / "x"
    path.write_bytes(half + PACKED[kind](b"".join(rows[50_000:])))
    assert Interactions.from_csv(path).report.n_rows == 100_000
    for cut in (half[: len(half) // 2], half[:-3]):
        path.write_bytes(cut)
        with pytest.raises(ValueError, match=r"x: cannot be read or decompressed \(.*\); is the file complete\?"):
            Interactions.from_csv(path)


def test_line_numbers_in_packed_files(tmp_path):
    for kind, pack in PACKED.items():
        path = tmp_path / "x"
        path.write_bytes(pack(BODY + b'\n3,"c\n",bad\n'))
        with pytest.raises(ValueError, match="x:5: rating 'bad' is not a number"):
            Interactions.from_csv(path)
        assert kind in PACKED


def parquet(**columns):
    sink = io.BytesIO()
    pd.DataFrame(columns).to_parquet(sink)
    return sink.getvalue()


TABLE = parquet(user=[1, 2], item=["a", "b"], rating=[3.0, 4.0])
OTHERS = {
    "two members": (
        zipped(a_csv=BODY, b_csv=BODY),
        r"a zip archive of 2 files \(a\.csv, b\.csv\); unpack it and give the",
    ),
    "no member": (zipped(), "a zip archive of 0 files; unpack it"),
    "excel": (
        zipped({"xl/workbook.xml": "", "b": "x"}),
        r"an Excel workbook; give pandas\.read_excel\(path\) to from_frame",
    ),
    "twice": (gzip.compress(gzip.compress(BODY)), "packed twice, as gzip is inside it; unpack it once"),
    "zip of gzip": (zipped(a_gz=gzip.compress(BODY)), "packed twice, as gzip is inside it"),
    "Parquet": (TABLE, "this is a Parquet file; read it with from_parquet"),
    "packed Parquet": (
        gzip.compress(TABLE),
        "a Parquet file that was compressed: unpack it and read it with from_parquet",
    ),
    "tar": (tarred(BODY), "this is a tar archive; unpack it"),
    "tar.gz": (gzip.compress(tarred(BODY)), "this is a tar archive; unpack it"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0", "this is a 7z archive"),
    "Arrow": (b"ARROW1\0\0\0", r"this is an Arrow file; give pyarrow\.feather\.read_table\(path\) to from_frame"),
    "SQLite": (b"SQLite format 3\0", "this is an SQLite database"),
    "utf-16": ("user,item\n1,2\n".encode("utf-16"), r"holds zero bytes.*pass encoding= \('utf-16'\?\)"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_text_says_what_it_is(kind, tmp_path):
    data, message = OTHERS[kind]
    path = tmp_path / "ratings.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        Interactions.from_csv(path)
    assert "\n" not in str(caught.value)
    if kind == "utf-16":
        assert len(Interactions.from_csv(path, encoding="utf-16")) == 1


def test_zip_that_is_damaged_or_encrypted(tmp_path):
    path = tmp_path / "x.csv"
    whole = zipped(ratings_csv=BODY * 50)
    path.write_bytes(whole[:-30])
    with pytest.raises(ValueError, match=r"x\.csv: cannot be read or decompressed"):
        Interactions.from_csv(path)
    at = whole.index(b"ratings.csv") + len("ratings.csv") + 5
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"x\.csv"):
        Interactions.from_csv(path)
    central = whole.index(b"PK\x01\x02") + 8
    path.write_bytes(whole[:central] + b"\x01" + whole[central + 1 :])
    with pytest.raises(ValueError, match=r"ratings\.csv in this zip archive is encrypted; unpack it"):
        Interactions.from_csv(path)


def test_parquet_under_any_name(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(TABLE)
    assert list(Interactions.from_file(path).users) == [1, 2]
    assert list(Interactions.from_parquet(path).users) == [1, 2]
    assert list(read_items(path, id="user", title="item").titles) == ["a", "b"]
    for option in ({"header": False}, {"separator": ","}, {"encoding": "latin-1"}):
        for read in (Interactions.from_file, lambda path, **more: read_items(path, id="user", **more)):
            with pytest.raises(
                ValueError, match=f"this is Parquet, and {next(iter(option))}= is for text; leave it out"
            ):
                read(path, **option)
    assert len(Interactions.from_file(path, header=None, separator=None, encoding="utf-8")) == 2
    text = tmp_path / "ratings.parquet"
    text.write_bytes(BODY)
    for read in (Interactions.from_file, Interactions.from_parquet, read_items):
        with pytest.raises(ValueError, match="not a whole Parquet file; if it is text, read it with from_csv"):
            read(text)
    text.write_bytes(gzip.compress(TABLE))
    with pytest.raises(ValueError, match="not a whole Parquet file; it begins like gzip: unpack it, or"):
        Interactions.from_parquet(text)


def test_encodings_that_are_none(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(BODY)
    for encoding in ("base64", "rot13", "klingon", None):
        with pytest.raises(ValueError, match=f"encoding={encoding!r} is not a text encoding"):
            Interactions.from_csv(path, encoding=encoding)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(st.lists(st.tuples(texts, texts, st.integers(1, 5)), min_size=1, max_size=8), st.sampled_from(list(PACKED)))
def test_a_file_and_its_packed_form_are_read_alike(tmp_path_factory, rows, kind):
    folder = tmp_path_factory.mktemp("packed")
    text = pd.DataFrame(rows, columns=["user", "item", "rating"]).to_csv(index=False, quoting=1).encode()
    (folder / "plain").write_bytes(text)
    (folder / "other").write_bytes(PACKED[kind](text))
    plain, other = Interactions.from_csv(folder / "plain"), Interactions.from_file(folder / "other")
    assert plain.users == other.users
    assert plain.items == other.items
    assert (plain.user_items != other.user_items).nnz == 0
