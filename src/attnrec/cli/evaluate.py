"""``attnrec evaluate``: holds out interactions, fits on the rest, and measures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from . import _options as options

__all__ = ["command"]


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Whole numbers of at least 1, parted by commas, ascending."""
    try:
        numbers = tuple(sorted({int(part) for part in value.split(",")}))
    except ValueError:
        numbers = ()
    if not numbers or numbers[0] < 1:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 10,20", ctx, param)
    return numbers


@click.command("evaluate", short_help="Measure on held-out interactions.")
@options.source
@click.option(
    "--split", type=click.Choice(["random", "last"]), default="random", show_default=True, help="What to hold out."
)
@click.option("--test-fraction", type=click.FloatRange(0, 1, True, True), default=0.2, show_default=True, metavar="F")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random split.")
@click.option("-k", "--k", "ks", callback=_numbers, default="10,20", show_default=True, help="Lengths of the lists.")
@options.reading
@options.json_flag
def command(
    source: Path, split: str, test_fraction: float, seed: int, ks: tuple[int, ...], as_json: bool, **reading: Any
) -> None:
    """Measure how well held-out interactions are found again.

    "random" holds out a share of all interactions, "last" each user's latest. Lists are drawn from all items the user
    does not have in the rest (full ranking), and every held-out interaction counts as liked. Ratings are judged by how
    they rank and, by RMSE and MAE, as predictions. "popularity" recommends what most users have, and predicts an item's
    mean rating.

    \b
    attnrec evaluate ratings.csv
    attnrec evaluate ratings.csv --split last --k 10,20
    """
    from ..data import leave_last_out, random_holdout
    from . import _measure, _show, _source

    if _source.is_model(source):
        raise click.UsageError(f"{source} is a model; give the ratings, so that it can be fitted without the test part")
    started = time.perf_counter()
    how = _source.Reading(**reading)
    data = _source.read_interactions(source, how)
    if split == "last" and data.timestamps is None:
        raise ValueError(f"{source}: --split last needs timestamps; give --timestamp-column, or use --split random")
    train, test = leave_last_out(data) if split == "last" else random_holdout(data, test_fraction, seed)
    if not train.nnz or not test.nnz:
        raise ValueError(f"{source}: {len(data)} interactions are too few to hold some out; use more data")
    read = time.perf_counter() - started
    rows = _measure.measured(train, test, ks, data.explicit, lambda explicit: _source.new_model(explicit, how))
    if as_json:
        told: dict[str, Any] = {"split": split, "train": train.nnz, "test": test.nnz, "models": rows}
        _show.print_json(told | {"seconds": {"read": read}})
        return
    columns = [("", "left"), *[(row["model"].replace(" (", "\n("), "right") for row in rows]]
    names = [name for name in rows[0] if name != "model"]
    lines = [[name, *[_number(row.get(name), name) for row in rows]] for name in names]
    _show.print_table(f"{test.nnz:,} of {len(data):,} interactions held out ({split})", columns, lines)


def _number(value: float | None, name: str) -> str:
    return "-" if value is None else f"{value:.2f}" if name == "seconds" else f"{value:.4f}"
