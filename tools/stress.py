"""Searches an index from 8 threads while another one appends and replaces, as long as one likes."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from churn import appends, churn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--items", type=int, default=20000)
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    seed = searches = swaps = 0
    while time.monotonic() < end:
        left = end - time.monotonic()
        done = churn(min(20, max(1, left)), readers=given.readers, n=given.items, seed=seed)
        appends(4, 25, seed=seed)
        searches, swaps, seed = searches + done["searches"], swaps + done["swaps"], seed + 1
        print(f"{searches} searches, {swaps} swaps, every result that of one version", flush=True)


if __name__ == "__main__":
    main()
