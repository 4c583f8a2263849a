"""``attnrec evaluate``: compares models on held-out interactions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import _options as options
from .._paths import DATA, Files
from .._protocols import SPLITS as PROTOCOLS
from .._words import SPLITS, in_options

if TYPE_CHECKING:
    from ...data import Interactions
    from .._contestants import Contestant
    from .._source import Reading

__all__ = ["command"]


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Comma-separated whole numbers of at least 1, ascending."""
    try:
        numbers = tuple(sorted({int(part) for part in value.split(",")}))
    except ValueError:
        numbers = ()
    if not numbers or numbers[0] < 1:
        raise click.BadParameter(f"{value!r} is not a list of whole numbers such as 10,20", ctx, param)
    return numbers


@click.command("evaluate", short_help="Compare models on held-out interactions.")
@options.source
@click.option(
    "--split",
    "--protocol",
    "split",
    type=click.Choice(list(PROTOCOLS)),
    default="random",
    show_default=True,
    help="How to choose the test part.",
)
@click.option(
    "--test",
    type=DATA,
    metavar="FILE",
    help="Test file (with --split pair); RATINGS are the training part.",
)
@click.option(
    "--test-fraction",
    type=click.FloatRange(0, 1, True, True),
    default=0.2,
    show_default=True,
    metavar="F",
    help="Share of the interactions to hold out (with --split random or temporal).",
)
@click.option("--time", metavar="T", help="Hold out interactions at this time or later (with --split temporal).")
@click.option(
    "--folds", type=click.IntRange(2), default=5, show_default=True, help="Number of folds (with --split kfold)."
)
@click.option(
    "--users",
    type=click.IntRange(1),
    metavar="N",
    help="Number of users to hold out (with --split users); a tenth by default.",
)
@click.option(
    "--fold-in",
    type=click.FloatRange(0, 1, True, True),
    default=0.8,
    show_default=True,
    metavar="F",
    help="Share of each held-out user's history that models are given (with --split users).",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of random splits and of the intervals.")
@click.option(
    "-m",
    "--model",
    "specs",
    multiple=True,
    metavar="CLASS[:NAME=VALUE,...]|FILE",
    help="Model to compare, may be repeated: a class of attnrec.models with parameters, or a saved model.",
)
@click.option(
    "-k",
    "--k",
    "ks",
    callback=_numbers,
    default="10,20",
    show_default=True,
    help="Comma-separated lengths of the recommendation lists.",
)
@click.option(
    "--resamples",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Number of bootstrap samples for the intervals.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also draw the results to this file: .png, .svg or .pdf.",
)
@options.reading
@options.json_flag
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: Files,
    split: str,
    specs: tuple[str, ...],
    ks: tuple[int, ...],
    resamples: int,
    plot: Path | None,
    as_json: bool,
    **rest: Any,
) -> None:
    """Measure how well held-out interactions are found again, and compare models.

    \b
    --split random    holds out a random share of all interactions
            last      holds out the latest interaction of each user
            temporal  holds out the latest of all interactions: a share, or from a time on
            kfold     holds out every interaction once, in folds
            users     holds out users: models are not fitted with them, and get a part of their history to fold in
            pair      takes the test part from another file (--test)

    Lists rank all items that the user does not have in the training part (full ranking), and every held-out interaction
    counts as relevant, except for values below 0. Predicted ratings are measured by their ranking and by RMSE and MAE,
    clipped to the rating scale as users see them. Brackets hold 95 % intervals, by a bootstrap over users. "popularity"
    recommends the items that most users have, and predicts the mean rating of an item. Without --model, the model that
    the other commands fit is compared, with and without --implicit.

    \b
    attnrec evaluate ratings.csv
    attnrec evaluate ratings.csv --split users --json
    attnrec evaluate train.csv --test test.csv --model NeighbourAttention:temperature=0.2 --model my.safetensors
    """
    from .. import _chart, _measure, _protocols, _show, _source

    if source.is_model:
        raise click.UsageError(
            f"{source} is a model; give the ratings, so that it can be fitted without the test part, or give both: "
            f"RATINGS --model {source.name}"
        )
    how = {name: rest.pop(name) for name in list(rest) if name in _source.Reading.__dataclass_fields__}
    reading = _source.Reading(**how)
    split, settings = _settings(ctx, split, rest)
    if specs and reading.temperature is not None:
        raise click.UsageError("--temperature is for what is compared without --model: write it as a parameter")
    if plot is not None:
        _chart.check(plot)
    started = time.perf_counter()
    data = _source.read_interactions(source, reading)
    if split in ("last", "temporal") and data.timestamps is None:
        raise ValueError(f"{source}: --split {split} needs timestamps; give --timestamp-column, or use --split random")
    given = dict(settings)
    if split == "pair":
        given["test"] = _source.read_interactions(Files((settings["test"],)), reading)
    try:
        cut = _protocols.parts(data, split, given)
    except ValueError as error:
        raise ValueError(f"{source}: --split {split}: {in_options(str(error), SPLITS)}") from None
    if not all(len(part.train) and part.test.nnz for part in cut):
        raise ValueError(f"{source}: {len(data)} interactions are too few to hold some out; use more data")
    contestants = list(_contestants(specs, cut[0].train if split == "pair" else data, reading))
    seconds = {"read": time.perf_counter() - started}
    rows = _measure.measured(contestants, cut, ks, resamples, rest["seed"])
    title, notes = _protocols.described(data, split, cut)
    if plot is not None:
        _chart.draw(plot, f"{source.name}: {title}", rows, _drawn(ks[-1]))
    if not specs and data.explicit:
        notes.append(
            "(0/1) is what is fitted with --implicit: the ratings are ignored, every rated item counts as liked."
        )
    if as_json:
        told: dict[str, Any] = {"source": str(source), "split": split, "settings": settings, "k": list(ks)}
        told["parts"] = [{"train": len(part.train), "test": part.test.nnz, "users": len(part.users)} for part in cut]
        told["interval"] = {"level": _measure.LEVEL, "resamples": resamples, "seed": rest["seed"]}
        _show.print_json(told | {"models": rows, "notes": notes, "seconds": seconds})
        return
    notes[:0] = [note for row in rows for note in row["notes"]]
    for some in _side_by_side(rows, _show.console().width):
        columns = [("", "left"), *[(_chart.label_lines(row["model"]), "right") for row in some]]
        _show.print_table(title, columns, [[name, *[_cell(row, name) for row in some]] for name in _names(rows)])
        title = ""
    _show.print_lines("In brackets: 95 % intervals, by a bootstrap over users.", *notes)


def _settings(ctx: click.Context, split: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The split, which --test alone implies, and the options that it takes by name; no other may have been given."""
    said = {name for name in given if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT}
    if given["test"] is not None and ctx.get_parameter_source("split") is click.core.ParameterSource.DEFAULT:
        split = "pair"
    takes = PROTOCOLS[split]
    for name in sorted(said - {*takes, "seed"}):
        raise click.UsageError(f"--split {split} does not take --{name.replace('_', '-')}")
    if split == "pair" and given["test"] is None:
        raise click.UsageError("--split pair needs --test FILE, the interactions held out")
    if split == "temporal" and {"time", "test_fraction"} <= said:
        raise click.UsageError("--time says where to cut already: leave out --test-fraction")
    if split == "temporal" and given["time"] is not None:
        takes = ("time",)
    return split, {name: given[name] for name in takes}


def _contestants(specs: Sequence[str], data: Interactions, reading: Reading) -> Iterator[Contestant]:
    """Those asked for, or what the commands fit; popularity in any case, at the end."""
    from .. import _contestants as all_of_them
    from .._saved import saved
    from .._source import new_model

    if len(set(specs)) < len(specs):
        raise ValueError(f"--model {next(s for s in specs if specs.count(s) > 1)} is given twice; leave one out")
    for spec in specs:
        if spec != all_of_them.POPULARITY:
            yield all_of_them.spelled(spec, lambda path: saved(path, data))
    for explicit in () if specs else (True, False) if data.explicit else (False,):
        label = f"NeighbourAttention {'(ratings)' if explicit else '(0/1)'}"
        yield all_of_them.estimator(label, partial(new_model, explicit, reading))
    yield all_of_them.popularity()


def _side_by_side(rows: Sequence[dict[str, Any]], width: int) -> Iterator[list[dict[str, Any]]]:
    """As many models at a time as fit the width beside the names of metrics."""
    from .._chart import label_lines

    some: list[dict[str, Any]] = []
    left = width - 14
    for row in rows:
        needs = 3 + max(16, *map(len, label_lines(row["model"]).split("\n")))
        if some and needs > left:
            yield some
            some, left = [], width - 14
        some.append(row)
        left -= needs
    yield some


def _names(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Every metric that a model has, those of lists first, then those of ratings, and seconds."""
    last = ("rmse", "mae", "seconds")
    there = dict.fromkeys(name for row in rows for name in row)
    return [*(n for n in there if n not in (*last, "model", "intervals", "notes")), *(n for n in last if n in there)]


def _cell(row: dict[str, Any], name: str) -> str:
    if name == "seconds":
        return f"{sum(row['seconds'].values()):.2f}"
    if name not in row:
        return "-"
    if name not in row["intervals"]:
        return f"{row[name]:.4f}"
    low, high = row["intervals"][name]
    return f"{row[name]:.4f}\n[{low:.4f}, {high:.4f}]"


def _drawn(k: int) -> list[str]:
    return [f"ndcg@{k}", f"recall@{k}", f"mrr@{k}", f"novelty@{k}", "rmse", "mae"]
