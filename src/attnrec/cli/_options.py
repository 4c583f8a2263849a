"""Options that several commands share. Declares; does nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["item", "items", "json_flag", "reading", "source", "user"]

F = TypeVar("F", bound=Callable[..., Any])
_File = click.Path(exists=True, dir_okay=False, path_type=Path)


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Options as one decorator, shown in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


source = click.argument("source", type=_File, metavar="RATINGS|MODEL")
user = click.option("--user", "user_text", metavar="ID", help="Whom to recommend to, an id of the file.")
item = click.option("--item", "item_text", required=True, metavar="ID|TITLE", help="An id, or a part of one title.")
json_flag = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")

items = _all(
    click.option("--items", "items_path", type=_File, metavar="FILE", help="CSV or Parquet with item ids and titles."),
    click.option("--id-column", metavar="NAME", help="Header of the ids in the file of items."),
    click.option("--title-column", metavar="NAME", help="Header of the titles in the file of items."),
)

reading = _all(
    click.option("--user-column", metavar="NAME", help="Header of the users; guessed unless given."),
    click.option("--item-column", metavar="NAME", help="Header of the items."),
    click.option("--rating-column", metavar="NAME", help="Header of the ratings."),
    click.option("--timestamp-column", metavar="NAME", help="Header of the timestamps."),
    click.option("--separator", metavar="CHAR", help="What parts the columns of a CSV; guessed unless given."),
    click.option("--implicit", is_flag=True, help="Ignore the ratings: what was rated was liked."),
    click.option(
        "--drop-bad", is_flag=True, help="Leave out rows that lack a value, instead of stopping at the first."
    ),
    click.option("--temperature", type=float, metavar="T", help="Of the attention: small listens to few neighbours."),
)

fitting = _all(
    click.option(
        "-m",
        "--model",
        metavar="NAME[:PARAMETER=VALUE,...]",
        help="Estimator to fit, such as KernelAttentionRegressor:passes=1; NeighbourAttention unless given.",
    ),
    reading,
)
