"""``attnrec explain``: why an item has its score for a user."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import _options as options

__all__ = ["command"]


@click.command("explain", short_help="Explain why an item has its score for a user.")
@options.source
@options.items
@options.user
@options.item
@click.option("-n", "--parts", type=click.IntRange(1), default=10, show_default=True, help="How many parts to list.")
@options.reading
@options.json_flag
def command(source: Path, user_text: str | None, item_text: str, parts: int, as_json: bool, **reading: Any) -> None:
    """Explain a score: what each item of the history, and each similar user, added to it.

    \b
    attnrec explain ratings.csv --items movies.csv --user 1 --item 318
    attnrec explain model.safetensors --user 1 --item "shawshank"
    """
    if user_text is None:
        raise click.UsageError("give --user ID")
    from . import _show, _source

    opened = _source.open_source(source, **reading)
    user, item = opened.find_user(user_text), opened.find_item(item_text)
    why = opened.model.explain(user, item, N=parts)
    history = [
        {"item": opened.items[i], "title": opened.title(i), "contribution": added} for i, added in why.contributions
    ]
    neighbours = [] if why.neighbours is None else _neighbours(opened, why.neighbours)
    if as_json:
        told = {"user": opened.users[user], "item": opened.items[item], "title": opened.title(item)}
        told |= {"score": why.total, "bias": why.bias, "bias_name": why.bias_name}
        told |= {"history": history, "history_rest": why.contributions.rest}
        told |= {"history_background": why.contributions.background, "neighbours": neighbours}
        told |= {"neighbours_rest": why.neighbours.rest if why.neighbours else 0.0, "seconds": opened.seconds}
        _show.print_json(told)
        return
    text = why.text(names=opened.title, user_names=lambda number: f"user {opened.users[number]}")
    _show.print_lines(*text.splitlines())
    rows = [[one["title"], f"{one['contribution']:+.4f}"] for one in history]
    rows += [
        ["(all others)", f"{why.contributions.rest:+.4f}"],
        ["(whatever the history)", f"{why.contributions.background:+.4f}"],
    ]
    _show.print_table(
        f"From {why.bias:.4g} to {why.total:.4g}: the history", [("item", "left"), ("added", "right")], rows
    )
    if neighbours:
        columns = [("user", "left"), ("weight", "right"), ("value", "right"), ("added", "right")]
        listed = [
            [str(one["user"]), f"{one['weight']:.1%}", f"{one['value']:+.2f}", f"{one['contribution']:+.4f}"]
            for one in neighbours
        ]
        listed.append(["(all others)", "", "", f"{why.neighbours.rest:+.4f}"])
        _show.print_table("The same by similar user: added = weight x value", columns, listed)


def _neighbours(opened: Any, part: Any) -> list[dict[str, Any]]:
    return [
        {"user": opened.users[number], "weight": weight, "value": value, "contribution": added}
        for (number, added), weight, value in zip(part, part.weights, part.values, strict=True)
    ]
