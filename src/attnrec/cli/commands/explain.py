"""``attnrec explain``: the contributions to the score of an item for a user."""

from __future__ import annotations

from typing import Any

import click

from .. import _options as options
from .._paths import Files

__all__ = ["command"]


@click.command("explain", short_help="Explain why an item has its score for a user.")
@options.source
@options.items
@options.user
@options.item
@click.option(
    "-n",
    "--parts",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Number of contributions to list in each view.",
)
@options.unclipped
@options.fitting
@options.json_flag
def command(
    source: Files, user_text: str | None, item_text: str, parts: int, unclipped: bool, as_json: bool, **reading: Any
) -> None:
    """Explain a score by the contributions of each item of the history, each similar user, and each feature.

    \b
    attnrec explain ratings.csv --items movies.csv --user 1 --item 318
    attnrec explain model.safetensors --user 1 --item "shawshank"
    """
    if user_text is None:
        raise click.UsageError("give --user ID")
    from .. import _show, _source

    opened = _source.open_source(source, **reading)
    user, item = opened.find_user(user_text), opened.find_item(item_text)
    why = opened.model.explain(user, item, N=parts, clip=not unclipped)
    history = [
        {"item": opened.items[i], "title": opened.title(i), "contribution": added} for i, added in why.contributions
    ]
    neighbours = [] if why.neighbours is None else _neighbours(opened, why.neighbours)
    if as_json:
        told = {"user": opened.users[user], "item": opened.items[item], "title": opened.title(item)}
        told |= {"score": why.total, "bias": why.bias, "bias_name": why.bias_name}
        told |= {"history": history, "history_rest": why.contributions.rest}
        told |= {"history_background": why.contributions.background, "neighbours": neighbours}
        told |= {"neighbours_rest": why.neighbours.rest if why.neighbours else 0.0}
        told |= {"neighbours_background": why.neighbours.background if why.neighbours else 0.0}
        told |= {view: _content(why, view) for view in _CONTENT if view in why.views()}
        told |= {"sources": why.sources, "seconds": opened.seconds}
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
        shown = [key for key in _COLUMNS if key in neighbours[0]]
        listed = [[_COLUMNS[key].format(one[key]) for key in shown] for one in neighbours]
        for name, value in (("(all others)", why.neighbours.rest), ("(not by users)", why.neighbours.background)):
            listed.append([name, *[""] * (len(shown) - 2), f"{value:+.4f}"])
        heads = [("user", "left"), *((key, "right") for key in shown[1:-1]), ("added", "right")]
        _show.print_table("The same by other user", heads, listed)
    for view, (title, what) in _CONTENT.items():
        if view in why.views():
            added = [[name, f"{value:+.4f}"] for name, value in why.bars(view, n=parts)]
            _show.print_table(title, [(what, "left"), ("added", "right")], added)


_CONTENT = {"modalities": ("The same by modality", "modality"), "features": ("The same by feature", "feature")}
_COLUMNS = {"user": "{}", "weight": "{:.1%}", "value": "{:+.2f}", "contribution": "{:+.4f}"}


def _content(why: Any, view: str) -> dict[str, Any]:
    """A view by feature or modality: what is listed, by name, and what is not."""
    part = why.views()[view]
    names = [name for name, _ in why.bars(view, n=len(part))]
    listed = [{"name": name, "contribution": added} for name, (_, added) in zip(names, part, strict=False)]
    return {"listed": listed, "rest": part.rest, "background": part.background}


def _neighbours(opened: Any, part: Any) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{"user": opened.users[number], "contribution": added} for number, added in part]
    for name in ("weights", "values"):
        for one, number in zip(out, [] if (given := getattr(part, name)) is None else given.tolist(), strict=False):
            one[name[:-1]] = number
    return out
