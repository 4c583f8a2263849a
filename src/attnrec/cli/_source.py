"""Input of a command: ratings to fit or a saved model, with ids and titles."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._paths import Files
from ._words import ITEMS, RATINGS, in_options, in_parameters

if TYPE_CHECKING:
    from ..data import Ids, Interactions

__all__ = ["Reading", "Source", "Titles", "new_model", "open_source", "read_interactions"]


@dataclass(frozen=True)
class Reading:
    """How to read interactions and what to fit: the options of :data:`._options.fitting`, None for "guess"."""

    user_column: str | None = None
    item_column: str | None = None
    rating_column: str | None = None
    timestamp_column: str | None = None
    no_timestamps: bool = False
    implicit: bool = False
    separator: str | None = None
    header: bool | None = None
    columns: str | None = None
    encoding: str | None = None
    duplicates: str | None = None
    drop_bad: bool = False
    rating_range: tuple[float, float] | None = None
    out_of_range: str | None = None
    temperature: float | None = None
    model: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Of :meth:`attnrec.data.Interactions.from_file`, those that were given."""
        if self.no_timestamps and self.timestamp_column is not None:
            raise ValueError("--no-timestamps and --timestamp-column contradict each other; leave one out")
        if self.implicit and self.rating_column is not None:
            raise ValueError("--implicit and --rating-column contradict each other; leave one out")
        if self.out_of_range is not None and self.rating_range is None:
            raise ValueError("--out-of-range needs --rating-range LOW HIGH")
        given = {
            "user": _column(self.user_column),
            "item": _column(self.item_column),
            "rating": False if self.implicit else _column(self.rating_column),
            "timestamp": False if self.no_timestamps else _column(self.timestamp_column),
            "duplicates": self.duplicates,
            "missing": "drop" if self.drop_bad else None,
            "rating_range": self.rating_range,
            "out_of_range": self.out_of_range,
            **_text(self.separator, self.header, self.columns, self.encoding, ""),
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Titles:
    """How to read a file of items: the options of :data:`._options.items`, None for "guess"."""

    items_path: Path | None = None
    id_column: str | None = None
    title_column: str | None = None
    items_separator: str | None = None
    items_header: bool | None = None
    items_columns: str | None = None
    items_encoding: str | None = None

    def arguments(self) -> dict[str, Any]:
        """Of :func:`attnrec.data.read_items`, those that were given."""
        text = _text(self.items_separator, self.items_header, self.items_columns, self.items_encoding, "items-")
        given = {"id": _column(self.id_column), "title": _column(self.title_column), **text}
        return {name: value for name, value in given.items() if value is not None}


def _column(text: str | None) -> str | int | None:
    return int(text) if text is not None and text.isascii() and text.isdecimal() else text


def _text(
    separator: str | None, header: bool | None, columns: str | None, encoding: str | None, prefix: str
) -> dict[str, Any]:
    """Arguments of the readers for text. Names of columns stand for a first line, which is not there then."""
    if columns is not None and header:
        raise ValueError(f"--{prefix}columns names columns without a first line that does; leave out --{prefix}header")
    return {
        "separator": "\t" if separator in ("\\t", "tab") else separator,
        "header": header if columns is None else [name.strip() for name in columns.split(",")],
        "encoding": encoding,
    }


@dataclass(frozen=True)
class Source:
    """A fitted model and what its numbers are called."""

    path: str
    model: Any
    users: Ids
    items: Ids
    titles: list[str]
    explicit: bool
    seconds: dict[str, float] = field(default_factory=dict)

    def title(self, item: int) -> str:
        """The title of an item by number."""
        return self.titles[item]

    def find_user(self, text: str) -> int:
        """The number of the user whose id reads like ``text``."""
        try:
            return self.users.position(self.users.parse(text))
        except ValueError as error:
            raise ValueError(f"{self.path}: --user: {error}; give one of its users") from None

    def find_item(self, text: str) -> int:
        """The number of the item with this id, this title, or a title with this part that no other has."""
        try:
            return self.items.position(self.items.parse(text))
        except ValueError:
            pass
        wanted = text.casefold().strip()
        titles = [title.casefold() for title in self.titles]
        for found in (
            [i for i, title in enumerate(titles) if title == wanted],
            [i for i, title in enumerate(titles) if re.sub(r"\s*\(\d{4}\)$", "", title) == wanted],
            [i for i, title in enumerate(titles) if wanted and wanted in title],
        ):
            if len(found) == 1:
                return found[0]
            if found:
                some = "; ".join(f"{self.titles[i]} (id {self.items[i]})" for i in found[:5])
                more = "; ..." if len(found) > 5 else ""
                raise ValueError(f"--item: {text!r} fits {len(found)} titles: {some}{more}: give the id or more of one")
        raise ValueError(f"{self.path}: --item: no item has the id {text!r} or a title with it; see --items")


def open_source(
    source: Files, *, part: Callable[[Interactions], Interactions] = lambda data: data, **options: Any
) -> Source:
    """Load the model, or read the interactions and fit one.

    ``options`` are those of :data:`._options.items` and :data:`._options.fitting`; ``part`` says which part of the
    interactions to fit.
    """
    started = time.perf_counter()
    table = Titles(**{name: options.pop(name) for name in Titles.__dataclass_fields__})
    how = Reading(**options)
    if table.items_path is None and table != Titles():
        raise ValueError("--id-column, --title-column and --items-... describe a file of items: give --items too")
    if source.is_model:
        if how != Reading():
            raise ValueError(f"{source} is a model: the options that say how to read or fit ratings do not apply to it")
        from ._names import load_named

        model, users, items, titles, explicit = load_named(source.given)
    else:
        data = part(read_interactions(source, how))
        users, items, explicit, titles = data.users, data.items, data.explicit, [str(name) for name in data.items]
    if table.items_path is not None:
        titles = _titles(items, table.items_path, table)
    seconds = {"read": time.perf_counter() - started}
    if not source.is_model:
        model = new_model(explicit, how)
        try:
            model.fit(data, show_progress=sys.stderr.isatty())
        except ValueError as error:
            raise ValueError(in_parameters(str(error), type(model).__name__)) from None
        seconds["fit"] = time.perf_counter() - started - seconds["read"]
    return Source(str(source), model, users, items, titles, explicit, seconds)


def new_model(explicit: bool, reading: Reading) -> Any:
    """An estimator for ratings, or for interactions without them."""
    if reading.model is not None:
        from ._named import named

        if reading.temperature is not None:
            raise ValueError(
                f"--temperature is for NeighbourAttention: write it as in --model {reading.model}:name=value"
            )
        made, params = named(reading.model)
        return made(**params)
    from ..models import NeighbourAttention

    given: dict[str, Any] = {} if reading.temperature is None else {"temperature": reading.temperature}
    return NeighbourAttention(**given, feedback="explicit" if explicit else "implicit")


def read_interactions(source: Files, reading: Reading) -> Interactions:
    """Read CSV or Parquet; what was left out is said on stderr.

    Raises
    ------
    ValueError
        In the words of the command line, where the library speaks of its arguments.
    """
    from ..data import Interactions

    arguments = reading.arguments()
    try:
        data = Interactions.from_file(source.given, **arguments)
    except ValueError as error:
        raise ValueError(in_options(str(error), RATINGS)) from None
    if not data.report.clean:
        print(f"attnrec: note: {data.report}", file=sys.stderr)
    return data


def _titles(items: Ids, path: Path, table: Titles) -> list[str]:
    from ..data import read_items

    arguments = table.arguments()
    try:
        read = read_items(path, **arguments)
    except ValueError as error:
        raise ValueError(in_options(str(error), ITEMS)) from None
    if not any(name in read for name in items):
        first = next(iter(items))
        raise ValueError(f"{path}: none of its ids is an item of the ratings, such as {first!r}; is it the right file?")
    return [read.title(name) for name in items]
