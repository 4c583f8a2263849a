"""Options that several commands share."""

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
user = click.option("--user", "user_text", metavar="ID", help="User to recommend to, by id.")
item = click.option(
    "--item", "item_text", required=True, metavar="ID|TITLE", help="Item, by id or by a part of its title."
)
unclipped = click.option(
    "--unclipped", is_flag=True, help="Show predicted ratings outside the rating scale as they are."
)
json_flag = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of text.")

items = _all(
    click.option("--items", "items_path", type=DATA, metavar="FILE", help="CSV or Parquet with item ids and titles."),
    click.option("--id-column", metavar="COLUMN", help="Column of item ids, by name or by position from 0."),
    click.option("--title-column", metavar="COLUMN", help="Column of titles, by name or by position from 0."),
    click.option("--items-separator", metavar="CHAR", help="Like --separator, for the file of items."),
    click.option(
        "--items-header/--items-no-header", default=None, help="Like --header and --no-header, for the file of items."
    ),
    click.option("--items-columns", metavar="NAME,...", help="Like --columns, for the file of items."),
    click.option("--items-encoding", metavar="NAME", help="Like --encoding, for the file of items."),
)

reading = _all(
    click.option(
        "--user-column", metavar="COLUMN", help="Column of users, by name or by position from 0; guessed by default."
    ),
    click.option("--item-column", metavar="COLUMN", help="Column of items."),
    click.option("--rating-column", metavar="COLUMN", help="Column of ratings."),
    click.option("--timestamp-column", metavar="COLUMN", help="Column of timestamps."),
    click.option("--no-timestamps", is_flag=True, help="Do not read timestamps."),
    click.option("--implicit", is_flag=True, help="Ignore the ratings: every rated item counts as liked."),
    click.option(
        "--separator",
        metavar="CHAR",
        help="Separator of the columns of text files: one character, tab or ::; guessed by default.",
    ),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether the first line of text files names the columns; guessed by default.",
    ),
    click.option(
        "--columns", metavar="NAME,...", help="Comma-separated names of the columns of text files without a header."
    ),
    click.option(
        "--encoding", metavar="NAME", help="Character encoding of text files, such as latin-1; UTF-8 by default."
    ),
    click.option(
        "--duplicates",
        type=click.Choice(["last", "first", "mean", "sum", "error"]),
        help="Value of repeated rows of one user and item; the last by time by default.",
    ),
    click.option(
        "--drop-bad", is_flag=True, help="Skip rows with a missing value instead of stopping at the first one."
    ),
    click.option("--rating-range", type=float, nargs=2, metavar="LOW HIGH", help="Lowest and highest rating allowed."),
    click.option(
        "--out-of-range",
        type=click.Choice(["error", "drop"]),
        help="Treatment of ratings outside --rating-range: stop at the first one, or skip them.",
    ),
    click.option(
        "--temperature",
        type=float,
        metavar="T",
        help="Temperature of the attention: a smaller one concentrates it on fewer neighbours.",
    ),
)

fitting = _all(
    click.option(
        "-m",
        "--model",
        metavar="NAME[:PARAMETER=VALUE,...]",
        help="Estimator to fit, such as KernelAttentionRegressor:passes=1; NeighbourAttention by default.",
    ),
    reading,
)
