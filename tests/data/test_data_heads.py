"""First lines, names that are twice, blanks and quotes: no row and no rating is lost without a word."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnrec.data import Interactions, guess_columns, read_items
from attnrec.data.io.blanks import QuoteWatch, Trimmer, trimmed

PLACED = {"user": 0, "item": 1, "rating": 2}
TIMED = {"user": 0, "item": 1, "rating": False, "timestamp": 2}


def write(folder, text, name="ratings.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "options", "rows"),
    [
        ("kai,soup,5\nlou,rice,3\n", PLACED, 2),
        ("kai,soup,5\nlou,rice,3\n", {"user": 0, "item": 1, "rating": 2, "header": False}, 2),
        ("kai,soup,\nlou,rice,3\n", PLACED, 2),
        ("kai,soup,NA\nlou,rice,3\n", PLACED, 2),
        ("1,soup,x\n2,rice,y\n", {"user": 0, "item": 1}, 2),
        ("kai,7,x\nlou,8,y\n", {"user": 0, "item": 1}, 2),
        ("kai,soup,2024-01-31\nlou,rice,2024-02-01\n", TIMED, 2),
        ("kai,soup,2024-01-31 12:00:00Z\nlou,rice,2024-02-01 12:00Z\n", TIMED, 2),
        ("kai,soup,1706702400\nlou,rice,1706702401\n", TIMED, 2),
        ("kai,soup,\nlou,rice,1706702401\n", TIMED, 2),
        ("kai,soup,5\nlou,rice,3\n", {"item": 1, "user": 0, "rating": 2, "separator": ","}, 2),
        ("1,2,\n3,4,5\n", {}, 2),
        ("1,2,3,\n3,4,5,6\n", {}, 2),
        ("1,2,3,2024-01-31 12:00:00\n3,4,5,2024-02-01\n", {}, 2),
        ("userId,movieId,rating\nkai,soup,5\n", PLACED, 1),
        ("userId,what,how\nkai,soup,5\n", PLACED, 1),
        ("who,what,rating,timestamp\nkai,soup,5,1\n", PLACED, 1),
        ("user,item,rating\nkai,soup,5\n", {}, 1),
        ("who,what,how\nkai,soup,5\n", {"user": "who", "item": "what", "rating": 2}, 1),
        ("user,item,2019\nkai,soup,5\n", {"rating": False}, 1),
    ],
)
def test_every_row_is_kept(text, options, rows, tmp_path):
    data = Interactions.from_csv(write(tmp_path, text), missing="drop", **options)
    assert data.report.n_rows == rows
    assert data.report.n_kept + sum(map(len, data.report.missing.values())) == rows


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("kai,soup\nlou,rice\n", {"user": 0, "item": 1}),
        ("kai,soup,good\nlou,rice,3\n", PLACED),
        ("Nutzer,Film,Note\nlou,rice,3\n", PLACED),
        ("kai,game\nlou,book\n", {"user": 0, "item": 1}),
        ("kai,soup,31.1.2024\nlou,rice,1.2.2024\n", TIMED),
        ("kai,soup,5\nlou,rice,4\n", {"user": 0, "item": 1, "rating": False}),
    ],
)
def test_a_first_line_in_doubt_asks(text, options, tmp_path):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"ratings\.csv:1: .* pass header=True if it names .*, header=False if it is"):
        Interactions.from_csv(path, **options)
    options = options | {"timestamp": False}
    if "good" not in text and "Note" not in text:
        assert Interactions.from_csv(path, header=False, **options).report.n_rows == 2
    assert Interactions.from_csv(path, header=True, **options).report.n_rows == 1


def test_a_header_given_where_there_is_one(tmp_path):
    path = write(tmp_path, "User,Item\nkai,soup\n")
    with pytest.raises(ValueError, match=r":1: the first line is the header that header= gives; pass header=True"):
        Interactions.from_csv(path, header=["user", "item"])
    assert len(Interactions.from_csv(path, header=True)) == 1


@pytest.mark.parametrize(
    ("text", "options", "titles"),
    [
        ("1::Toy Story (1995)::Animation\n2::Heat::Crime\n", {"id": 0, "title": 1}, ["Toy Story (1995)", "Heat"]),
        ("1|Toy Story|01-Jan-1995||http://x|0|1\n2|Heat|||y|1|0\n", {"id": 0, "title": 1}, ["Toy Story", "Heat"]),
        ("B00X,Heat\nB00Y,Alien\n", {"id": 0, "title": 1, "header": False}, ["Heat", "Alien"]),
        ("x,1984\ny,Dune\n", {"id": 0, "title": 1}, ["1984", "Dune"]),
        ("movieId,title\n7,Heat\n", {"id": 0, "title": 1}, ["Heat"]),
        ("item,name,year\n7,Heat,1995\n", {}, ["Heat"]),
        ("item,what\n7,Heat\n", {"title": False}, ["7"]),
    ],
)
def test_the_first_film_is_kept(text, options, titles, tmp_path):
    assert read_items(write(tmp_path, text), **options).titles == titles


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("B00X,Heat\nB00Y,Alien\n", {"id": 0, "title": 1}, "may name the columns or be data: pass header=True"),
        ("game,1999\nbook,2000\n", {"id": 0}, "may name the columns or be data: pass header=True"),
        ("game,1999\nbook,2000\n", {}, "may name the columns or be data: pass header=True"),
        ("1::Toy Story\n2::Heat\n", {}, "no column looks like the id; .* if the first line is data, pass header=False"),
    ],
)
def test_a_first_film_in_doubt_asks(text, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_items(write(tmp_path, text), **options)


TWICE = [
    (
        ["user", "item", "rating", "rating"],
        "rating and rating both look like the rating; .* as a position, such as rating=3",
    ),
    (["user", "item", "Rating", "rating"], "Rating and rating both look like the rating; .* pass rating="),
    (["user", "item", "rating_x", "rating_y"], "rating_x and rating_y both look like the rating"),
    (["user", "item", "rating", "rating_right"], "rating and rating_right both look"),
    (["user", "item", "rating", "rating.1"], r"rating and rating\.1 both look"),
    (["user", "item", "rating", "rating_1"], "rating and rating_1 both look"),
    (["user", "item", "rating.x", "rating.y"], r"rating\.x and rating\.y both look"),
    (["user", "item", "rating_left", "rating_right"], "rating_left and rating_right both look"),
    (["user", "item", "rating_duplicated_0", "rating"], "rating_duplicated_0 and rating both look"),
    (["user", "item", "stars", "stars", "score"], "stars and stars and score all look like the rating"),
    (["user", "user", "item"], "user and user both look like the user"),
    (["user", "item_x", "item_y"], "item_x and item_y both look like the item"),
    (["user", "item", "date", "date"], "date and date both look like the timestamp; .* such as timestamp=3"),
    (
        ["user", "item", "user rating value"],
        "user rating value may be the rating; .* pass rating='user rating value', or",
    ),
    (["user", "item", "avgRating"], "avgRating may be the rating"),
]


@pytest.mark.parametrize(("names", "message"), TWICE)
def test_names_that_are_twice_are_refused_everywhere(names, message, tmp_path):
    columns = [pa.array([k + 1]) for k in range(len(names))]
    text = ",".join(names) + "\n" + ",".join(str(k + 1) for k in range(len(names))) + "\n"
    pq.write_table(pa.table(columns, names=names), tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=message):
        Interactions.from_csv(write(tmp_path, text))
    with pytest.raises(ValueError, match=message):
        Interactions.from_csv(write(tmp_path, text.partition("\n")[2]), header=names)
    with pytest.raises(ValueError, match=message):
        Interactions.from_parquet(tmp_path / "x.parquet")
    with pytest.raises(ValueError, match=message):
        guess_columns(names)
    frame = pd.DataFrame([range(1, len(names) + 1)], columns=names)
    repeats = len(set(names)) < len(names)
    with pytest.raises(ValueError, match="from_frame: two columns have one name" if repeats else message):
        Interactions.from_frame(frame)


def test_names_in_messages_stay_on_one_line(tmp_path):
    with pytest.raises(ValueError, match="columns are who ever, item: pass user=") as caught:
        Interactions.from_csv(write(tmp_path, '"who\never",item\na,b\n'), separator=",")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("position", [2, 3])
def test_of_two_columns_of_one_name_a_position_says_which(position, tmp_path):
    names = ["user", "item", "rating", "rating"]
    pq.write_table(pa.table([[1], [2], [3.0], [4.0]], names=names), tmp_path / "x.parquet")
    path = write(tmp_path, ",".join(names) + "\n1,2,3,4\n")
    for data in (
        Interactions.from_csv(path, rating=position),
        Interactions.from_parquet(tmp_path / "x.parquet", rating=position),
    ):
        assert data.user_items.data.tolist() == [position + 1]
    with pytest.raises(ValueError, match=r"rating='rating' is the name of 2 columns; .* pass rating= as a position"):
        Interactions.from_csv(path, rating="rating")
    path = write(tmp_path, "user,item,tag,tag,tag.2\n1,2,3,4,5\n")
    assert not Interactions.from_csv(path).explicit  # columns that nothing is read from may repeat


def test_what_a_join_leaves_of_one_name_is_that_name():
    assert guess_columns(["user", "item", "rating_x"])["rating"] == "rating_x"
    assert guess_columns(["user_left", "user_id_right", "item"], given={"user": 0})["item"] == "item"
    assert "timestamp" not in guess_columns(["user", "item", "time_left", "date_1"])


@pytest.mark.parametrize(
    "text",
    [
        "user, item, rating, title\n1, 5, 3, Heat\n2,\t6 , 4 , x\n",
        "user ,item\t,rating,title\n1 ,5 ,3 ,Heat\n 2,6,4,x\n",
        ' "user" , "item", "rating", title\n"1", 5, "3" , " y, z"\n   \n2, "6" ,4, x\n',
        "user; item; rating; title\r\n1; 5; 3; a\r\n2; 6; 4; b\r\n",
        "user \t item \t rating\ttitle\n1 \t 5 \t 3\ta\n2\t 6\t4 \tb\n",
        "user | item | rating | title\n1 | 5 | 3 | a\n2 | 6 | 4 | b\n",
        "user :: item :: rating :: title\n1 :: 5 :: 3 :: a\n \n2:: 6 ::4:: b\n",
        "\ufeff user, item, rating, title\n1, 5, 3, a\n2, 6, 4, b\n",
    ],
)
def test_blanks_around_fields_change_nothing(text, tmp_path):
    data = Interactions.from_csv(write(tmp_path, text))
    assert list(data.users) == [1, 2]
    assert list(data.items) == [5, 6]
    assert data.user_items.data.tolist() == [3, 4]
    assert list(read_items(write(tmp_path, text), id="item").columns) == ["user", "rating"]


def test_blanks_in_quotes_and_inside_stay(tmp_path):
    path = write(tmp_path, 'id, title, year, note\n1, " Heat, The ", 1995, a  b\n2,"Alien" , 1979 ,\t\n')
    items = read_items(path)
    assert items.titles == [" Heat, The ", "Alien"]
    assert items.columns == {"year": [1995, 1979], "note": ["a  b", None]}
    data = Interactions.from_csv(write(tmp_path, 'user,item,rating\n" x",a b,3\n'))
    assert list(data.users) == [" x"]
    assert list(data.items) == ["a b"]


@pytest.mark.parametrize(
    "late",
    [
        "7, 5,3,\n",
        "7,5 ,3,\n",
        " 7,5,3,\n",
        '7,5,3, "a, b"\n',
        '7,5,3, "a\n8,6,4,b"\n',
        "7,5, ,\n",
        " ,5,3,\n",
        "  \n7,5,3,\n",
    ],
)
def test_blanks_far_into_a_file(late, tmp_path):
    lines = ["1,2,3,x\n"] * 20_000
    path = write(tmp_path, "user,item,rating,title\n" + "".join(lines) + late)
    near = write(tmp_path, "user,item,rating,title\n" + "".join(lines[:3]) + late, "near.csv")
    found, want = (Interactions.from_csv(p, missing="drop") for p in (path, near))
    assert list(found.users) == list(want.users)
    assert list(found.items) == list(want.items)
    assert set(found.report.missing) == set(want.report.missing)
    assert found.report.n_rows - want.report.n_rows == 19_997
    for role, rows in found.report.missing.items():
        assert (rows - 19_997).tolist() == want.report.missing[role].tolist()


def test_times_with_blanks(tmp_path):
    text = "user,item,ts\n1,1, 2024-01-31 12:00:00\n2,1,2024-02-01 \n"
    assert Interactions.from_csv(write(tmp_path, text)).timestamps.astype("M8[h]").astype(str).tolist() == [
        "2024-01-31T12",
        "2024-02-01T00",
    ]
    with pytest.raises(ValueError, match=r":2: timestamp ' 2024-01-31' is not a time like the first one"):
        Interactions.from_csv(write(tmp_path, 'user,item,ts\n1,1," 2024-01-31"\n'))


numbers_of_items = [
    (["5", "18446744073709551615", ""], [5, 2**64 - 1, None]),
    (["007", "12"], ["007", "12"]),
    (["0", "0.5"], [0.0, 0.5]),
    (["-5", "1e3"], [-5.0, 1000.0]),
]


@pytest.mark.parametrize(("texts", "want"), numbers_of_items)
def test_columns_of_items_lose_no_digit(texts, want, tmp_path):
    path = write(tmp_path, "id,x,y\n" + "".join(f"{k},{text},z\n" for k, text in enumerate(texts)))
    assert read_items(path).columns["x"] == want


row = st.tuples(st.integers(0, 9), st.sampled_from(["a", "b c", '"d, e"']), st.sampled_from(["1", "2.5"]))


@given(st.lists(row, min_size=1, max_size=6), st.sampled_from(",;\t|"), st.data())
def test_blanks_around_separators_change_nothing(tmp_path_factory, rows, mark, draw):
    folder = tmp_path_factory.mktemp("blanks")
    lines = [("user", "item", "rating"), *((str(u), i.replace(",", mark), r) for u, i, r in rows)]
    pad = st.text(" \t".replace(mark, ""), max_size=2)
    (folder / "plain").write_text("".join(mark.join(line) + "\n" for line in lines))
    padded = (mark.join(draw.draw(pad) + field + draw.draw(pad) for field in line) + "\n" for line in lines)
    (folder / "padded").write_text("".join(padded))
    plain, other = (Interactions.from_csv(folder / name) for name in ("plain", "padded"))
    assert plain.users == other.users
    assert plain.items == other.items
    assert (plain.user_items != other.user_items).nnz == 0
    assert plain.report.duplicates.tolist() == other.report.duplicates.tolist()


cells = st.text('ab "\t,;', max_size=6)
blanks = st.text(" \t", max_size=3)


@given(
    st.lists(st.lists(st.tuples(cells, st.booleans(), blanks, blanks), min_size=1, max_size=4), max_size=5), st.data()
)
def test_trimming_is_what_it_says(rows, draw):
    """A field in quotes comes back as it was, any other without blanks, however the bytes are cut."""
    text, want = "", []
    for row in rows:
        fields = []
        for cell, quoted, before, after in row:
            quoted = quoted or any(c in cell for c in ',"')
            fields.append(before + ('"' + cell.replace('"', '""') + '"' if quoted else cell) + after)
            want.append(cell if quoted else cell.strip(" \t"))
        text += ",".join(fields) + draw.draw(st.sampled_from(["\n", "\r\n"]))
        if len(row) == 1 and not want[-1] and '"' not in fields[0]:
            want.pop()  # a line of blanks is no row
    whole = trimmed(text, ",")
    assert [field for record in csv.reader(io.StringIO(whole, newline="")) for field in record] == want
    trimmer, out, rest = Trimmer(b",", quoted=True), b"", text.encode()
    while rest:
        size = draw.draw(st.integers(1, 7))
        out += trimmer.feed(rest[:size], final=False)
        rest = rest[size:]
    assert (out + trimmer.feed(b"", final=True)).decode() == whole
    assert trimmed(whole, ",") == whole


@given(st.lists(st.text(' \t",\na', min_size=1, max_size=4), max_size=8))
def test_blanks_before_quotes_are_seen_however_bytes_are_cut(blocks):
    whole, cut = QuoteWatch(b","), QuoteWatch(b",")
    for block in blocks:
        assert cut.feed(block.encode(), final=False) == block.encode()
    whole.feed("".join(blocks).encode(), final=True)
    assert cut.seen == whole.seen


def test_many_blanks_are_trimmed_in_time():
    text = b"1," + b" " * 100_000 + b"2" + b" \t" * 50_000 + b"\n" + b"a" + b" " * 200_000 + b"b,3\n"
    done = Trimmer(b",", quoted=True).feed(text, final=True)
    assert done == b"1,2\na" + b" " * 200_000 + b"b,3\n"
    assert np.array_equal(Trimmer(b",", quoted=True).feed(b'"' + text, final=True), b'"' + text)
