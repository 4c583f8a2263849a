"""The record of benchmarks/speed/training.py in words. Measures nothing."""

from __future__ import annotations

import statistics
from typing import Any

from benchmarks.lib import summary
from benchmarks.speed.training_measure import ALLOWED_MB, OURS

Record = dict[str, Any]


def show(record: Record) -> None:
    """The record in words."""
    if record["settings"]["quick"]:
        print("A quick run on small data: the figures say nothing of speed or growth.\n")
    machine, data = record["machine"], record["data"]
    print(f"{machine['cpu']}, {machine['isa']}, {machine['threads']} threads, versions {machine['versions']}")
    print(f"{data['name']}: {data['users']:,} users, {data['items']:,} items, {data['interactions']:,} interactions")
    for package, why in record["missing"].items():
        if package == "torch":
            print(f"without torch: {why}")
    for label, why in record["left_out"].items():
        print(f"left out: torch, {label}: {why}")
    if work := record.get("epoch"):
        _show_epoch(work, data["users"])
    if memory := record.get("memory"):
        for name, one in memory["peaks"].items():
            print(f"peak resident memory, {name}: {one['peak']:.0f} MB ({one['before']:.0f} before the first step)")
        verdict = "within" if memory["within"] else "NOT within"
        print(
            f"parameters and moments take {memory['state']:.1f} MB; {OURS} is {verdict} 1.5 times that + "
            f"{ALLOWED_MB:.0f} MB = {memory['allowed']:.0f} MB"
        )
    for axis, one in record.get("growth", {}).items():
        at = ", ".join(f"{x:,}: {1e3 * s:.0f}" for x, s in zip(one["at"], one["seconds"], strict=True))
        fixed = ", ".join(f"{name} {x:,}" for name, x in one["fixed"].items())
        print(
            f"milliseconds by {axis} ({fixed}): {at}; {one['verdict']}, exponent {one['exponent']:.3f}, the cost "
            f"of one varies by {one['spread']:.0%} and rises by {one['rise']:.0%} at most"
        )
    if record["interrupted"]:
        print("interrupted: the rest was not measured")


def _show_epoch(work: Record, users: int) -> None:
    gflops = [one["gflops"] for one in work["between_rounds"]]
    rounds = len(gflops)
    print(
        f"\n{rounds} batches of {work['b']:,} users were timed in turns; an epoch is {users / work['b']:.2f} times "
        f"their median. FMA ceiling {statistics.median(gflops):.0f} GFLOP/s ({min(gflops):.0f} to {max(gflops):.0f}).\n"
    )
    rows = [
        [
            f"{one['name']}: {one['form']}",
            summary.figure(one["epoch_seconds"]),
            f"{one['of_ceiling']:.2f}",
            summary.figure(one["ratio"]),
        ]
        for one in work["results"]
    ]
    print("\n".join(summary.markdown(["loss, gradients and Adam", "s an epoch", "of FMA ceiling", "times ours"], rows)))
    print()
