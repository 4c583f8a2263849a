"""Outside ids and titles of a saved model through the C interface: those of Python, found by id, damage refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import attnrec
from attnrec.models import NeighbourAttention
from estimators import ITEMS, USERS, made
from outside_ids import named_model, named_sides, titles_for
from served import Service, forge

if attnrec.backend() != "compiled":
    pytest.skip("there is no C interface without the compiled extension", allow_module_level=True)

SIDES, NONE, INTEGER, TEXT, JSON = (0, 1), 0, 1, 2, 3


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ids") / "model.safetensors"


def kind_of(ids: list[Any]) -> int:
    if all(type(name) is int and -(2**63) <= name < 2**63 for name in ids):
        return INTEGER
    return TEXT if all(type(name) is str for name in ids) else JSON


@given(st.data())
def test_ids_and_titles_are_those_of_python(path: Path, service: Service, data: st.DataObject) -> None:
    users, items = data.draw(named_sides), data.draw(named_sides)
    titles = data.draw(titles_for(items))
    named_model(users, items).save(path, titles=titles)
    bundle = attnrec.load(path)
    with service.open(path) as model:
        assert service.names(model) == (kind_of(users), kind_of(items), titles is not None)
        for side, ids in zip(SIDES, (users, items), strict=True):
            kind = kind_of(ids)
            assert [service.id(model, side, row) for row in range(len(ids))] == ids
            assert [service.row(model, side, kind, name) for name in ids] == list(range(len(ids)))
            other = data.draw(st.integers(-(2**63), 2**63 - 1) if kind == INTEGER else st.text(max_size=3))
            known = bundle.items if side else bundle.users
            assert service.row(model, side, kind, other) == known.position(other, unknown="ignore")
        told = [service.title(model, row) for row in range(len(items))]
        assert told == [title or "" for title in titles or [None] * len(items)]
        found, _, counts = service.recommend(model, userids=np.arange(len(users)), k=4)
        pairs = [
            (service.id(model, 0, row), service.id(model, 1, int(item)))
            for row, items_of in enumerate(found)
            for item in items_of[: counts[row]]
        ]
    want = bundle.recommend(k=4, backend="pandas")
    assert pairs == list(zip(want["user"], want["item"], strict=True))


def test_a_model_without_ids_goes_by_rows(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    NeighbourAttention().fit(made("explicit")).save(path)
    with service.open(path) as model:
        assert service.names(model) == (NONE, NONE, False)
        assert service.id(model, 0, 5) == service.row(model, 1, INTEGER, 5) == 5
        assert [service.row(model, 1, INTEGER, row) for row in (-1, ITEMS, ITEMS - 1)] == [-1, -1, ITEMS - 1]
        assert service.title(model, 3) == ""
        with pytest.raises(ValueError, match=rf"^model_id: row is {USERS}, and the model has rows 0 to {USERS - 1}$"):
            service.id(model, 0, USERS)
        with pytest.raises(ValueError, match=r"^model_item_title: row is -1"):
            service.title(model, -1)
        with pytest.raises(ValueError, match=r"^model_id: side is 2; give ATTNREC_USERS or ATTNREC_ITEMS$"):
            service.id(model, 2, 0)
        with pytest.raises(ValueError, match=r"model_row: the ids of these users are integers, and kind is 2 \(text\)"):
            service.row(model, 0, TEXT, "5")
        with pytest.raises(ValueError, match=r"model_row: the ids of these items are integers, and kind is 9; give 1"):
            service.row(model, 1, 9, 5)


def test_texts_in_any_order_and_lone_surrogates(service: Service, tmp_path: Path) -> None:
    path, users = tmp_path / "model.safetensors", ["é", "", "\ud800", "b", "\U0001f600", "\uffff"]
    named_model(users, [3, -1, 2]).save(path, titles=["\udfff", "", "é"])
    with service.open(path) as served:
        assert [service.id(served, 0, row) for row in range(6)] == users
        assert [service.row(served, 0, TEXT, name) for name in users] == list(range(6))
        assert [service.row(served, 0, TEXT, name) for name in ("a", "\ud801", "zz")] == [-1] * 3
        assert [service.row(served, 1, INTEGER, name) for name in (-1, 0, 2, 3, 4, -(2**63))] == [1, -1, 2, 0, -1, -1]
        assert [service.title(served, row) for row in range(3)] == ["\udfff", "", "é"]


def test_rows_that_came_without_an_id(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = named_model(["b", "a", "c"], ["x", "z", "y"])
    model.partial_fit_items([3, 4], csr_array(np.ones((2, 3))))
    model.save(path, titles=["X", "Z", "Y", "new", "last"])
    with service.open(path) as served:
        assert service.names(served) == (TEXT, JSON, True)
        assert [service.id(served, 1, row) for row in range(5)] == ["x", "z", "y", None, None]
        assert [service.row(served, 1, JSON, name) for name in ("x", "y", "z", None)] == [0, 2, 1, -1]
        assert service.title(served, 4) == "last"
    model = named_model(["b", "a", "c"], ["x", "y", "z"])
    model.partial_fit_items([3], csr_array(np.ones((1, 3))))
    model.save(path)
    with service.open(path) as served:
        assert [service.row(served, 1, JSON, name) for name in ("x", "y", "z", None)] == [0, 1, 2, -1]


def put(name: str, at: int, value: Any) -> Callable[[Any, Any], None]:
    def change(header: Any, arrays: Any) -> None:
        arrays[name][at] = value

    return change


def fact(name: str, value: Any) -> Callable[[Any, Any], None]:
    return lambda header, arrays: header["facts"].update({name: value})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put("user ids.numbers", 0, 2**60), "rows 0 and 1 of its user ids have the same id|rows 1 and 0"),
        (lambda h, a: a.update({"user ids.numbers": a["user ids.numbers"][:-1]}), r"'user ids.numbers' of type I64"),
        (lambda h, a: a.update({"user ids.numbers": a["user ids.numbers"].astype(np.int32)}), "of type I32"),
        (lambda h, a: a.pop("user ids.numbers"), "no tensor 'user ids.numbers'"),
        (lambda h, a: h["facts"].pop("user ids"), "does not say what user ids is"),
        (fact("user ids", "texts"), "no tensor 'user ids.text'"),
        (fact("user ids", 7), "which attnrec does not know"),
        (put("item ids.ends", 0, -1), "text 0 of its item ids ends at byte -1"),
        (put("item ids.ends", 0, 1), "text 0 of its item ids is not UTF-8"),
        (put("item ids.ends", 1, 2**62), "text 1 of its item ids ends at byte 4611686018427387904"),
        (put("item ids.ends", -1, 4), "its item ids end at byte 4 of 6"),
        (put("item ids.text", 2, 0xFF), "text 1 of its item ids is not UTF-8"),
        (put("item ids.text", slice(2, 6), [0xC3, 0xA9, 0xC3, 0xA9]), "of its item ids have the same id"),
        (lambda h, a: a.update({"item ids.text": a["item ids.text"].astype(np.int32)}), "'item ids.text' of type I32"),
        (lambda h, a: a.pop("item ids.ends"), "no tensor 'item ids.ends'"),
        (put("item titles.ends", 0, 9), "text 0 of its item titles ends at byte 9"),
        (fact("item titles", "json"), "which attnrec does not know"),
        (lambda h, a: a.pop("item titles.text"), "no tensor 'item titles.text'"),
    ],
)
def test_damaged_ids_are_refused(change: Callable[[Any, Any], Any], says: str, service: Service, path: Path) -> None:
    named_model([5, 2**60], ["é", "ü", "ö"]).save(path, titles=["A", "", "C"])
    forge(path, change)
    with pytest.raises(ValueError, match=f"(?s)^model_open: .*{path.name}.*({says})"), service.open(path):
        pass
    with pytest.raises(ValueError, match=path.name):
        attnrec.load(path)
