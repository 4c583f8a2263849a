"""Runs the tests: most of them side by side, then the ones marked `serial` alone; one closing line for both.

`make test` calls it with what ARGS holds, which goes to pytest: paths, `-k topk -x`, `-m slow`, `-n 0` for one process.
Tests marked `slow` are left out, unless `--all` or an `-m` of your own says otherwise.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ORDER = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "warnings", "error")
NOTHING_RAN = 5  # pytest's exit status
# Beside each other, processes take one thread each; tests of threads ask for theirs, which must not spin as they wait.
ONE_THREAD = {
    "ATTNREC_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
}


class Counts:
    """A plugin that writes how many tests had which outcome; of files that skip as a whole, where ``whole`` is set."""

    def __init__(self, path: str, whole: bool) -> None:
        self.path, self.whole = Path(path), whole

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        counts = {
            kind: sum(self.whole or kind != "skipped" or not isinstance(one, pytest.CollectReport) for one in found)
            for kind, found in terminalreporter.stats.items()
        }
        self.path.write_text(json.dumps(counts), encoding="utf-8")


def part(arguments: list[str], *, alone: bool) -> tuple[int, dict[str, int]]:
    """Exit status of one pytest, and its counts."""
    print("+ pytest", *arguments, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "counts.json")
        command = [sys.executable, __file__, "--part", str(told), "tests" if alone else "whole", *arguments]
        status = subprocess.run(command, env={**({} if alone else ONE_THREAD), **os.environ}, check=False).returncode
        return status, json.loads(told.read_text(encoding="utf-8")) if told.exists() else {}


def with_serial_tests(given: list[str]) -> list[str]:
    """The files that have any, unless paths are given: to collect the others takes longer than these tests."""
    if any(Path(word.partition("::")[0]).exists() for word in given):
        return []
    files = [p for p in sorted(ROOT.glob("tests/**/test_*.py")) if "mark.serial" in p.read_text(encoding="utf-8")]
    return [os.path.relpath(p) for p in files]


def closing(counts: dict[str, int], seconds: float) -> str:
    """The last line as pytest has it."""
    names = {kind: f"{kind}s" if kind == "error" and counts[kind] > 1 else kind for kind in ORDER if counts.get(kind)}
    said = ", ".join(f"{counts[kind]} {name}" for kind, name in names.items()) or "no tests ran"
    line = f" {said} in {seconds:.2f}s "
    if seconds >= 60:
        line += f"({int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}) "
    return line.center(80, "=")


def main() -> None:
    if sys.argv[1:2] == ["--part"]:
        sys.path[0] = os.getcwd()  # as `python -m pytest` has it
        sys.exit(pytest.main(sys.argv[4:], plugins=[Counts(sys.argv[2], sys.argv[3] == "whole")]))
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--all", action="store_true", help="slow tests too")
    parser.add_argument("-m", dest="marks", metavar="MARKERS", help="as pytest has it")
    parser.add_argument("-n", dest="processes", metavar="N", help="processes side by side; 0: one for all tests")
    options, given = parser.parse_known_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    processes = options.processes or str(cores if importlib.util.find_spec("xdist") else 1)
    chosen = options.marks if options.marks is not None else "" if options.all else "not slow"
    start = time.monotonic()
    if processes in ("0", "1") or "--pdb" in given:
        sys.exit(part([*given, *(["-m", chosen] if chosen else [])], alone=True)[0])
    both = [f"({chosen}) and {m}" if chosen else m for m in ("not serial", "serial")]
    status, counts = part([*given, "-n", processes, "--dist", "loadfile", "-m", both[0]], alone=False)
    if status in (0, NOTHING_RAN) or (status == 1 and not {"-x", "--exitfirst"} & set(given)):
        second, more = part([*given, *with_serial_tests(given), "-m", both[1]], alone=True)
        counts = {kind: counts.get(kind, 0) + more.get(kind, 0) for kind in {*counts, *more}}
        counts.pop("deselected", None)
        status = max((s for s in (status, second) if s != NOTHING_RAN), default=NOTHING_RAN)
    print(closing(counts, time.monotonic() - start))
    sys.exit(status)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
