"""``attnrec report``: writes a page of recommendations to some users, with explanations."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import _options as options
from .._paths import DATA, Files
from .._words import SPLITS, in_options

if TYPE_CHECKING:
    from ...data import Interactions
    from ...report import Measured
    from .._protocols import Part
    from .._source import Source

__all__ = ["command"]

_SHARE = click.FloatRange(0, 1, True, True)


@click.command("report", short_help="Write a page of recommendations with reasons.")
@options.source
@options.items
@click.option(
    "--user", "users", multiple=True, required=True, metavar="ID", help="User to recommend to, by id; may be repeated."
)
@click.option(
    "-k", "--number", "k", type=click.IntRange(1), default=5, show_default=True, help="Number of items for each user."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write the page to; its name ends in .html.",
)
@click.option(
    "--test",
    type=DATA,
    metavar="FILE",
    help="File of held-out interactions, not in RATINGS or MODEL, to measure the model on.",
)
@click.option(
    "--test-fraction", type=_SHARE, metavar="F", help="Share of RATINGS to hold out and measure the model on."
)
@options.fitting
@options.json_flag
def command(
    source: Files,
    users: tuple[str, ...],
    k: int,
    output: Path,
    test: Path | None,
    test_fraction: float | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Write the recommendations of a model to some users, with explanations, to one self-contained page.

    The page shows the model, the history of each user, and the contributions to each recommendation as bars and
    sentences, with its score and rank without single items of the history. It has no scripts and loads nothing. The
    model is measured only with --test or --test-fraction; with --test-fraction it is fitted without the test part.

    \b
    attnrec report model.safetensors --user 1 -o report.html
    attnrec report ratings.csv --items movies.csv --user 1 --user 7 --test-fraction 0.1 -o report.html
    """
    from ...report import html_report
    from .. import _show, _source
    from .._write import beside

    if output.suffix.lower() not in (".html", ".htm"):
        raise click.UsageError(f"--output {output}: name it {output.stem}.html")
    if test is not None and test_fraction is not None:
        raise click.UsageError("--test says what is held out already: leave out --test-fraction")
    if test_fraction is not None and source.is_model:
        raise click.UsageError(
            f"{source} is fitted already: give the ratings, or --test FILE instead of --test-fraction"
        )
    parts: list[Part] = []

    def held_out(data: Interactions) -> Interactions:
        if test_fraction is None:
            return data
        parts.append(_part(data, "random", {"test_fraction": test_fraction, "seed": 0}, str(source)))
        return parts[0].train

    opened = _source.open_source(source, part=held_out, **reading)
    rows = [opened.find_user(one) for one in users]
    started = time.perf_counter()
    if test is not None:
        given = {name: value for name, value in reading.items() if name in _source.Reading.__dataclass_fields__}
        parts.append(_tested(opened, test, replace(_source.Reading(**given), model=None, temperature=None)))
    measured = _measured(opened, parts[0]) if parts else None
    opened.seconds["measure"] = time.perf_counter() - started
    page = html_report(
        opened.model,
        rows,
        N=k,
        names=opened.title,
        user_names=lambda number: f"user {opened.users[number]}",
        measured=measured,
    )
    with beside(output) as file:
        file.write_text(page, encoding="utf-8")
    seconds = opened.seconds | {"report": time.perf_counter() - started - opened.seconds["measure"]}
    size = output.stat().st_size
    if as_json:
        figures = {} if measured is None else {name: dict(figures) for name, figures in measured.rows}
        told = {"output": str(output), "users": [opened.users[row] for row in rows], "bytes": size}
        _show.print_json(told | {"measured": figures, "seconds": seconds})
        return
    whom = "1 user" if len(set(rows)) == 1 else f"{len(set(rows))} users"
    print(f"A report on {whom} written to {output}, {size / 1e3:.0f} kB, in {sum(seconds.values()):.2f} s")


def _part(data: Interactions, split: str, given: dict[str, Any], name: str) -> Part:
    """What to fit, or was fitted, and what is held out of it; errors name the file."""
    from .. import _protocols

    try:
        part = _protocols.parts(data, split, given)[0]
    except ValueError as error:
        raise ValueError(f"{name}: {in_options(str(error), SPLITS)}") from None
    if not len(part.train) or not part.test.nnz:
        raise ValueError(f"{name}: {len(data)} interactions are too few to hold some out; use more data")
    return part


def _tested(opened: Source, path: Path, reading: Any) -> Part:
    """The model's own interactions, and those of a file."""
    from ...data import Interactions
    from ...models.inputs.dislikes import together
    from .._source import read_interactions

    known = together(opened.model.user_items, opened.model.disliked)
    fitted = Interactions.from_sparse(known, opened.users, opened.items, explicit=opened.explicit)
    test = read_interactions(Files((path,)), replace(reading, implicit=not opened.explicit))
    return _part(fitted, "pair", {"test": test}, f"--test {path}")


def _measured(opened: Source, part: Part) -> Measured:
    """Figures of the model beside popularity, as ``attnrec evaluate`` has them."""
    from ...report import Measured
    from .. import _contestants, _measure, _protocols
    from .._saved import matched

    name = type(opened.model).__name__
    model = matched(name, opened.model, opened.users, opened.items, part.train)
    rows = _measure.measured([model, _contestants.popularity()], [part], (10, 20), 1000, 0)
    what, notes = _protocols.described(part.train, "pair", [part])
    figures = [
        (row["model"], {key: _figure(row, key) for key in row if key not in ("model", "intervals", "seconds", "notes")})
        for row in rows
    ]
    notes += [note for row in rows for note in row["notes"]]
    what = what.rpartition(" (")[0]  # how it was split says a reader little
    return Measured(f"{what}. In brackets: 95 % intervals, by a bootstrap over users.", figures, notes)


def _figure(row: dict[str, Any], key: str) -> tuple[float, float | None, float | None]:
    low, high = row["intervals"].get(key, (None, None))
    return row[key], low, high
