"""Expansion of a path to the files of one source: a file, a folder of parts, a pattern or several paths."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .magic import kind_of
from .streams import check_file

__all__ = ["Part", "Paths", "Source", "check_alike", "find_parts", "holds_parquet", "without_text"]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""One path (of a file or a folder, or a pattern such as ``"ratings/*.csv"``), or several."""

Key = int | str | None

_MISSING = "__HIVE_DEFAULT_PARTITION__"
_TABLES = {
    "_delta_log": ("a Delta", "give polars.read_delta(path) to from_frame"),
    "metadata.json": ("an Iceberg", "give polars.scan_iceberg(path) to from_frame"),
    ".hoodie": ("a Hudi", "read it with Spark and write its rows to another folder"),
}


@dataclass(frozen=True)
class Part:
    """A file, and what the ``key=value`` folders that it lies in say of all its rows; None where that is missing."""

    path: Path
    keys: Mapping[str, Key] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Files that are read as one, and how messages call them together; ``single``: one file that was named."""

    name: str
    parts: list[Part]
    single: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(part.path.stat().st_size for part in self.parts)


def find_parts(given: Any) -> Source:
    """The files of a path, a folder, a pattern or several of them, in the order of their paths, component by component.

    In folders, names that begin with ``_`` or ``.`` are passed over (``_SUCCESS``, ``.crc``), and so are empty files.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError, TypeError
        If there is nothing to read, a file is named twice, files lie in folders of other keys, or a folder is a table
        whose files are not all part of it.
    """
    if isinstance(given, Source):
        return given
    several = not isinstance(given, (str, bytes, os.PathLike))
    named = [_path(one) for one in (_listed(given) if several else [given])]
    if not several and named[0].is_file():
        return Source(str(named[0]), [Part(check_file(named[0]))], single=True)
    found = [check_file(path, empty=True) for one in named for path in _files(one)]
    base = _base(named) if several else _fixed(named[0])
    count = Counter(map(Path.resolve, found))
    if len(count) < len(found):
        raise ValueError(f"{count.most_common(1)[0][0]}: is named twice; its rows would count twice")
    whole = [path for path in found if path.stat().st_size]
    if not whole:
        raise ValueError(f"{named[0]}: the files are all empty")
    whole.sort(key=lambda path: path.parts)
    keys = [_keys(path, base) for path in whole]
    for path, own in zip(whole, keys, strict=True):
        if list(own) != list(keys[0]):
            raise ValueError(
                f"{path}: lies in folders of other keys than {whole[0]}: "
                f"{', '.join(own) or 'none'} and {', '.join(keys[0]) or 'none'}"
            )
    parts = [Part(path, own) for path, own in zip(whole, _typed(keys), strict=True)]
    name = f"{parts[0].path} and {len(parts) - 1} more" if several and len(parts) > 1 else str(named[0])
    return Source(name, parts, single=False)


def holds_parquet(source: Source) -> bool:
    """Whether the first file of a source is Parquet, by its first bytes or, where these are not, by its name."""
    first = source.parts[0].path
    return kind_of(first) == "parquet" or first.name.lower().endswith((".parquet", ".pq"))


def without_text(source: Source, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options for a source that is Parquet; ValueError if one says how to read text."""
    left = dict(options)
    for name, default in (("separator", None), ("header", None), ("encoding", "utf-8")):
        if left.pop(name, default) not in (None, default):
            raise ValueError(f"{source.name}: this is Parquet, and {name}= is for text; leave it out")
    return left


def check_alike(path: Path, names: Sequence[str], first: Path, others: Sequence[str]) -> None:
    """Raise ValueError if a file has other columns than the first one, or in another order where names repeat."""
    if sorted(names) != sorted(others) or (list(names) != list(others) and len(set(names)) < len(names)):
        raise ValueError(f"{path}: columns are {', '.join(names)}, and in {first} {', '.join(others)}; make them alike")


def _typed(keys: list[dict[str, str | None]]) -> list[dict[str, Key]]:
    """The values of each key as integers if all are, as Spark reads them, else as text."""
    out: list[dict[str, Key]] = [dict(one) for one in keys]
    for key in keys[0]:
        try:
            numbers = [None if (text := one[key]) is None else _integer(text) for one in keys]
        except ValueError:
            continue
        for one, number in zip(out, numbers, strict=True):
            one[key] = number
    return out


def _integer(text: str) -> int:
    if not text.lstrip("+-").isdecimal() or not text.isascii() or not -(2**63) <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _path(one: Any) -> Path:
    if not os.fspath(one):
        raise FileNotFoundError("path is empty; give the name of a file")
    return Path(os.fsdecode(one))


def _listed(given: Any) -> list[Any]:
    if not isinstance(given, Iterable):
        raise TypeError(f"path is {type(given).__name__}; give a path, or a list of paths")
    listed = list(given)
    for one in listed:
        if not isinstance(one, (str, bytes, os.PathLike)):
            raise TypeError(f"path holds {one!r:.60}, a {type(one).__name__}; give a path, or a list of paths")
    if not listed:
        raise ValueError("path is an empty list; give at least one path")
    return listed


def _files(path: Path) -> Iterator[Path]:
    """The files of one path, folder or pattern; empty ones too."""
    if path.is_dir():
        found = list(_inside(path))
        if not found:
            raise IsADirectoryError(f"{path}: is a folder without a file to read")
        yield from found
    elif path.exists() or not glob.has_magic(str(path)):
        yield path
    else:
        fits = [Path(name) for name in glob.glob(str(path), recursive=True)]
        files = {file for one in fits if not _hidden(one.name) for file in (_inside(one) if one.is_dir() else [one])}
        if not files:
            raise FileNotFoundError(f"{path}: no file fits this pattern")
        yield from files


def _inside(folder: Path) -> Iterator[Path]:
    """The files of a folder and its folders."""
    for here, folders, names in os.walk(folder, onerror=_fail):
        signs = {*folders, *("metadata.json" for _ in Path(here, "metadata").glob("*.metadata.json"))}
        for sign in signs & set(_TABLES):
            kind, fix = _TABLES[sign]
            raise ValueError(f"{here}: is {kind} table, and some of its files may no longer be part of it; {fix}")
        folders[:] = [name for name in folders if not _hidden(name)]
        yield from (Path(here, name) for name in names if not _hidden(name))


def _fail(error: OSError) -> None:
    raise error


def _hidden(name: str) -> bool:
    return name.startswith(".") or (name.startswith("_") and "=" not in name) or name.endswith(".crc")


def _fixed(path: Path) -> Path:
    """The part of a pattern before its first component with a sign; the whole of a path."""
    if path.exists():
        return path
    at = next((k for k, part in enumerate(path.parts) if glob.has_magic(part)), len(path.parts))
    return Path(*path.parts[:at])


def _base(named: list[Path]) -> Path:
    """The folder below which all of several paths lie."""
    fixed = [_fixed(path) for path in named]
    return Path(os.path.commonpath([path.parent if path.is_file() else path for path in map(Path.absolute, fixed)]))


def _keys(path: Path, base: Path) -> dict[str, str | None]:
    """``key=value`` folders between a base and a file."""
    if base.is_absolute():
        path = path.absolute()
    found = {}
    for folder in path.relative_to(base).parts[:-1]:
        key, equals, value = folder.partition("=")
        if equals and key:
            found[unquote(key)] = None if value == _MISSING else unquote(value)
    return found
