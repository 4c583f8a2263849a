"""attnrec.load: a saved model in outside ids, whatever these are; titles; growth; what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_array

import attnrec
from attnrec.cli import main
from attnrec.data import Ids, Items
from attnrec.models import ContentBridge, NeighbourAttention
from attnrec.models.storage.model_file import read_header
from attnrec.serving import Bundle
from estimators import ITEMS, made
from named_data import DATA
from outside_ids import named_model, named_sides, titles_for

FOUR = ["ann", "bob", "cy", "dee"], [7, 2**60 + 1, 9, -3]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle") / "model.safetensors"


@given(st.data())
def test_ids_and_titles_come_back(path: Path, data: st.DataObject) -> None:
    users, items = data.draw(named_sides), data.draw(named_sides)
    titles = data.draw(titles_for(items))
    model = named_model(users, items)
    model.save(path, titles=titles)
    for mmap in (True, False):
        bundle = attnrec.load(path, mmap=mmap)
        assert list(bundle.users) == users
        assert list(bundle.items) == items
        assert bundle.titles == (None if titles is None else [t or str(i) for t, i in zip(titles, items, strict=True)])
    got = bundle.recommend(k=3, exclude_seen=False, backend="pandas")
    ids, scores = model.recommend(np.arange(len(users)), N=3, filter_already_liked_items=False)
    at, place = np.nonzero(ids >= 0)
    assert got["user"].tolist() == [users[row] for row in at]
    assert got["item"].tolist() == [items[row] for row in ids[at, place]]
    assert got["score"].tolist() == scores[at, place].tolist()
    assert got["rank"].tolist() == (place + 1).tolist()
    assert ("title" in got) == (titles is not None)
    bundle.model.save(path)  # titles that came with it go with it
    assert attnrec.load(path).titles == bundle.titles


@pytest.mark.parametrize("sides", [FOUR, ([2**60 + 1, 5, 6, 7], ["a", "é", "😀", "b"])], ids=["texts", "integers"])
def test_the_command_line_opens_the_same_file(sides: tuple[list[Any], list[Any]], tmp_path: Path) -> None:
    users, items = sides
    path = tmp_path / "model.safetensors"
    named_model(users, items).save(path, titles={items[1]: "Ünder"})
    for user in users:
        want = attnrec.load(path).recommend([user], k=2, backend="pyarrow").to_pylist()
        asked = ["recommend", str(path), "--user", str(user), "-k", "2", "--json"]
        told = json.loads(CliRunner().invoke(main, asked).stdout)
        assert told["user"] == user
        assert [(x["item"], x["title"]) for x in told["recommendations"]] == [(x["item"], x["title"]) for x in want]


def test_titles_in_every_form(tmp_path: Path) -> None:
    model = named_model(*FOUR)
    listed = ["Heat", "", "Ünder 😀", ""]
    want = ["Heat", str(2**60 + 1), "Ünder 😀", "-3"]
    forms = [
        {7: "Heat", 9: "Ünder 😀", 1: "of no item"},
        {np.int64(7): np.str_("Heat"), 9: "Ünder 😀", -3: None},
        listed,
        tuple(listed),
        iter(listed),
        np.array(listed),
        np.array(["Heat", None, "Ünder 😀", float("nan")], object),
        pd.Series(listed, index=[3, 2, 1, 0]),
        pd.Series(["Heat", None, "Ünder 😀", pd.NA], dtype="string"),
        pl.Series(["Heat", None, "Ünder 😀", None]),
        pa.array(["Heat", None, "Ünder 😀", None]),
        Items(Ids([9, 5, 7]), ["Ünder 😀", "of no item", "Heat"], {}),
    ]
    for form in forms:
        model.save(tmp_path / "m", titles=form)
        assert attnrec.load(tmp_path / "m").titles == want
    assert Bundle(model, titles={7: "Heat"}).titles == ["Heat", *map(str, FOUR[1][1:])]
    model.save(tmp_path / "m")
    assert attnrec.load(tmp_path / "m").titles is None
    assert Bundle(attnrec.load(tmp_path / "m").model, titles=listed).titles == want


@pytest.mark.parametrize(
    ("titles", "error", "says"),
    [
        (["Heat"], ValueError, "titles has 1 entries for 4 items: give a mapping"),
        ({8: "Heat"}, ValueError, "titles: none of its ids is an item of the model.*such as 8"),
        ({"7": "Heat"}, ValueError, "the ids are integers and '7' is text: give 7"),
        (Items(Ids([8]), ["Heat"], {}), ValueError, "none of its ids is an item"),
        ({7: 3}, TypeError, r"titles: item 7 has 3 \(int\); a title is text"),
        (["a", "b", b"c", "d"], TypeError, r"titles: item 9 has b'c' \(bytes\)"),
        ("Heat", TypeError, "titles='Heat' is str: give a mapping"),
        (5, TypeError, "titles=5 is int: give a mapping"),
        (pd.DataFrame({"id": FOUR[1], "title": "abcd"}), TypeError, "titles is a DataFrame of several columns"),
        (np.array([["a", "b"], ["c", "d"]]), ValueError, r"titles: ids of shape \(2, 2\)"),
    ],
)
def test_titles_that_do_not_fit(titles: Any, error: type[Exception], says: str, tmp_path: Path) -> None:
    model = named_model(*FOUR)
    with pytest.raises(error, match=says):
        model.save(tmp_path / "m", titles=titles)
    with pytest.raises(error, match=says):
        Bundle(model, titles=titles)
    assert not list(tmp_path.iterdir())


def test_a_model_without_ids_goes_by_rows(tmp_path: Path) -> None:
    model = NeighbourAttention().fit(made("explicit"))
    model.save(tmp_path / "m", titles={4: "four"})
    bundle = attnrec.load(tmp_path / "m")
    assert bundle.explicit
    assert bundle.title(4) == "four"
    got = bundle.recommend([5, 2], k=4, backend="pandas")
    assert got["user"].tolist() == [5] * 4 + [2] * 4
    assert got["item"].tolist() == model.recommend([5, 2], N=4)[0].ravel().tolist()
    with pytest.raises(ValueError, match="recommend: user_ids: unknown id 40; known ids look like 0, 1, 2"):
        bundle.recommend([40])


@pytest.mark.parametrize(
    ("backend", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_frames_of_every_library(backend: Any, kind: type, tmp_path: Path) -> None:
    named_model(*FOUR).save(tmp_path / "m", titles={7: "Heat"})
    bundle = attnrec.load(tmp_path / "m")
    for frame in (bundle.recommend(backend=backend), bundle.similar_items([7], backend=backend)):
        assert isinstance(frame, kind)
    frame = bundle.recommend("ann", k=1, backend=backend)
    assert list(frame.column_names if kind is pa.Table else frame.columns) == ["user", "item", "score", "rank", "title"]


def test_what_is_asked_for() -> None:
    model = NeighbourAttention().fit(DATA, show_progress=False)
    bundle = Bundle(model)
    users = ["u3", "u0"]
    some = bundle.recommend([*users, "u3"], k=2, items=["i1", "i5", "i7"], exclude_seen=False, backend="pandas")
    assert some["user"].tolist() == ["u3", "u3", "u0", "u0"]
    assert set(some["item"]) <= {"i1", "i5", "i7"}
    assert len(bundle.recommend(users, items=[], backend="pandas")) == 0
    assert len(bundle.recommend([], backend="pandas")) == 0
    for user in users:
        seen = set(DATA.items.names(DATA.user_items[[DATA.users.position(user)]].indices))
        assert not seen & set(bundle.recommend(user, k=20, backend="pandas")["item"])
        assert seen <= set(bundle.recommend(user, k=20, exclude_seen=False, backend="pandas")["item"])
    with pytest.raises(ValueError, match="recommend: user_ids: unknown id 'eve'"):
        bundle.recommend(["u1", "eve"])
    assert set(bundle.recommend(["u1", "eve"], unknown="ignore", backend="pandas")["user"]) == {"u1"}
    with pytest.raises(ValueError, match="recommend: unknown='skip' is not 'raise' or 'ignore'"):
        bundle.recommend(["u1"], unknown="skip")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="recommend: items: unknown id 'x'"):
        bundle.recommend(["u1"], items=["x"])
    for k in (0, True, 2.5):
        with pytest.raises(ValueError, match="is not a positive integer"):
            bundle.recommend(["u1"], k)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="is not a positive integer"):
            bundle.similar_items(["i1"], k)  # type: ignore[arg-type]
    assert repr(bundle) == "Bundle(NeighbourAttention(), 18 users, 12 items)"


def test_similar_items_and_explanations() -> None:
    model = NeighbourAttention().fit(DATA, show_progress=False)
    bundle = Bundle(model, titles={"i4": "Heat"})
    frame = bundle.similar_items(["i4", "i2"], k=3, backend="pandas")
    assert frame.columns.tolist() == ["item", "similar", "score", "rank", "title"]
    for name, part in frame.groupby("item"):
        row = DATA.items.position(name)
        ids, scores = model.similar_items(row, N=4)
        assert part["similar"].tolist() == [DATA.items[i] for i in ids.tolist() if i != row][:3]
        assert part["rank"].tolist() == [1, 2, 3]
        assert part["score"].tolist() == [s for i, s in zip(ids.tolist(), scores.tolist(), strict=True) if i != row][:3]
    why = bundle.explain("u3", "i4", n=2)
    assert why.total == model.explain(DATA.users.position("u3"), DATA.items.position("i4"), N=2).total
    assert why.text(names=bundle.title).startswith("Heat scores")
    with pytest.raises(ValueError, match="explain: user_id: unknown id 'eve'"):
        bundle.explain("eve", "i4")
    with pytest.raises(ValueError, match="explain: item_id: unknown id 4"):
        bundle.explain("u3", 4)
    assert bundle.find_item("heat") == DATA.items.position("i4")
    with pytest.raises(ValueError, match="no item has the id 'Ran' or a title with it"):
        bundle.find_item("Ran")
    with pytest.raises(ValueError, match=r"'i' fits 11 titles: i0 \(id i0\); .*; \.\.\.: give the id or more of one"):
        bundle.find_item("i")


def test_items_that_come_later(tmp_path: Path) -> None:
    named_model(*FOUR).save(tmp_path / "m", titles=["A", "B", "C", "D"])
    bundle = attnrec.load(tmp_path / "m", mmap=False)
    bundle.model.partial_fit_items([4, 5], csr_array(np.ones((2, 4))))  # without ids
    assert bundle.titles is not None
    assert bundle.titles[:4] == ["A", "B", "C", "D"]
    assert len(bundle.titles) == bundle.model.n_items == 6
    got = bundle.recommend(k=7, exclude_seen=False, backend="pandas")
    assert set(got["item"]) == set(FOUR[1])  # those without an id are recommended to nobody
    assert set(bundle.similar_items(FOUR[1], k=7, backend="pandas")["similar"]) == set(FOUR[1])
    bundle.model.save(tmp_path / "m")
    again = attnrec.load(tmp_path / "m")
    assert again.titles == bundle.titles
    pd.testing.assert_frame_equal(again.recommend(k=7, exclude_seen=False, backend="pandas"), got)
    again.model.fit(made("explicit"))
    assert again.titles is None
    assert again.items[3] == 3


def test_files_of_before_open(tmp_path: Path) -> None:
    """Without titles, and without a word on what the interactions were."""
    path = tmp_path / "model.safetensors"
    named_model(*FOUR).save(path)
    header = read_header(path)
    assert header["facts"].pop("interactions") == "implicit"
    save_file(load_file(path), path, metadata={"attnrec": json.dumps(header)})
    bundle = attnrec.load(path)
    assert bundle.titles is None
    assert list(bundle.items) == FOUR[1]


def test_damaged_titles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad"
    named_model(*FOUR).save(path, titles=["A", "é", "", "D"])
    header, arrays = read_header(path), load_file(path)
    text, ends = arrays["item titles.text"], arrays["item titles.ends"]
    for change, fact in (
        ({"item titles.ends": np.array([1, 2, 4, 4])}, "texts"),  # in the midst of a character
        ({"item titles.ends": np.array([1, 3, 2, 4])}, "texts"),
        ({"item titles.ends": np.array([1, 3, 4])}, "texts"),
        ({"item titles.ends": ends.astype(np.int32)}, "texts"),
        ({"item titles.text": text[:-1]}, "texts"),
        ({"item titles.text": np.full_like(text, 255)}, "texts"),
        ({"item titles.text": text.view(np.uint8).astype(np.int64)}, "texts"),
        ({}, "json"),
        ({}, ["texts"]),
    ):
        told = json.dumps(header | {"facts": header["facts"] | {"item titles": fact}})
        save_file(arrays | change, path, metadata={"attnrec": told})
        with pytest.raises(ValueError, match="bad"):
            attnrec.load(path)
    told = json.dumps(header | {"facts": header["facts"] | {"interactions": "many"}})
    save_file(arrays, path, metadata={"attnrec": told})
    with pytest.raises(ValueError, match="its interactions are 'many'"):
        attnrec.load(path)


def test_what_does_not_recommend(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).random((ITEMS, 3))
    ContentBridge().fit(vectors, item_features=vectors, show_progress=False).save(tmp_path / "m")
    with pytest.raises(TypeError, match="Bundle: model is ContentBridge, which does not recommend"):
        attnrec.load(tmp_path / "m")
    with pytest.raises(FileNotFoundError):
        attnrec.load(tmp_path / "none")


def test_import_attnrec_brings_no_models() -> None:
    code = "import attnrec, sys; print([m for m in ('attnrec.serving', 'attnrec.models', 'scipy') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
