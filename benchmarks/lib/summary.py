"""The record of a run as Markdown for the README, and the growth in sentences. Measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.speed import growth as _growth
from benchmarks.speed import shapes

Record = dict[str, Any]
OURS = "attnrec, "


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """An aligned table: the first column to the left, figures to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = zip(cells, widths, strict=True)
        return "| " + " | ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":") for i, width in enumerate(widths)) + "|"
    return [line(header), rule, *map(line, rows)]


def figure(x: float) -> str:
    """Three digits at most, without an exponent."""
    return f"{x:.0f}" if x >= 99.95 else f"{x:.3g}" if x >= 1 else f"{x:.2g}"


def table_rows(record: Record) -> tuple[list[str], list[list[str]]]:
    """Header and rows: a row for each task and each way of ours, with the times of the others by it."""
    theirs = [name for name in shapes.names() if not name.startswith(OURS)]
    header = ["task", "attnrec", "ms", "of FMA ceiling", "of streaming", *theirs]
    rows = []
    for work in record["workloads"]:
        by_name = {one["name"]: one for one in work["results"]}
        sizes = ", ".join(f"{letter} {work[letter]:,}" for letter in "bndkm" if work[letter])
        for name, one in by_name.items():
            if name.startswith(OURS):
                ratios = [figure(by_name[x]["ratios"][name]) if x in by_name else "" for x in theirs]
                streaming = f"{one['of_streaming']:.0%}" if "of_streaming" in one else ""
                label = name.removeprefix(OURS)
                ceiling = f"{one['of_ceiling']:.0%}"
                rows.append(
                    [f"{work['name']}: {sizes}", label, figure(one["milliseconds"]), ceiling, streaming, *ratios]
                )
    return header, rows


def print_table(record: Record) -> None:
    if record["workloads"]:
        print("\n".join(markdown(*table_rows(record))))
        print(
            "Columns after 'of streaming': the time of others by ours, medians over rounds. 'index' is ItemIndex with "
            "its own choice\nof precision. 'of streaming': the speed of reading the items once in float32, by that of "
            "memory."
        )
    for name, why in record["skipped"].items():
        print(f"skipped {name}: {why}")


def print_growth(record: Record) -> None:
    """A table for each axis, what was left out, and the checks."""
    growth = {"points": {}, "skipped": {}} | record.get("growth", {})
    for axis, points in growth["points"].items():
        names = [n for n in shapes.names() if any(n in point["results"] for point in points)]
        if points:
            fixed = ", ".join(f"{x} = {points[0][x]:,}" for x in "bndk" if x != axis)
            print(f"\nTop-k by {shapes.AXES[axis]}, milliseconds a call ({fixed})")
            taken = [[p["results"].get(n, {}).get("milliseconds") for n in names] for p in points]
            cells = [["" if ms is None else figure(ms) for ms in row] for row in taken]
            print(
                "\n".join(markdown([axis, *names], [[f"{p['at']:,}", *c] for p, c in zip(points, cells, strict=True)]))
            )
        for point in points:
            for name, why in point["left_out"].items():
                if why != shapes.IN_THE_TABLE:
                    print(f"left out at {axis} = {point['at']:,}: {name}: {why}")
    for name, why in growth["skipped"].items():
        print(f"skipped {name}: {why}")
    print()
    for one in record.get("checks", []):
        print(_checked(one))
    _print_memory(record.get("peak_memory"))


def _checked(one: Record) -> str:
    least, most = one["at"][0], one["at"][-1]
    return (
        f"{one['name']}, {shapes.AXES[one['axis']]} {least:,} to {most:,}: {one['verdict']} "
        f"(exponent {one['exponent']:.3f}; the cost of one varies by {one['spread']:.1%} and rises by "
        f"{one['rise']:.1%} at most, {_growth.ALLOWED:.0%} are allowed)"
    )


def _print_memory(memory: Record | None) -> None:
    if memory:
        for precision, by_b in memory["added"].items():
            told = ", ".join(f"{int(b):,}: {mib:.1f}" for b, mib in by_b.items())
            verdict = "flat" if memory["flat"][precision] else "NOT flat"
            scores = ", ".join(f"{mib:,.0f}" for mib in memory["scores"].values())
            print(
                f"peak memory of top-k, {precision}, {memory['n']:,} items, MiB added by number of queries: {told}: "
                f"{verdict} but for the results (the scores would take {scores})"
            )
