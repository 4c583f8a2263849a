"""Breaks the kernels on purpose, one small way at a time (mutants.toml); each must turn the oracle red.

Works on a copy under build/, never on the checkout. Run inside an environment with attnrec[test] and
tools/requirements.txt: `make mutants` makes one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
WORK = ROOT / "build" / "mutants"
TREE, BUILD = WORK / "tree", WORK / "cmake"
COPIED = ("cmake", "csrc", "examples", "src", "tests", "CMakeLists.txt", "pyproject.toml", "README.md", "LICENSE")
TIMEOUT = 300  # seconds of tests; a break that makes a loop endless is found by this
SHORT = 4
ORACLE = " ".join(
    f"tests/{name}.py"
    for name in (
        "ops/test_large_scores",
        "ops/test_int8",
        "ops/test_long_lists",
        "ops/test_ops",
        "capi/test_border",
        "index/test_searcher",
        "index/test_gate",
        "index/test_index_file",
        "capi/test_model_serving",
        "capi/test_model_ids",
        "capi/test_model_serving_files",
        "capi/test_model_serving_signs",
    )
)

Mutant = dict[str, str]


def call(*command: str | Path, timeout: float | None = None, **env: str) -> tuple[int, str]:
    """Exit status and output; a timeout is status -1."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    try:
        done = subprocess.run(
            [str(c) for c in command],
            cwd=TREE,
            env={**os.environ, "PATH": path, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {timeout} s"
    return done.returncode, done.stdout


def build() -> None:
    status, told = call("cmake", "--build", BUILD)
    if status != 0:
        raise SystemExit(f"mutants: does not build\n{told[-4000:]}")
    for module in BUILD.glob("_core*.so"):
        shutil.copy(module, TREE / "src" / "attnrec")


def oracle(tests: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests.split())
    return call(*command, timeout=TIMEOUT, PYTHONPATH=str(TREE / "src"))


def isas() -> set[str]:
    """Instruction sets that run here."""
    status, told = call(
        sys.executable, "-c", "import attnrec; print(*attnrec.show_config()['isas'])", PYTHONPATH=str(TREE / "src")
    )
    if status != 0:
        raise SystemExit(f"mutants: the unbroken build does not import\n{told}")
    return set(told.split())


def prepare(tests: str) -> None:
    """A fresh copy, built and green: a mutant proves nothing where the oracle is red anyway."""
    shutil.rmtree(WORK, ignore_errors=True)  # objects of an earlier mutant would look up to date
    TREE.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, TREE / name)
    for stale in TREE.glob("src/attnrec/*.so"):
        stale.unlink()
    _, pybind11 = call(sys.executable, "-m", "pybind11", "--cmakedir")
    define = {
        "SKBUILD": "ON",
        "SKBUILD_PROJECT_VERSION": "0",
        "CMAKE_BUILD_TYPE": "Debug",  # compiles in half the time, to the same results
        "CMAKE_CXX_FLAGS_DEBUG": "-O1",
        "pybind11_DIR": pybind11.strip(),
        "Python_EXECUTABLE": sys.executable,
    }
    status, told = call("cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", *(f"-D{k}={v}" for k, v in define.items()))
    if status != 0:
        raise SystemExit(f"mutants: cannot configure\n{told[-4000:]}")
    build()
    status, told = oracle(tests)
    if status != 0:
        raise SystemExit(f"mutants: the oracle is red before anything is broken\n{told[-4000:]}")


def survives(mutant: Mutant, tests: str) -> bool:
    path = TREE / mutant["file"]
    whole = path.read_text(encoding="utf-8")
    if whole.count(mutant["old"]) != 1:
        raise SystemExit(
            f"mutants: {mutant['file']} has {mutant['old']!r} {whole.count(mutant['old'])} times, not once"
        )
    path.write_text(whole.replace(mutant["old"], mutant["new"]), encoding="utf-8")
    try:
        build()
        status, told = oracle(tests)
    finally:
        path.write_text(whole, encoding="utf-8")
    if status in (3, 4, 5):  # pytest itself failed, or ran no test
        raise SystemExit(f"mutants: the oracle did not run (status {status})\n{told[-4000:]}")
    return status == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{SHORT} of them, chosen by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="TEXT", help="those whose file or reason contains TEXT")
    parser.add_argument("--tests", default=ORACLE, help="the oracle, as pytest is told")
    options = parser.parse_args()
    mutants: list[Mutant] = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    if options.only:
        mutants = [m for m in mutants if options.only in m["file"] + m["why"]]
    start = time.perf_counter()
    prepare(options.tests)
    here = isas()
    skipped = [m for m in mutants if m.get("isa", "scalar") not in here]
    mutants = [m for m in mutants if m not in skipped]
    if options.short:
        mutants = random.Random(options.seed).sample(mutants, min(SHORT, len(mutants)))
    survivors = []
    for number, mutant in enumerate(mutants, 1):
        alive = survives(mutant, options.tests)
        survivors += [mutant] if alive else []
        said = "SURVIVES" if alive else "found"
        print(f"[{number}/{len(mutants)}] {said}: {mutant['file']}: {mutant['why']}", flush=True)
    for mutant in skipped:
        print(f"skipped, no {mutant['isa']} here: {mutant['file']}: {mutant['why']}")
    found = len(mutants) - len(survivors)
    print(f"mutants: {found} of {len(mutants)} found, {len(skipped)} skipped, {time.perf_counter() - start:.0f} s")
    if survivors or not mutants:
        sys.exit(1)


if __name__ == "__main__":
    main()
