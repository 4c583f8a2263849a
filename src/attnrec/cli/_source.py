"""Opens what a command works on: ratings to fit, or a saved model, with ids and titles. Shows nothing."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data import Ids, Interactions

__all__ = ["Reading", "Source", "is_model", "new_model", "open_source", "read_interactions"]


@dataclass(frozen=True)
class Reading:
    """How to read interactions and what to fit: the options of :data:`._options.fitting`, None for "guess"."""

    user_column: str | None = None
    item_column: str | None = None
    rating_column: str | None = None
    timestamp_column: str | None = None
    separator: str | None = None
    implicit: bool = False
    drop_bad: bool = False
    temperature: float | None = None
    model: str | None = None


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


def is_model(path: Path) -> bool:
    """Whether the name says that the file is a saved model."""
    return path.suffix.lower() == ".safetensors"


def open_source(
    path: Path,
    *,
    items_path: Path | None,
    id_column: str | None,
    title_column: str | None,
    part: Callable[[Interactions], Interactions] = lambda data: data,
    **reading: Any,
) -> Source:
    """Load the model, or read the interactions and fit one.

    The keywords are the options of :data:`._options.items` and :data:`._options.fitting`, and which part of the
    interactions to fit.
    """
    started = time.perf_counter()
    how = Reading(**reading)
    if items_path is None and (id_column or title_column):
        raise ValueError("--id-column and --title-column describe a file of items: give --items too")
    if is_model(path):
        if how != Reading():
            raise ValueError(f"{path} is a model: the options that say how to read or fit ratings do not apply to it")
        from ._names import load_named

        model, users, items, titles, explicit = load_named(path)
    else:
        data = part(read_interactions(path, how))
        users, items, explicit, titles = data.users, data.items, data.explicit, [str(name) for name in data.items]
    if items_path is not None:
        titles = _titles(items, items_path, id_column, title_column)
    seconds = {"read": time.perf_counter() - started}
    if not is_model(path):
        model = new_model(explicit, how).fit(data.user_items, show_progress=sys.stderr.isatty())
        seconds["fit"] = time.perf_counter() - started - seconds["read"]
    return Source(str(path), model, users, items, titles, explicit, seconds)


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


def read_interactions(path: Path, reading: Reading) -> Interactions:
    """Read a CSV or Parquet file; what was left out is said on stderr.

    Raises
    ------
    ValueError
        In the words of the command line, where the library speaks of its arguments.
    """
    from ..data import Interactions

    options: dict[str, Any] = {
        "user": reading.user_column,
        "item": reading.item_column,
        "rating": False if reading.implicit else reading.rating_column,
        "timestamp": reading.timestamp_column,
        "missing": "drop" if reading.drop_bad else "error",
    }
    if reading.separator is not None:
        if path.suffix.lower() in (".parquet", ".pq"):
            raise ValueError(f"{path}: --separator is for CSV files; leave it out")
        options["separator"] = "\t" if reading.separator in ("\\t", "tab") else reading.separator
    try:
        data = Interactions.from_file(path, **options)
    except ValueError as error:
        raise ValueError(_for_the_command_line(str(error))) from None
    if not data.report.clean:
        print(f"attnrec: note: {data.report}", file=sys.stderr)
    return data


def _for_the_command_line(message: str) -> str:
    message = re.sub(r"pass (user|item|rating|timestamp|id|title)=", r"give --\1-column", message)
    message = re.sub(r"\b(user|item|rating|timestamp|id|title)=(?=')", r"--\1-column ", message)
    message = re.sub(r"pass separator=", "give --separator ", message)
    return re.sub(r"pass missing='drop'", "give --drop-bad", message)


def _titles(items: Ids, path: Path, id_column: str | None, title_column: str | None) -> list[str]:
    from ..data import read_items

    try:
        table = read_items(path, id=id_column, title=title_column)
    except ValueError as error:
        raise ValueError(_for_the_command_line(str(error))) from None
    if not any(name in table for name in items):
        first = next(iter(items))
        raise ValueError(f"{path}: none of its ids is an item of the ratings, such as {first!r}; is it the right file?")
    return [table.title(name) for name in items]
