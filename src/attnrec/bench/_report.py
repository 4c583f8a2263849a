"""Printing of a benchmark run as tables and sentences on stdout."""

from __future__ import annotations

from typing import Any

from ..cli import _show

__all__ = ["print_report"]

Record = dict[str, Any]
COLUMNS = [
    ("", "left"),
    ("way", "left"),
    ("ms", "right"),
    ("GFLOP/s", "right"),
    ("of ceiling", "right"),
    ("x index", "right"),
    ("x arrays", "right"),
]


def print_report(record: Record) -> None:
    """Machine, ceiling, one table a task, then who is faster and what is missing."""
    machine, ceiling = record["machine"], record["ceiling"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    settings = ", ".join(f"{name}={value}" for name, value in machine["environment"].items())
    threads = f"{machine['threads']} threads of {machine['processors']} processors"
    _show.print_lines(
        f"{machine['cpu']}, {threads}, {machine['isa']}, {machine['system']}; built with {machine['compiler']}",
        versions,
        *([settings] if settings else []),
        f"FMA ceiling, median of {ceiling['times']} during the run: {ceiling['gflops']:.0f} GFLOP/s "
        f"({ceiling['lowest']:.0f} to {ceiling['highest']:.0f})",
        "",
    )
    for work in record["workloads"]:
        _show.print_table(_title(work), COLUMNS, [_row(one) for one in work["results"]])
        for name, why in work["left_out"].items():
            _show.print_lines(f"left out: {name}: {' '.join(why.split())}")
    _show.print_lines(
        "All float32 on as many threads, in turns; ms and ratios are medians over rounds. x index, x arrays: the time "
        "by ours with items packed beforehand, and by ours from plain arrays; above 1 we are faster. NumPy, implicit "
        "and torch take plain arrays; faiss builds its index beforehand. Results were compared before timing.",
        "",
        *_verdict(record),
        *(f"{name}: {why}" for name, why in record["missing"].items() if name != "threadpoolctl"),
        *(f"note: {note}" for note in record["notes"]),
    )


def _title(work: Record) -> str:
    sizes = ", ".join(f"{letter} = {work[letter]:,}" for letter in "bndkm" if work[letter])
    sizes += f", {work['density']:.1%} stored" if work["density"] < 1 else ""
    return f"{work['name']}: {work['title']}; {sizes}"


def _row(one: Record) -> list[str]:
    return [
        one["name"],
        one["form"],
        f"{one['milliseconds']:.4g}",
        f"{one['gflops']:.1f}",
        f"{one['of_ceiling']:.0%}",
        f"{one['ratio_to_index']:.2f}",
        f"{one['ratio_to_arrays']:.2f}",
    ]


def _verdict(record: Record) -> list[str]:
    lines = [
        f"faster than attnrec at {one['workload']}: {one['name']}, {one['milliseconds']:.4g} ms; "
        f"{one['ours']}, {one['our_milliseconds']:.4g} ms (ratio {one['ratio']:.2f})"
        for one in record["faster"]
    ]
    ahead = {one["workload"] for one in record["faster"]}
    rest = [work["name"] for work in record["workloads"] if work["name"] not in ahead]
    if rest:
        lines.append(f"nothing measured here is faster than attnrec at: {', '.join(rest)}")
    return lines
