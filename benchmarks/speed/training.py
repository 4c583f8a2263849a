"""An epoch of training on the softmax over all items: attnrec beside torch, memory, and how time grows.

Run ``python -m benchmarks.speed.training --json training.json``; torch comes with ``pip install '.[bench]'``. Loss,
gradients and Adam for tables of users and items on Gowalla as LightGCN splits it (29,858 users, 40,981 items; the
folder ``ATTNREC_DATA``), or on simulated interactions of that shape. A whole epoch of torch takes long: as many batches
as ``--rounds`` are timed, the same ones for all in turns, after their results were compared, and an epoch is their
median times the number of batches. After every round the ceiling of the multiply-add units is measured; an epoch counts
as ``8 U I d`` FLOP. Peaks of memory are those of processes of their own. Ctrl-C ends it with what there is by then.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import scipy.sparse as sp

import attnrec as ar
from attnrec._util.files import written_beside
from attnrec.bench import _machine
from benchmarks.quality import accuracy_data
from benchmarks.speed import training_measure as measure
from benchmarks.speed import training_steps as steps
from benchmarks.speed.training_report import show

Record = dict[str, Any]
SHAPE, NNZ = (29_858, 40_981), 810_128
QUICK_SHAPE, QUICK_NNZ = (300, 500), 3000
PARTS = ("epoch", "memory", "growth")


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, help="do a part")
    parser.add_argument("--simulate", action="store_true", help="interactions of Gowalla's shape, made up")
    parser.add_argument("--batch", type=int, metavar="N", help="users a step; 2,048 unless given, 128 with --quick")
    parser.add_argument("--width", type=int, default=64, metavar="D", help="features of users and items")
    parser.add_argument("--rounds", type=int, metavar="N", help="batches timed; 7 unless given, 2 with --quick")
    parser.add_argument("--threads", "--num-threads", type=int, default=ar.num_threads(), metavar="N")
    parser.add_argument(
        "--quick", action="store_true", help="small data: checks the command, gives no figures to go by"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    given.batch = given.batch if given.batch is not None else (128 if given.quick else 2048)
    given.rounds = given.rounds if given.rounds is not None else (2 if given.quick else 7)
    if min(given.batch, given.width, given.rounds, given.threads) < 1:
        parser.error("--batch, --width, --rounds and --threads have to be positive")
    if given.json and not given.json.parent.is_dir():
        parser.error(f"{given.json}: the folder {given.json.parent} does not exist; make it first")
    if ar.backend() != "compiled":
        parser.error("this times the compiled kernels; unset ATTNREC_BACKEND")
    return given


def interactions(given: argparse.Namespace) -> tuple[str, sp.csr_array]:
    """What is learned from, and what it is called."""
    if given.quick:
        return "simulated, small", steps.simulated(*QUICK_SHAPE, QUICK_NNZ)
    root = None if given.simulate else accuracy_data.folder()
    data = None if root is None else accuracy_data.gowalla(root)
    return ("Gowalla", data[0]) if data else ("simulated in the shape of Gowalla", steps.simulated(*SHAPE, NNZ))


def main(argv: Sequence[str] | None = None) -> int:
    given = options(argv)
    name, x = interactions(given)
    if given.child:
        measure.child(x, given)
        return 0
    others = {package: "not compared here" for module, package in _machine.PEERS.items() if module != "torch"}
    missing = others | _machine.import_peers({"torch": "torch"})
    wanted = PARTS if given.only is None else (given.only,)
    record: Record = {
        "machine": _machine.describe(given.threads, missing),
        "settings": {k: getattr(given, k) for k in ("quick", "simulate", "batch", "width", "rounds", "threads")},
        "data": {"name": name, "users": x.shape[0], "items": x.shape[1], "interactions": x.nnz},
        "missing": missing,
        "left_out": {},
        "interrupted": False,
    }
    try:
        with _machine.limited(given.threads, missing) as limit:
            if "epoch" in wanted:
                measure.epoch(record, x, given, limit)
            if "memory" in wanted:
                measure.memory(record, (x.shape[0], x.shape[1]), given)
            if "growth" in wanted:
                measure.growth(record, given, limit)
    except KeyboardInterrupt:
        record["interrupted"] = True
    show(record)
    if given.json:
        with written_beside(given.json) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 130 if record["interrupted"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
