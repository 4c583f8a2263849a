"""What fitted models hold: frozen dataclasses without ``Any``, few classes above an estimator, entries of a file."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import numpy as np
import pytest
from scipy.sparse import csr_array

import attnrec.models
from attnrec import models
from attnrec.models.base.state import Stored
from attnrec.models.inputs.histories import CSR, Array
from attnrec.models.storage.fields import Part, State, entries, of, read
from estimators import ESTIMATORS

FITTING = [*ESTIMATORS, models.ContentBridge]
MOST_ABOVE = 4
MOST_ANY = 89


def above(cls: type) -> list[type]:
    """Classes of the package that a class is built on."""
    return [c for c in cls.__mro__[1:] if c.__module__.split(".")[0] == "attnrec"]


@pytest.mark.parametrize("estimator", FITTING)
def test_few_classes_are_above_an_estimator(estimator: type) -> None:
    assert len(above(estimator)) <= MOST_ABOVE, above(estimator)


def test_any_is_rare_in_the_models() -> None:
    files = Path(attnrec.models.__file__).parent.rglob("*.py")
    texts = [path.read_text(encoding="utf-8") for path in files]
    assert not any(re.search(r"\bAny as\b", text) for text in texts)
    assert sum(len(re.findall(r"\bAny\b", text)) for text in texts) <= MOST_ANY


def parts_of(cls: type) -> list[type]:
    """A dataclass, and those that its fields are of."""
    hints = get_type_hints(cls)
    kinds = [kind for hint in hints.values() for kind in (hint, *get_args(hint)) if isinstance(kind, type)]
    return [cls, *(inner for kind in kinds if is_dataclass(kind) for inner in parts_of(kind))]


@pytest.mark.parametrize("estimator", FITTING)
def test_a_state_is_a_frozen_dataclass_of_typed_fields(estimator: type[Stored[State]]) -> None:
    state = estimator._holds
    assert issubclass(state, State)
    assert state.__module__ == f"{estimator.__module__.rpartition('.')[0]}.state"
    for cls in parts_of(state):
        assert is_dataclass(cls)
        assert cls.__dataclass_params__.frozen, cls
        hints = get_type_hints(cls, include_extras=True)
        for field in fields(cls):
            plain = get_type_hints(cls)[field.name]
            assert plain is not Any, (cls, field.name)
            assert Any not in get_args(plain) or plain == Array, (cls, field.name)
            told = getattr(hints[field.name], "__metadata__", ())
            arrays = {CSR, Array, tuple[Array, ...]} & {plain, *get_args(plain)}
            assert bool(arrays) == any(hasattr(mark, "dtype") for mark in told), (cls, field.name)


@dataclass(frozen=True, eq=False, kw_only=True)
class Side:
    values: Annotated[Array, of("float32", "rows", "width")]
    name: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Some(State):
    table: Annotated[CSR, of("float32", "users", "items")]
    kind: Literal["a", "b"]
    level: float = 1.0
    blocks: Annotated[tuple[Array, ...], of("float64", "n", "n")] = ()
    note: str | None = None
    user: Annotated[Side | None, Part("user_", "users")] = None

    def sizes(self) -> dict[str, int]:
        return dict(zip(("users", "items"), self.table.shape, strict=True))

    def check(self) -> None:
        if self.level < 0:
            raise ValueError("level is below 0")


def some(**more: Any) -> Some:
    return Some(table=csr_array(np.eye(3, 2, dtype=np.float32)), kind="a", **more)


def test_entries_are_read_as_they_were_written() -> None:
    side = Side(values=np.ones((3, 4), np.float32), name="x")
    full = some(blocks=(np.eye(2), np.eye(3)), note="n", user=side)
    found = entries(full)
    assert sorted(found) == ["blocks_0", "blocks_1", "kind", "level", "note", "table", "user_name", "user_values"]
    got = read(Some, found)
    assert got.user is not None
    assert got.user.values is side.values
    assert [len(block) for block in got.blocks] == [2, 3]
    assert sorted(entries(read(Some, entries(some())))) == ["kind", "level", "table"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"more": 1}, "it holds .* instead of"),
        ({"user_name": "x"}, "it holds .* instead of"),
        ({"kind": "c"}, "kind is 'c', not one of"),
        ({"kind": ["a"]}, r"kind is \['a'\], not one of"),
        ({"level": 1}, "level is 1, not a float"),
        ({"level": float("nan")}, "level is nan"),
        ({"level": -1.0}, "level is below 0"),
        ({"note": 3}, "note is 3, not a str"),
        ({"table": np.zeros((3, 2), np.float32)}, "table does not have dtype float32"),
        ({"table": csr_array(np.eye(3, 2))}, "table does not have dtype float32"),
        ({"blocks_0": np.zeros((2, 3))}, r"blocks_0 does not have dtype float64 and shape \(2, 2\)"),
        ({"user_name": "x", "user_values": np.zeros((2, 4), np.float32)}, r"user_values does not .* shape \(3, 4\)"),
        ({"user_name": "x", "user_values": np.zeros(3, np.float32)}, "user_values does not have dtype"),
        ({"user_name": "x", "user_values": 3}, "user_values does not have dtype"),
    ],
)
def test_entries_that_are_no_state_are_refused(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(Some, entries(some()) | change)


def test_a_state_is_never_changed() -> None:
    state = some()
    with pytest.raises(FrozenInstanceError):
        state.kind = "b"  # type: ignore[misc]
    assert replace(state, kind="b").table is state.table
