"""``attnrec recommend``: fits or loads a model, and recommends to one user or to all users."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..._util.extras import require
from .. import _options as options
from .._paths import Files

if TYPE_CHECKING:
    from .._source import Source

__all__ = ["command"]


@click.command("recommend", short_help="Recommend items to one user or to all users.")
@options.source
@options.items
@options.user
@click.option("--all-users", is_flag=True, help="Recommend to all users; needs --output.")
@click.option(
    "-k", "--number", "k", type=click.IntRange(1), default=10, show_default=True, help="Number of items for each user."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write user, item, title, score, weight and rank to this file: .csv, .parquet or .jsonl.",
)
@options.unclipped
@options.fitting
@options.json_flag
def command(
    source: Files,
    user_text: str | None,
    all_users: bool,
    k: int,
    output: Path | None,
    unclipped: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Recommend items to a user, with explanations.

    RATINGS are CSV or Parquet with a row for each rating, whose columns are guessed from common headers: a file, a
    folder of parts, a quoted pattern, or several files. MODEL is a file that 'attnrec fit' wrote. "score" is the
    predicted rating, clipped to the rating scale without --unclipped; ranks are the same either way. "weight" is the
    share of the user's attention on the item.

    \b
    attnrec recommend ratings.csv --items movies.csv --user 1 -k 10
    attnrec recommend model.safetensors --all-users -o recommendations.parquet
    attnrec recommend u.data --items u.item --items-no-header --id-column 0 --title-column 1 \\
      --items-encoding latin-1 --user 1
    """
    if all_users == (user_text is not None):
        raise click.UsageError("give --user ID or --all-users")
    if all_users and output is None:
        raise click.UsageError("--all-users needs --output FILE")
    from .._source import open_source
    from .._write import suffix_of

    if output is not None:
        suffix_of(output)
    opened = open_source(source, **reading)
    user = None if user_text is None else opened.find_user(user_text)
    if output is not None:
        _to_file(opened, user, k, output, as_json, not unclipped)
    elif user is not None:
        _to_screen(opened, user, k, as_json, not unclipped)


_RANKED_BY_RATING = (
    "Ranked by predicted rating. With --implicit, items are ranked by the share of similar users who have them, which "
    "usually predicts the next interactions better; 'attnrec evaluate' compares the two on your data."
)


def _to_screen(opened: Source, user: int, k: int, as_json: bool, clip: bool) -> None:
    from .. import _reasons, _show

    started = time.perf_counter()
    records = _reasons.recommended(opened, user, k, clip=clip)
    seconds = opened.seconds | {"recommend": time.perf_counter() - started}
    name = opened.users[user]
    if as_json:
        _show.print_json({"user": name, "explicit": opened.explicit, "recommendations": records, "seconds": seconds})
    elif records:
        numbers = opened.explicit or not opened.model.scores_are_shares
        columns, rows = _reasons.score_columns(numbers), _reasons.rows_of(records, numbers)
        _show.print_table(f"For user {name}, in {_total(seconds)}", columns, rows)
        if opened.explicit and opened.model.predicts_ratings:
            _show.print_lines(_RANKED_BY_RATING)
    else:
        print(f"Nothing is left to recommend: user {name} has every item.")


def _to_file(opened: Source, user: int | None, k: int, output: Path, as_json: bool, clip: bool) -> None:
    from .. import _show, _write

    started = time.perf_counter()
    rows = _write.write_tables(output, _tables(opened, None if user is None else [user], k, clip))
    seconds = opened.seconds | {"recommend": time.perf_counter() - started}
    users = opened.model.n_users if user is None else 1
    if as_json:
        _show.print_json({"output": str(output), "users": users, "rows": rows, "seconds": seconds})
    else:
        whom = "1 user" if users == 1 else f"{users:,} users"
        print(f"{rows:,} recommendations for {whom} written to {output} in {_total(seconds)}")


def _total(seconds: dict[str, float]) -> str:
    return f"{sum(seconds.values()):.2f} s ({', '.join(f'{name} {value:.2f}' for name, value in seconds.items())})"


def _tables(opened: Source, users: list[int] | None, k: int, clip: bool) -> Iterator[Any]:
    """Recommendations as Arrow tables with names instead of numbers, a block of users at a time."""
    pa = require("pyarrow", extra="cli")

    titles = pa.array([opened.title(row) for row in range(opened.model.n_items)], pa.string())
    batch: Any  # an Arrow table
    for batch in opened.model.recommend_batches(users, N=k, show_progress=sys.stderr.isatty(), clip=clip):
        yield pa.table(
            {
                "user": pa.array(opened.users.names(batch["userid"].to_numpy())),
                "item": pa.array(opened.items.names(batch["itemid"].to_numpy())),
                "title": titles.take(batch["itemid"]),
                "score": batch["score"],
                "weight": batch["weight"],
                "rank": batch["rank"],
            }
        )
