"""Delimited text: layouts, true line numbers, one-line errors, streaming. Bad rows of frames are tested elsewhere."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import Interactions
from attnrec.data.io import streams as streams_module
from attnrec.data.io.streams import ByteStream, progress

HEAD = "userId,movieId,rating,timestamp\n"


def write(folder, text, name="ratings.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "userId,movieId,rating\n1,a,3\n2,b,4\n",
        "userId;movieId;rating\r\n1;a;3\r\n2;b;4\r\n",
        "userId\tmovieId\trating\n1\ta\t3\n2\tb\t4",
        "userId|movieId|rating\n1|a|3\n2|b|4\n",
        "userId::movieId::rating\n1::a::3\n2::b::4\n",
        "\ufeffuserId,movieId,rating\n1,a,3\n2,b,4\n",
        "\n\nuserId,movieId,rating\n\n1,a,3\n\n2,b,4\n\n",
        'extra,rating,"userId",movieId\n"x, ""y""\nz",3,1,a\n,4,"2","b"\n',
        "rating,movieId,userId\n 3 ,a,1\n4.0e0,b,2\n",
    ],
    ids=["comma", "semicolon crlf", "tab", "pipe", "double colon", "bom", "blank lines", "quotes", "spaces"],
)
def test_layouts(text, tmp_path):
    data = Interactions.from_csv(write(tmp_path, text))
    assert data.user_items.toarray().tolist() == [[3, 0], [0, 4]]
    assert list(data.users) == [1, 2]
    assert list(data.items) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("196\t242\t3\t881250949\n186\t302\t4\t891717742\n", {}),
        ("196\t242\t3\t881250949\n186\t302\t4\t891717742\n", {"header": False}),
        ("242\t196\t881250949\t3\n302\t186\t891717742\t4\n", {"header": ["item", "user", "timestamp", "rating"]}),
        (
            "x,242,196,881250949,3\nx,302,186,891717742,4\n",
            {"header": False, "item": 1, "user": 2, "timestamp": 3, "rating": 4},
        ),
        (
            "a b c d\n196 242 3 881250949\n186 302 4 891717742\n",
            {"separator": " ", "user": "a", "item": 1, "rating": "c", "timestamp": 3},
        ),
    ],
)
def test_without_a_header_or_with_names(text, options, tmp_path):
    data = Interactions.from_csv(write(tmp_path, text), **options)
    assert list(data.users) == [186, 196]
    assert data.user_items.toarray().tolist() == [[0, 4], [3, 0]]
    assert data.timestamps.tolist() == [891717742, 881250949]


def test_columns_can_be_left_out(tmp_path):
    path = write(tmp_path, HEAD + "1,2,3,4\n")
    data = Interactions.from_csv(path, rating=False, timestamp=False)
    assert not data.explicit
    assert data.timestamps is None
    path = write(tmp_path, "1,2,3,4\n")
    data = Interactions.from_csv(path, header=False, rating=False)
    assert not data.explicit
    assert data.timestamps.tolist() == [4]


def test_ids_are_integers_only_when_all_are_plain(tmp_path):
    def users(*names):
        text = "user,item\n" + "".join(f"{name},1\n" for name in names)
        return list(Interactions.from_csv(write(tmp_path, text)).users)

    assert users("10", "9", "-1") == [-1, 9, 10]
    assert users("10", "007") == ["007", "10"]
    assert users("1", "1.0") == ["1", "1.0"]
    assert users("NA", "null") == ["NA", "null"]
    assert users("1", "9" * 20) == ["1", "9" * 20]


@pytest.mark.parametrize(
    ("stamps", "want", "dtype"),
    [
        (["5", "7"], [5, 7], "int64"),
        (["5", "7.5"], [5, 7.5], "float64"),
        (
            ["2024-01-31 12:00:00", "2023-05-01 00:00:00.25"],
            ["2024-01-31T12:00", "2023-05-01T00:00:00.25"],
            "datetime64[us]",
        ),
        (["2024-01-31T12:00:00Z", "2023-05-01T01:00:00+01:00"], ["2024-01-31T12:00", "2023-05-01"], "datetime64[us]"),
        (["2024-01-31", "2023-05-01"], ["2024-01-31", "2023-05-01"], "datetime64[us]"),
    ],
)
def test_times(stamps, want, dtype, tmp_path):
    path = write(tmp_path, "user,item,ts\n" + "".join(f"{k},1,{stamp}\n" for k, stamp in enumerate(stamps)))
    data = Interactions.from_csv(path)
    assert data.timestamps.dtype == dtype
    assert (data.timestamps == np.array(want, dtype)).all()


def test_times_that_become_decimal_after_the_sample(tmp_path):
    lines = [f"{k},1,3,{k}\n" for k in range(20_000)]
    lines[15_000] = "15000,1,3,0.5\n"
    data = Interactions.from_csv(write(tmp_path, HEAD + "".join(lines)))
    assert data.timestamps.dtype == np.float64
    assert data.timestamps[15_000] == 0.5


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("1,2,3,4\n1,2\n", 3, "2 fields instead of 4; fix or remove the line"),
        ("1,2,3,4\n1,2,3,4,5\n", 3, "5 fields instead of 4; fix or remove the line"),
        ("1,2,3,4\n\n7\n", 4, "1 field instead of 4"),
        ("1,2,3,4\n1,3,good,4\n", 3, "rating 'good' is not a number; fix or remove the line"),
        ("1,2,3,2021-11-02\n1,3,3,2021-13-45\n", 3, "timestamp '2021-13-45' is not a time"),
        ("1,2,3,2021-11-02\n1,3,3,20211102T205259\n", 3, "timestamp '20211102T205259' is not a time"),
        ("1,2,3,soon\n", 2, "timestamp 'soon' is not a time"),
        ("1,2,3,4\n1,3,3_0,4\n", 3, "rating '3_0' is not a number"),
        ("1,2,3,4\n1,3,3,soon\n", 3, "timestamp 'soon' is not a time like the first one .* pass timestamp=False"),
        ('1,"2\n\n",3,4\n1,3,x,4\n', 5, "rating 'x' is not a number"),
        (b"1,2,3,4\n1,\xff\xfe,3,4\n", 3, r"movieId '\\\\xff\\\\xfe' is not UTF-8 text; pass encoding="),
        ('1,2,3,4\n1,"2,3,4\n' + "5,6,1,8\n" * 40_000, 3, "a quote is opened on this line and not closed"),
        ("1,2,3,4\n,3,4,5\n", 3, "no user; fix or remove the line, or pass missing='drop'"),
        ("1,2,3,4\n1,,4,5\n", 3, "no item; fix or remove the line"),
        ("1,2,3,4\n1,3,,5\n", 3, "no rating; fix"),
        ("1,2,3,4\n1,3,NaN,5\n", 3, "no rating; fix"),
        ("1,2,3,4\n1,3,4,\n", 3, "no timestamp; fix"),
        ("1,2,3,4\n1,3,inf,5\n", 3, "rating inf is not finite"),
        ("1,2,3,4\n1,3,1e39,5\n", 3, "rating inf is not finite"),
        (
            "1,2,3,4\n1,3,6,5\n",
            3,
            r"rating 6 is not in 0\.5 \.\. 5; fix or remove the line, or pass out_of_range='drop'",
        ),
        ('\n1,"2\n",3,4\n\n1,3,6,5\n', 6, r"rating 6 is not in 0\.5 \.\. 5"),
        ("1,2,3,4\n2,2,3,4\n1,2,4,4\n", 4, "the same user and item as line 2; remove one, or pass duplicates='last'"),
    ],
)
def test_a_broken_line_is_named(body, line, message, tmp_path):
    text = HEAD.encode() + (body if isinstance(body, bytes) else body.encode())
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=f":{line}: {message}") as caught:
        Interactions.from_csv(path, rating_range=(0.5, 5), duplicates="error")
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(caught.value)


def test_a_broken_line_far_into_the_file(tmp_path):
    lines = ["1,2,3,4\n"] * 300_000
    lines[250_000] = "1,2\n"
    path = write(tmp_path, HEAD + "".join(lines))
    with pytest.raises(ValueError, match=r"ratings\.csv:250002: 2 fields instead of 4"):
        Interactions.from_csv(path)
    packed = tmp_path / "ratings.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ValueError, match=r"ratings\.csv\.gz:250002: 2 fields"):
        Interactions.from_csv(packed)


def test_double_colon_lines(tmp_path):
    path = write(tmp_path, "1::2::3\n1::3\n")
    with pytest.raises(ValueError, match=":2: 2 fields instead of 3"):
        Interactions.from_csv(path)
    body = "".join(f"{k}::{k % 977}::{k % 5 + 1}\n" for k in range(250_000))  # spans several blocks
    data = Interactions.from_csv(write(tmp_path, body))
    assert (data.n_users, data.n_items, len(data)) == (250_000, 977, 250_000)


@given(st.lists(st.text("a:", max_size=6), max_size=12), st.integers(1, 5))
def test_a_separator_cut_by_blocks_is_found(parts, size):
    import io

    data = "::".join(parts).encode()
    stream = ByteStream(io.BytesIO(data), old=b"::", new=b"\x1f")
    blocks = []
    while block := stream.read(size):
        assert len(block) <= size
        blocks.append(block)
    assert b"".join(blocks) == data.replace(b"::", b"\x1f")


def test_reports_hold_line_numbers(tmp_path):
    path = write(tmp_path, HEAD + '1,"a\nb",3,1\n\n1,"a\nb",4,2\n2,c,,3\n3,c,9,4\n')
    data = Interactions.from_csv(path, missing="drop", rating_range=(1, 5), out_of_range="drop")
    assert data.report.unit == "line"
    assert data.report.duplicates.tolist() == [2]
    assert data.report.missing["rating"].tolist() == [7]
    assert data.report.out_of_range.tolist() == [8]
    assert list(data.items) == ["a\nb"]
    assert str(data.report).splitlines()[1:] == [
        "  1 repeated a user and item, the last was kept: line 2",
        "  1 had no rating and was dropped: line 7",
        "  1 had a rating out of range and was dropped: line 8",
    ]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", ValueError, "the file is empty"),
        ("\n\n", ValueError, "the file is empty"),
        (HEAD, ValueError, "a header and no rows"),
        ("just one column\nx\n", ValueError, "one field only, 'just one column'; .* pass separator="),
        ("who,what\n1,2\n", ValueError, "no column looks like the user; columns are who, what: pass user="),
        ("A1,B1,5\nA2,B2,4\n", ValueError, "if the first line is data, pass header=False"),
        ("1,2,3,4,5\n", ValueError, "no header and 5 columns: pass user=, item="),
        (b"PAR1\x15\x04", ValueError, "this is a Parquet file; read it with from_parquet"),
        (HEAD.encode("utf-16"), ValueError, r"holds zero bytes.*pass encoding="),
    ],
)
def test_files_that_hold_nothing_of_use(text, error, message, tmp_path):
    with pytest.raises(error, match=message) as caught:
        Interactions.from_csv(write(tmp_path, text))
    assert "ratings.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such file"):
        Interactions.from_csv(tmp_path / "none.csv")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        Interactions.from_csv(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file"):
        Interactions.from_parquet(tmp_path / "none.parquet")
    with pytest.raises(ValueError, match="not a whole Parquet file"):
        Interactions.from_parquet(write(tmp_path, "text", "ratings.parquet"))


def test_a_pipe_is_refused(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe: is not a regular file, which is needed as it is read more than once"):
        Interactions.from_csv(tmp_path / "pipe")


def test_long_quoted_fields_and_lone_carriage_returns(tmp_path):
    path = write(tmp_path, 'user,item,text\n1,a,"' + "x\n" * 50_000 + '"\n2,b,y\n2,,y\n')
    with pytest.raises(ValueError, match=r":50004: no item"):
        Interactions.from_csv(path)
    path = write(tmp_path, "user,item,rating\r1,a,3\r2,b,x\r")
    with pytest.raises(ValueError, match=":3: rating 'x' is not a number"):
        Interactions.from_csv(path)


def test_broken_compression(tmp_path):
    whole = gzip.compress((HEAD + "".join(f"{k},{k * 7919 % 1000},3,{k * k}\n" for k in range(100_000))).encode())
    for name, data in (("cut.csv.gz", whole[: len(whole) // 2]), ("not.csv.gz", b"plain text\n1,2\n")):
        with pytest.raises(ValueError, match=name) as caught:
            Interactions.from_csv(write(tmp_path, data, name))
        assert "\n" not in str(caught.value)


def test_encodings(tmp_path):
    text = "user,item\nZoë,1\nRené,1\n"
    for encoding in ("latin-1", "utf-16"):
        path = write(tmp_path, text.encode(encoding))
        assert list(Interactions.from_csv(path, encoding=encoding).users) == ["René", "Zoë"]
    with pytest.raises(ValueError, match=r":2: user .* is not UTF-8 text; pass encoding="):
        Interactions.from_csv(write(tmp_path, text.encode("latin-1")))
    with pytest.raises(ValueError, match="encoding='klingon' is not a text encoding"):
        Interactions.from_csv(path, encoding="klingon")
    with pytest.raises(ValueError, match="the file is not text in encoding 'shift_jis'"):
        Interactions.from_csv(write(tmp_path, b"user,item\n\x81\x00,1\n"), encoding="shift_jis")


def test_bad_options(tmp_path):
    path = write(tmp_path, HEAD + "1,2,3,4\n")
    for options, message in [
        ({"separator": "ab"}, "separator='ab' is not one ASCII character"),
        ({"header": ["user", "item"]}, "header names 2 columns, the first line has 4"),
        ({"duplicates": "any"}, "duplicates='any' is not one of 'last'"),
        ({"missing": "keep"}, "missing='keep' is not one of"),
        ({"out_of_range": "clip"}, "out_of_range='clip' is not one of"),
        ({"rating_range": (5, 1)}, "lowest must be below"),
        ({"rating_range": 5}, "not a pair of numbers"),
        ({"rating": "stars"}, "rating='stars' is not a column; columns are userId"),
    ]:
        with pytest.raises(ValueError, match=message):
            Interactions.from_csv(path, **options)


@given(
    st.lists(
        st.tuples(
            st.text(min_size=1, max_size=5), st.text("\n\"',;\r\t|x:", min_size=1, max_size=5), st.integers(0, 9)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_the_csv_module_writes_is_read(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.mktemp("csv") / "ratings.csv"
    rows = [(u, i, r) for u, i, r in rows if "\0" not in u and not any("\ud800" <= c <= "\udfff" for c in u)]
    if not rows:
        return
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("user", "item", "rating"), *rows])
    data = Interactions.from_csv(path)
    frame = data.to_frame("pyarrow")
    got = {(str(u), i): r for u, i, r in zip(*(frame[c].to_pylist() for c in ("user", "item", "rating")), strict=True)}
    assert got == {(u, i): r for u, i, r in rows}


class _Terminal:
    def __init__(self):
        self.text = ""

    def isatty(self):
        return True

    def write(self, text):
        self.text += text

    def flush(self):
        pass


def test_progress_only_for_large_files_on_a_terminal(tmp_path, monkeypatch):
    pytest.importorskip("tqdm")
    path = write(tmp_path, HEAD + "1,2,3,4\n")
    terminal = _Terminal()
    monkeypatch.setattr(streams_module.sys, "stderr", terminal)
    Interactions.from_csv(path)
    assert not terminal.text
    with progress(60_000_000, "big.csv", show=False) as update:
        update(1)
    assert not terminal.text
    with progress(60_000_000, "big.csv", show=True) as update:
        update(60_000_000)
    assert "big.csv" in terminal.text


def test_streams_within_memory(tmp_path):
    bench = pytest.importorskip("benchmarks.speed.read_csv", reason="benchmarks/ is not in this distribution")
    path = tmp_path / "ratings.csv"
    bench.write_ratings(path, 200_000)
    found = bench.read_in_child(path)
    assert found["rows"] == 200_000
    assert found["peak_gb"] < 0.5
    same = Interactions.from_csv(path)
    assert (same.n_users, same.n_items, len(same)) == (found["n_users"], found["n_items"], found["kept"])
    assert float(same.user_items.data.sum(dtype=np.float64)) == found["sum"]
