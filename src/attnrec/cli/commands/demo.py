"""``attnrec demo``: recommendations from the bundled data, next to the simulated taste of the viewer."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..._util.extras import require
from .. import _options as options

if TYPE_CHECKING:
    from ...data.demo import Demo
    from .._source import Source

__all__ = ["command"]


@click.command("demo", short_help="Try it on bundled data.")
@click.option(
    "--viewer", type=int, default=8, show_default=True, help="Number of the viewer to recommend to, 1 to 2000."
)
@click.option(
    "-k", "--number", "k", type=click.IntRange(1), default=8, show_default=True, help="Number of films to recommend."
)
@click.option(
    "--save",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the data to this folder as ratings.csv, films.csv and viewers.csv, and exit.",
)
@options.json_flag
def command(viewer: int, k: int, folder: Path | None, as_json: bool) -> None:
    """Recommend well-known films to one of 2,000 simulated viewers.

    The taste of each viewer is known, so that you can judge the recommendations. The viewers are simulated; the films
    are real.
    """
    from ...data import load_demo
    from .. import _reasons, _show
    from .._newcomer import newcomer

    started = time.perf_counter()
    demo = load_demo()
    if viewer not in demo.viewers:
        raise ValueError(f"--viewer {viewer}: the bundled viewers are 1 to {len(demo.viewers)}")
    if folder is not None:
        _save(demo, folder, as_json)
        return
    source = _fitted(demo, started)
    user = source.users.position(viewer)
    fitted = time.perf_counter()
    records = _reasons.recommended(source, user, k)
    seconds = source.seconds | {"recommend": time.perf_counter() - fitted}
    favourites = _favourites(demo, source, user)
    best = source.items.position(records[0]["item"]) if records else -1
    why = source.model.explain(user, best) if records else None
    new, because, titles = newcomer(demo, records[0]["item"], viewer) if records else ({}, None, [])
    if as_json:
        told = {"viewer": viewer, "taste": demo.viewers[viewer], "simulated": True, "favourites": favourites}
        told |= {"recommendations": records, "why": "" if why is None else why.text(names=source.title)}
        told["newcomer"] = new if because is None else new | {"why": because.text(names=titles.__getitem__)}
        _show.print_json(told | {"seconds": seconds})
        return
    data = demo.interactions
    sizes = f"{data.n_items} well-known films, {data.n_users:,} viewers, {len(data):,} ratings"
    _show.print_lines(f"{sizes}. The films are real, the viewers are simulated.", "")
    _show.print_lines(f"Viewer {viewer} {demo.viewers[viewer]}.", style="bold")
    _show.print_lines(
        "Rated highest: " + ", ".join(f"{one['title']} {one['rating']:g}" for one in favourites) + ".", ""
    )
    for record in records:
        film = demo.items.row(record["item"])
        record["title"] += "\n" + "\n".join(film[name].lower().replace("|", ", ") for name in ("genres", "keywords"))
    _show.print_table(
        f"Recommended, in {sum(seconds.values()):.2f} s",
        _reasons.score_columns(True),
        _reasons.rows_of(records, True, spaced=True),
    )
    if why is not None:
        _show.print_lines(*why.text(names=source.title, user_names=lambda n: f"viewer {source.users[n]}").splitlines())
        nearest = source.users[int(why.neighbours.ids[0])]
        _show.print_lines(f"Viewer {nearest}, who counts most there, {demo.viewers[nearest]}.", "")
    if because is not None:
        _show.print_lines(f"{new['title']} as a new film without interactions:", style="bold")
        _show.print_lines(
            f"by its genres, keywords and year alone it has rank {new['rank']} of the {new['of']} films that viewer "
            f"{viewer} has not seen."
        )
        _show.print_lines(*because.text(names=titles.__getitem__).splitlines()[1:])
    _show.print_lines("", "On a file of yours, with a row for each rating:")
    me = _command()
    _show.print_lines(f"  {me} recommend ratings.csv --items movies.csv --user 1 -k 10", style="bold")
    _show.print_lines(f"Another viewer: {me} demo --viewer 30. This set as CSV files: {me} demo --save demo-set")


def _command() -> str:
    """How this program can be called from here: it need not be on the path."""
    called = sys.argv[0]
    if shutil.which("attnrec") or Path(called).name != "attnrec":
        return "attnrec"
    relative = os.path.relpath(called)
    return called if relative.startswith(os.pardir) else relative


def _fitted(demo: Demo, started: float) -> Source:
    from .._source import Reading, Source, new_model

    read = time.perf_counter() - started
    data = demo.interactions
    model = new_model(True, Reading()).fit(data.user_items, show_progress=False)
    titles = [f"{demo.items.title(name)} ({demo.items.row(name)['year']})" for name in data.items]
    seconds = {"read": read, "fit": time.perf_counter() - started - read}
    return Source("demo", model, data.users, data.items, titles, True, seconds)


def _favourites(demo: Demo, source: Source, user: int, n: int = 5) -> list[dict[str, Any]]:
    """The viewer's n highest ratings; ties by number of the film."""
    row = demo.interactions.user_items[user]
    best = sorted(zip((-row.data).tolist(), row.indices.tolist(), strict=True))[:n]
    return [{"item": source.items[i], "title": source.title(i), "rating": -negative} for negative, i in best]


def _save(demo: Demo, folder: Path, as_json: bool) -> None:
    """The set as files that the other commands read; each whole or not at all."""
    pa = require("pyarrow", extra="cli")
    from .. import _show
    from .._write import write_tables

    folder.mkdir(parents=True, exist_ok=True)
    films = demo.items
    tables = {
        "ratings.csv": demo.interactions.to_frame("pyarrow"),
        "films.csv": pa.table({"item": films.ids.to_numpy(), "title": films.titles, **films.columns}),
        "viewers.csv": pa.table({"user": list(demo.viewers), "taste": list(demo.viewers.values())}),
    }
    rows = {str(folder / name): write_tables(folder / name, [table]) for name, table in tables.items()}
    if as_json:
        _show.print_json({"files": rows, "simulated": True})
        return
    for path, count in rows.items():
        print(f"{count:>7,} rows  {path}")
    print(f"Try: {_command()} recommend {folder / 'ratings.csv'} --items {folder / 'films.csv'} --user 8")
