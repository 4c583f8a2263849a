"""States as dataclasses: their annotations say how each field is written to a file, read from it, and checked.

A state is a frozen dataclass. Its fields are numbers, strings and choices (``Literal``); arrays and CSR matrices,
annotated with :func:`of`; optional ones (``| None``), which a file does not have where they are None; a tuple of
arrays; and parts, which are dataclasses again and annotated with :class:`Part`. Knows no model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from ..inputs.histories import CSR, Array

__all__ = ["Entries", "Part", "State", "entries", "of", "read"]

Entries = dict[str, object]  # arrays, CSR matrices and plain values by name, as a file holds them
Sizes = dict[str, int]


class Laid(NamedTuple):
    """How an array lies in a file: its dtype, and a name for the size of each dimension."""

    dtype: str
    shape: tuple[str, ...]


def of(dtype: str, *shape: str) -> Laid:
    """The dtype of an array, or of the values of a CSR matrix, and its shape in names of sizes.

    A name that neither :meth:`State.sizes` nor a field before it gave a size takes the size that the array has.
    """
    return Laid(dtype, shape)


class Part(NamedTuple):
    """Of a field that is a dataclass: what its names begin with in a file, and the size that it calls ``rows``."""

    prefix: str = ""
    rows: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """What a fitted model holds. Never changed: an update makes another one."""

    def sizes(self) -> Sizes:
        """Sizes that the shapes of arrays are told in, by name."""
        return {}

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""


S = TypeVar("S", bound=State)


class Field(NamedTuple):
    """One field, read off its annotation."""

    name: str
    kinds: tuple[object, ...]  # types of a value, without None
    laid: Laid | None
    part: Part | None
    optional: bool


_known: dict[type, tuple[Field, ...]] = {}


def _fields(cls: type) -> tuple[Field, ...]:
    """The fields of a class, read once."""
    return _known[cls] if cls in _known else _known.setdefault(cls, tuple(_read_off(cls)))


def _read_off(cls: type) -> Iterator[Field]:
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        kind, marks = hints[field.name], list[object]()
        if get_origin(kind) is Annotated:
            kind, *marks = get_args(kind)
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        laid = next((mark for mark in marks if isinstance(mark, Laid)), None)
        part = next((mark for mark in marks if isinstance(mark, Part)), None)
        yield Field(field.name, tuple(k for k in kinds if k is not NoneType), laid, part, NoneType in kinds)


# Writing.


def entries(state: object, prefix: str = "") -> Entries:
    """What a file holds of a state, by name."""
    out: Entries = {}
    for field in _fields(type(state)):
        value, name = getattr(state, field.name), prefix + field.name
        if value is None:
            continue
        if field.part is not None:
            out |= entries(value, prefix + field.part.prefix)
        elif isinstance(value, tuple):
            out |= {f"{name}_{number}": each for number, each in enumerate(value)}
        else:
            out[name] = value
    return out


# Reading.


def read(cls: type[S], found: Mapping[str, object]) -> S:
    """The state of a class that a file's entries are.

    Raises
    ------
    ValueError
        If there are other entries than its fields, or one is of another type, dtype or shape.
    """
    names = set(_names(cls, found))
    if names != set(found):
        raise ValueError(f"it holds {sorted(found)} instead of {sorted(names)}")
    out = _made(cls, found, "")
    _fit(out, out.sizes(), "")
    out.check()
    return out


def _names(cls: type, found: Mapping[str, object], prefix: str = "") -> Iterable[str]:
    """Names that the entries of a state must have, given the optional ones that there are."""
    for field in _fields(cls):
        name = prefix + field.name
        if field.part is not None:
            names = list(_names(_dataclass(field), found, prefix + field.part.prefix))
            if not field.optional or any(each in found for each in names):
                yield from names
        elif _series(field):
            yield from _numbered(name, found)
        elif not field.optional or name in found:
            yield name


def _dataclass(field: Field) -> type:
    (kind,) = field.kinds
    assert isinstance(kind, type)
    return kind


def _series(field: Field) -> bool:
    return get_origin(field.kinds[0]) is tuple


def _numbered(name: str, found: Mapping[str, object]) -> list[str]:
    out: list[str] = []
    while f"{name}_{len(out)}" in found:
        out.append(f"{name}_{len(out)}")
    return out


T = TypeVar("T")


def _made(cls: type[T], found: Mapping[str, object], prefix: str) -> T:
    values: Entries = {}
    for field in _fields(cls):
        name = prefix + field.name
        if field.part is not None:
            kind, inner = _dataclass(field), prefix + field.part.prefix
            there = not field.optional or any(each in found for each in _names(kind, found, inner))
            values[field.name] = _made(kind, found, inner) if there else None
        elif _series(field):
            values[field.name] = tuple(found[each] for each in _numbered(name, found))
        elif name in found:
            values[field.name] = found[name] if field.laid is not None else _plain(name, found[name], field.kinds[0])
        else:
            values[field.name] = None
    return cls(**values)


def _plain(name: str, got: object, kind: object) -> object:
    if get_origin(kind) is Literal:
        if not isinstance(got, str) or got not in get_args(kind):
            raise ValueError(f"{name} is {got!r:.40}, not one of {get_args(kind)}")
    elif type(got) is not kind or (isinstance(got, float) and not math.isfinite(got)):
        raise ValueError(f"{name} is {got!r:.40}, not a {getattr(kind, '__name__', kind)}")
    return got


# Checking arrays.


def _fit(state: object, sizes: Sizes, prefix: str) -> None:
    """Raise ValueError unless every array has its dtype and shape; ``sizes`` gets those that arrays have first."""
    for field in _fields(type(state)):
        value, name = getattr(state, field.name), prefix + field.name
        if value is None:
            continue
        if field.part is not None:
            rows = {"rows": sizes[field.part.rows]} if field.part.rows else {}
            _fit(value, {**sizes, **rows}, prefix + field.part.prefix)
        elif field.laid is not None:
            if not _series(field):
                _fits(name, value, field, field.laid, sizes)
                continue
            for number, each in enumerate(value):
                _fits(f"{name}_{number}", each, field, field.laid, dict(sizes))


def _fits(name: str, value: object, field: Field, laid: Laid, sizes: Sizes) -> None:
    sparse = CSR in field.kinds and hasattr(value, "indptr")
    dense = isinstance(value, np.ndarray) and (Array in field.kinds or _series(field))
    got: tuple[int, ...] = getattr(value, "shape", ())
    if sparse or dense:
        if len(got) == len(laid.shape):
            for size, there in zip(laid.shape, got, strict=True):
                sizes.setdefault(size, there)
        want = tuple(sizes.get(size, -1) for size in laid.shape)
    if not (sparse or dense) or np.dtype(getattr(value, "dtype", None)) != np.dtype(laid.dtype) or tuple(got) != want:
        told = ", ".join(str(sizes.get(size, size)) for size in laid.shape)
        raise ValueError(f"{name} does not have dtype {laid.dtype} and shape ({told}{',' * (len(laid.shape) == 1)})")
