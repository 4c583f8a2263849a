"""Rows a second and peak memory of reading a MovieLens-25M-like CSV. Writes a temporary file, asserts < 4 GB.

Run ``python -m benchmarks.speed.read_csv`` (25 million rows, about 650 MB of disk), or with ``--rows 1000000``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

N_USERS, N_ITEMS, N_ROWS = 162_541, 59_047, 25_000_095
LIMIT_GB = 4.0


def write_ratings(path: Path, n_rows: int, random_state: int = 0) -> None:
    """Write ratings sorted by user: skewed activity and popularity, ratings 0.5 .. 5 in halves, seconds since 1970."""
    import pyarrow as pa
    import pyarrow.csv as pc

    rng = np.random.default_rng(random_state)
    n_users = max(1, min(N_USERS, n_rows // 20))
    activity = np.sort((n_users * rng.random(n_rows) ** 1.5).astype(np.int32)) + 1
    names = ("userId", "movieId", "rating", "timestamp")
    with pc.CSVWriter(
        path,
        pa.schema([(name, pa.float32() if name == "rating" else pa.int64()) for name in names]),
        write_options=pc.WriteOptions(quoting_style="none"),
    ) as writer:
        for start in range(0, n_rows, 1 << 20):
            users = activity[start : start + (1 << 20)]
            items = (N_ITEMS * rng.random(len(users)) ** 2.5).astype(np.int64) + 1
            halves = rng.integers(1, 11, len(users)).astype(np.float32) / 2
            stamps = rng.integers(789_652_009, 1_574_327_703, len(users))
            columns = (users.astype(np.int64), items, halves, stamps)
            writer.write_table(pa.table(dict(zip(names, columns, strict=True))))


def peak_bytes() -> int:
    """Peak resident memory of this process. On Linux getrusage would count that of the process that started it too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def read_here(path: Path) -> dict[str, float]:
    """Read the file in this process; seconds, rows and peak resident gigabytes (of 10^9 bytes)."""
    from attnrec.data import Interactions

    start = time.perf_counter()
    data = Interactions.from_csv(path, rating_range=(0.5, 5.0))
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "rows": data.report.n_rows,
        "kept": len(data),
        "n_users": data.n_users,
        "n_items": data.n_items,
        "sum": float(data.user_items.data.sum(dtype=np.float64)),
        "peak_gb": peak_bytes() / 1e9,
    }


def read_in_child(path: Path) -> dict[str, float]:
    """:func:`read_here` in a fresh process, so that the peak is that of reading alone."""
    line = [sys.executable, "-m", "benchmarks.speed.read_csv", "--child", str(path)]
    done = subprocess.run(line, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(done.stdout))


def main(argv: list[str] | None = None) -> int:
    """Print one line; 1 if the peak is 4 GB or more, or rows were lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=N_ROWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child is not None:
        print(json.dumps(read_here(options.child)))
        return 0
    if options.rows < 1:
        parser.error("--rows must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.csv"
        write_ratings(path, options.rows, options.seed)
        size = path.stat().st_size
        found = read_in_child(path)
    print(
        f"{found['rows']:,} rows ({size / 1e6:,.0f} MB) in {found['seconds']:.2f} s: "
        f"{found['rows'] / found['seconds'] / 1e6:.2f} million rows/s, peak RSS {found['peak_gb']:.2f} GB "
        f"(limit {LIMIT_GB:g}), {found['n_users']:,} users, {found['n_items']:,} items, {found['kept']:,} kept"
    )
    assert found["rows"] == options.rows, f"{options.rows - found['rows']} rows lost"
    assert found["peak_gb"] < LIMIT_GB, f"peak {found['peak_gb']:.2f} GB is not below {LIMIT_GB:g} GB"
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
