"""The command ``attnrec bench``: its options, its progress bar and its output."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import click

from .. import config
from .._util.extras import require
from ..cli import _options as options
from ._tasks import TASKS, quick

__all__ = ["command"]


@click.command("bench", short_help="Time the operations against NumPy and other libraries.")
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="Number of threads of every library; all processors by default.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    metavar="N",
    help="Number of runs of each task and library; 9 by default, 3 with --quick.",
)
@click.option(
    "--quick",
    "is_quick",
    is_flag=True,
    help="Use small sizes, for a check in seconds; the figures are not representative.",
)
@click.option(
    "--only",
    type=click.Choice([t.name for t in TASKS]),
    multiple=True,
    help="Task to run, may be repeated; all by default.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write the report to this file: JSON if its name ends in .json, else text.",
)
@options.json_flag
def command(
    threads: int | None, rounds: int | None, is_quick: bool, only: tuple[str, ...], output: Path | None, as_json: bool
) -> None:
    """Time the operations on this machine.

    Prints milliseconds, GFLOP/s, the fraction of the peak multiply-add rate of the processor (measured in the same
    run), and the times of NumPy and of each installed peer (implicit, faiss-cpu, torch) on the same data relative to
    attnrec. A full run takes a few minutes; close other programs first.

    \b
    attnrec bench --only topk --only attend
    attnrec bench --threads 1 --output bench.json
    """
    from ..cli import _show, _write
    from . import _report, _run

    if config.backend() != "compiled":
        raise click.UsageError("bench times the compiled kernels; unset ATTNREC_BACKEND")
    if output is not None and not output.parent.is_dir():
        raise ValueError(f"--output {output}: the folder {output.parent} does not exist; make it first")
    tasks = [quick(task) if is_quick else task for task in TASKS if not only or task.name in only]
    effort = _run.Effort(
        num_threads=threads or config.num_threads(),
        rounds=rounds or (3 if is_quick else 9),
        turn_seconds=0.002 if is_quick else 0.05,
        ceiling_seconds=0.02 if is_quick else 0.3,
    )
    with require("tqdm", extra="cli").tqdm(total=len(tasks) * (1 + effort.rounds), disable=None, leave=False) as bar:

        def step(what: str) -> None:
            bar.set_description(what)
            bar.update()

        record = {"quick": is_quick, "rounds": effort.rounds, **_run.run(tasks, effort, step)}
    if record["workloads"]:
        if as_json:
            _show.print_json(record)
        else:
            _report.print_report(record)
        if output is not None:
            with _write.beside(output) as part:
                part.write_text(_as_text(record, output.suffix.lower() == ".json"), encoding="utf-8")
    if record["interrupted"]:
        raise click.Abort


def _as_text(record: dict[str, Any], as_json: bool) -> str:
    from . import _report

    if as_json:
        return json.dumps(record, indent=1) + "\n"
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        _report.print_report(record)
    return text.getvalue()
