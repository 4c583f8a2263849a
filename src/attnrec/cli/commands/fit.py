"""``attnrec fit``: fits a model to ratings and saves it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from .. import _options as options
from .._paths import Files, is_model

__all__ = ["command"]


@click.command("fit", short_help="Fit a model to ratings and save it.")
@options.source
@options.items
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="File to write the model to; its name ends in .safetensors.",
)
@options.fitting
@options.json_flag
def command(source: Files, output: Path, as_json: bool, **reading: Any) -> None:
    """Fit a model to ratings and write it to a file, with ids and titles.

    The file is safetensors: nothing in it is executed when it is read.

    \b
    attnrec fit ratings.csv --items movies.csv -o model.safetensors
    attnrec recommend model.safetensors --user 1
    """
    from .. import _names, _show, _source

    if not is_model(output):
        raise click.UsageError(f"--output {output}: name it {output.stem}.safetensors")
    if source.is_model:
        raise click.UsageError(f"{source} is a model already; give the ratings")
    opened = _source.open_source(source, **reading)
    started = time.perf_counter()
    titles = opened.titles if reading["items_path"] is not None else None
    _names.save_named(output, opened.model, opened.users, opened.items, titles, opened.explicit)
    seconds = opened.seconds | {"save": time.perf_counter() - started}
    size = output.stat().st_size
    told = {"output": str(output), "model": type(opened.model).__name__, "explicit": opened.explicit}
    told |= {"users": len(opened.users), "items": len(opened.items), "bytes": size, "seconds": seconds}
    if as_json:
        _show.print_json(told)
        return
    kind = "ratings" if opened.explicit else "interactions"
    print(
        f"{told['model']} for {len(opened.users):,} users and {len(opened.items):,} items ({kind}) "
        f"written to {output}, {size / 1e6:.1f} MB, in {sum(seconds.values()):.2f} s"
    )
