"""``attnrec similar``: lists the items most similar to one item."""

from __future__ import annotations

from typing import Any

import click

from .. import _options as options
from .._paths import Files

__all__ = ["command"]


@click.command("similar", short_help="List the items most similar to one item.")
@options.source
@options.items
@options.item
@click.option(
    "-k", "--number", "k", type=click.IntRange(1), default=10, show_default=True, help="Number of items to list."
)
@options.fitting
@options.json_flag
def command(source: Files, item_text: str, k: int, as_json: bool, **reading: Any) -> None:
    """List the items most similar to one item, by the users who have them and their ratings.

    \b
    attnrec similar ratings.csv --items movies.csv --item "Toy Story"
    """
    from .. import _show, _source

    opened = _source.open_source(source, **reading)
    item = opened.find_item(item_text)
    ids, cosines = opened.model.similar_items(item, N=k + 1)
    others = [(i, c) for i, c in zip(ids.tolist(), cosines.tolist(), strict=True) if i >= 0 and i != item][:k]
    found = [
        {"rank": rank, "item": opened.items[i], "title": opened.title(i), "cosine": c}
        for rank, (i, c) in enumerate(others, start=1)
    ]
    if as_json:
        told = {"item": opened.items[item], "title": opened.title(item), "similar": found, "seconds": opened.seconds}
        _show.print_json(told)
        return
    columns = [("#", "right"), ("title", "left"), ("cosine", "right")]
    rows = [[str(one["rank"]), one["title"], f"{one['cosine']:.3f}"] for one in found]
    _show.print_table(f"Like {opened.title(item)}", columns, rows)
