"""How good recommendations are, on public data, beside peers: the command for every accuracy figure.

Run ``python -m benchmarks.quality.accuracy`` where ATTNREC_DATA names the folder of the data sets, or a part of it
with ``--only implicit``. What it prints names its protocol. Peers that are not installed are left out, and
it says so.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.quality import accuracy_explicit, accuracy_implicit

PARTS = {"implicit": accuracy_implicit.run, "explicit": accuracy_explicit.run}
DATA = {
    "implicit": ("movielens-1m", "gowalla"),
    "explicit": ("movielens-100k", "ml-latest-small", "movielens-1m-simulated"),
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(PARTS), help="one part; all unless given")
    parser.add_argument("--data", choices=sum(DATA.values(), ()), help="one data set of a part")
    parser.add_argument("--methods", nargs="+", help="these methods alone, by the names that the table shows")
    parser.add_argument(
        "--choose", action="store_true", help="choose settings on validation data instead, and show all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    options = parser.parse_args(argv)
    record = {name: PARTS[name](options) for name in PARTS if options.only in (None, name)}
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
