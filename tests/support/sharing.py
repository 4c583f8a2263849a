"""How much memory several processes take that do the same, what they share counted once. Holds no test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TAIL = """
print("ready", flush=True)
sys.stdin.readline()
rows = [line.split() for line in open("/proc/self/smaps_rollup")]
print(next(int(row[1]) for row in rows if row[0] == "Pss:"), flush=True)
sys.stdin.readline()
"""


def pss(script: str, *arguments: str | Path, processes: int) -> float:
    """Proportional set size, MiB in all, of processes that have run a script and are still there."""
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("no smaps_rollup on this system")
    command = [sys.executable, "-c", f"import sys\n{script}{_TAIL}", *map(str, arguments)]
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    team = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **one})
        for _ in range(processes)
    ]
    try:
        for p in team:
            assert p.stdout is not None
            assert p.stdout.readline() == "ready\n"
        total = 0
        for p in team:
            assert p.stdin is not None
            assert p.stdout is not None
            p.stdin.write("\n")
            p.stdin.flush()
            total += int(p.stdout.readline())
        return total / 1024
    finally:
        for p in team:
            p.communicate("\n", timeout=30)
