"""Options that several commands share. Declares; does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ._paths import DATA, as_files

__all__ = ["item", "items", "json_flag", "reading", "source", "unclipped", "user"]

F = TypeVar("F", bound=Callable[..., Any])


def _all(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Options as one decorator, shown in the order given."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


source = click.argument("source", type=DATA, nargs=-1, required=True, callback=as_files, metavar="RATINGS...|MODEL")
user = click.option("--user", "user_text", metavar="ID", help="Whom to recommend to, an id of the file.")
item = click.option("--item", "item_text", required=True, metavar="ID|TITLE", help="An id, or a part of one title.")
unclipped = click.option("--unclipped", is_flag=True, help="Leave predicted ratings that pass the scale as they are.")
json_flag = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")

items = _all(
    click.option("--items", "items_path", type=DATA, metavar="FILE", help="CSV or Parquet with item ids and titles."),
    click.option("--id-column", metavar="COLUMN", help="The ids in it: a name, or a position from 0."),
    click.option("--title-column", metavar="COLUMN", help="The titles in it."),
    click.option("--items-separator", metavar="CHAR", help="As --separator, of the file of items."),
    click.option(
        "--items-header/--items-no-header", default=None, help="As --header and --no-header, of the file of items."
    ),
    click.option("--items-columns", metavar="NAME,...", help="As --columns, of the file of items."),
    click.option("--items-encoding", metavar="NAME", help="As --encoding, of the file of items."),
)

reading = _all(
    click.option(
        "--user-column", metavar="COLUMN", help="The users: a name, or a position from 0; guessed unless given."
    ),
    click.option("--item-column", metavar="COLUMN", help="The items."),
    click.option("--rating-column", metavar="COLUMN", help="The ratings."),
    click.option("--timestamp-column", metavar="COLUMN", help="The timestamps."),
    click.option("--no-timestamps", is_flag=True, help="Do not read timestamps."),
    click.option("--implicit", is_flag=True, help="Ignore the ratings: what was rated was liked."),
    click.option(
        "--separator", metavar="CHAR", help="What parts the columns of text: one character, tab or ::; guessed."
    ),
    click.option(
        "--header/--no-header", default=None, help="Whether the first line of text names the columns; guessed."
    ),
    click.option("--columns", metavar="NAME,...", help="Names of the columns of text without such a line."),
    click.option("--encoding", metavar="NAME", help="Of text, such as latin-1; UTF-8 unless given."),
    click.option(
        "--duplicates",
        type=click.Choice(["last", "first", "mean", "sum", "error"]),
        help="What stands for rows of one user and item; the last, by time, unless given.",
    ),
    click.option(
        "--drop-bad", is_flag=True, help="Leave out rows that lack a value, instead of stopping at the first."
    ),
    click.option("--rating-range", type=float, nargs=2, metavar="LOW HIGH", help="The ratings allowed."),
    click.option(
        "--out-of-range",
        type=click.Choice(["error", "drop"]),
        help="Of ratings outside --rating-range: stop at the first, or leave them out.",
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
