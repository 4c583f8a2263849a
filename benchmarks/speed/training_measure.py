"""What benchmarks/speed/training.py measures: an epoch beside torch, peaks of memory, growth. Prints progress alone."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import scipy.sparse as sp

from attnrec import _core
from attnrec.bench._forms import Form
from attnrec.bench._timing import Limit, best_of, in_turns, median_ratio
from benchmarks.lib import yardsticks
from benchmarks.speed import growth as fitted
from benchmarks.speed import training_steps as steps
from benchmarks.speed.read_csv import peak_bytes

Record = dict[str, Any]
ALLOWED_MB = 200.0
# By axis: users, items and features, of which one is varied. A step takes as many users as are here.
GROWTH = {
    "users": (2048, 10_000, 64, (2048, 4096, 8192, 16_384)),
    "items": (2048, 10_000, 64, (5000, 10_000, 20_000, 40_000, 80_000)),
    "d": (2048, 10_000, 64, (16, 32, 64, 128, 256)),
}
QUICK_GROWTH = {"users": (64, 300, 8, (64, 128)), "items": (64, 300, 8, (300, 600)), "d": (64, 300, 8, (8, 16))}
OURS = "attnrec"


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def ceiling(given: argparse.Namespace) -> dict[str, float]:
    return {"gflops": _core.fma_ceiling(0.02 if given.quick else 0.3, given.threads) / 1e9}


def epoch(record: Record, x: sp.csr_array, given: argparse.Namespace, limit: Limit) -> None:
    """Fill the record: seconds, parts of the ceiling and ratios, of attnrec and of the best way of torch."""
    shape, d, n_threads = (x.shape[0], x.shape[1]), given.width, given.threads
    few = [batch for batch, _ in zip(steps.batches(x, given.batch), range(given.rounds), strict=False)]
    now = [few[0]]

    def form(trainer: steps.Trainer) -> Form:
        return Form(trainer.label, lambda: {"loss": trainer.step(now[0])})

    ours = steps.attnrec_trainer(shape, d, n_threads)
    ways: list[Form] = []
    if "torch" not in record["missing"]:
        for label, make in steps.torch_trainers(shape, d):
            tell(f"comparing results: torch, {label}")
            problem, trainer = _tried(make, lambda: steps.attnrec_trainer(shape, d, n_threads), few[0])
            record["left_out"] |= {label: problem} if problem else {}
            ways += [form(trainer)] if trainer is not None else []
    best = [best_of(ways, 0.0, limit, n_threads)] if ways else []
    forms = [form(ours), *best]
    took: list[list[float]] = [[] for _ in forms]
    between = []
    for i in range(given.rounds):
        now[0] = few[i % len(few)]
        for mine, more in zip(took, in_turns(forms, 1, 0.0, limit, n_threads, lambda: None), strict=True):
            mine += more
        between.append(ceiling(given))
        tell(f"batch {i + 1} of {given.rounds}")
    users = len(few[0].users)
    work = {"b": users, "n": shape[1], "d": d, "flop": 8.0 * users * shape[1] * d, "between_rounds": between}
    work["results"] = [
        {
            "name": name,
            "form": one.label,
            "milliseconds_by_round": [1e3 * seconds for seconds in mine],
            "epoch_seconds": statistics.median(mine) * shape[0] / users,
            "ratio": median_ratio(mine, took[0]),
        }
        for name, one, mine in zip((OURS, "torch"), forms, took, strict=False)
    ]
    yardsticks.compare(work)
    record["epoch"] = work


def _tried(
    make: Callable[[], steps.Trainer], ours: Callable[[], steps.Trainer], batch: steps.Batch
) -> tuple[str, steps.Trainer | None]:
    try:
        trainer = make()
        problem = steps.disagreement(trainer, ours(), batch)
    except Exception as error:  # whatever a library raises here is why it has no figure
        problem, trainer = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}", None
    return problem, None if problem else trainer


def child(x: sp.csr_array, given: argparse.Namespace) -> None:
    """Two steps in this process; its peak of memory, and what was there before them."""
    shape, d = (x.shape[0], x.shape[1]), given.width
    if given.child == OURS:
        trainer = steps.attnrec_trainer(shape, d, given.threads)
    else:
        trainer = dict(steps.torch_trainers(shape, d))[given.child]()
        sys.modules["torch"].set_num_threads(given.threads)
    before = peak_bytes()
    for batch, _ in zip(steps.batches(x, given.batch), range(2), strict=False):
        trainer.step(batch)
    print(json.dumps({"before": before / 1e6, "peak": peak_bytes() / 1e6}))


def memory(record: Record, shape: tuple[int, int], given: argparse.Namespace) -> None:
    """Peaks, in MB, of processes that do two steps; of torch in the way that was the fastest."""
    state = steps.state_bytes(shape, given.width) / 1e6
    out: Record = {"state": state, "allowed": 1.5 * state + ALLOWED_MB, "peaks": {}}
    ways = {one["name"]: one["form"] for one in record.get("epoch", {}).get("results", ())} | {OURS: OURS}
    for name, way in ways.items():
        tell(f"peak memory: {name}")
        line = [sys.executable, "-m", "benchmarks.speed.training", "--child", way]
        line += [f"--{option}={getattr(given, option)}" for option in ("batch", "width", "threads")]
        line += [f"--{option}" for option in ("simulate", "quick") if getattr(given, option)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        out["peaks"][name] = json.loads(done.stdout.splitlines()[-1])
    record["memory"] = out | {"within": out["peaks"][OURS]["peak"] <= out["allowed"]}


def growth(record: Record, given: argparse.Namespace, limit: Limit) -> None:
    """Seconds of attnrec for all batches of simulated users, by axis, points in turns; cost is time by the ceiling."""
    record["growth"] = {}
    for axis, (n_users, n_items, d, sizes) in (QUICK_GROWTH if given.quick else GROWTH).items():
        forms = []
        for size in sizes:
            at = {"users": n_users, "items": n_items, "d": d} | {axis: size}
            x = steps.simulated(at["users"], at["items"], 20 * at["users"])
            trainer = steps.attnrec_trainer((at["users"], at["items"]), at["d"], given.threads)
            forms.append(Form(f"{axis} {size}", _epoch(trainer, list(steps.batches(x, n_users)))))
        took: list[list[float]] = [[] for _ in sizes]
        costs: list[list[float]] = [[] for _ in sizes]
        for _ in range(given.rounds):
            for form, seconds, cost in zip(forms, took, costs, strict=True):
                seconds += in_turns([form], 1, 0.0, limit, given.threads, lambda: None)[0]
                cost.append(seconds[-1] * ceiling(given)["gflops"])
        tell(f"growth with {axis}")
        fit = fitted.fit(sizes, [statistics.median(cost) for cost in costs])
        fixed = {"users": n_users, "items": n_items, "d": d}
        del fixed[axis]
        record["growth"][axis] = {
            "fixed": fixed,
            "at": sizes,
            "seconds": [statistics.median(seconds) for seconds in took],
            **fit,
        }


def _epoch(trainer: steps.Trainer, all_batches: list[steps.Batch]) -> Callable[[], dict[str, Any]]:
    return lambda: {"loss": [trainer.step(batch) for batch in all_batches]}
