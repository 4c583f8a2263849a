"""Breaks the kernels on purpose, one small way at a time (mutants.toml); each must turn the oracle red.

The tests that mutants.toml names for a file run first, and the whole oracle only on what those let live. Works on a
copy under build/, never on the checkout, and keeps it for the next time. Run inside an environment with attnrec[test]
and tools/requirements.txt: `make mutants` makes one.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shlex
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
ORACLE = (
    "large_scores int8 long_lists ops border searcher gate index_file "
    "model_serving model_ids model_serving_files model_serving_signs"
)  # tests/**/test_NAME.py

Mutant = dict[str, str]
First = dict[str, str]


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
    """Runs tests given by name, with what pytest is told behind them."""
    words = shlex.split(tests)
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    paths = [path for name in names for path in sorted(TREE.glob(f"tests/**/test_{name}.py"))]
    if len(paths) != len(names):
        raise SystemExit(f"mutants: {names} are not all names of one test: {[path.name for path in paths]}")
    options = ("-x", "-q", "-p", "no:cacheprovider", "--no-header", *words[len(names) :])
    return call(sys.executable, "-m", "pytest", *paths, *options, timeout=TIMEOUT, PYTHONPATH=str(TREE / "src"))


def isas() -> set[str]:
    """Instruction sets that run here."""
    status, told = call(
        sys.executable, "-c", "import attnrec; print(*attnrec.show_config()['isas'])", PYTHONPATH=str(TREE / "src")
    )
    if status != 0:
        raise SystemExit(f"mutants: the unbroken build does not import\n{told}")
    return set(told.split())


def copied(source: Path, target: Path) -> None:
    """Make one folder like another. What is the same keeps its time, so that make compiles what differs and no more."""
    if source.is_file():
        if not target.is_file() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return
    names = {p.name for p in source.iterdir() if p.suffix not in (".so", ".pyc") and p.name != "__pycache__"}
    for stale in target.iterdir() if target.is_dir() else ():
        if stale.name not in names:
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    for name in names:
        copied(source / name, target / name)


def prepare() -> None:
    """The copy as the checkout is, built."""
    TREE.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        copied(ROOT / name, TREE / name)
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


def green(tests: str) -> None:
    """A mutant proves nothing where the oracle is red anyway."""
    status, told = oracle(tests)
    if status != 0:
        raise SystemExit(f"mutants: {tests} is red before anything is broken\n{told[-4000:]}")


def first_tests(mutant: Mutant, first: First) -> str:
    """The tests that most likely find it: those of the longest name that stands in its path."""
    return first[max((name for name in first if name in mutant["file"]), key=len)]


def changed() -> set[str]:
    """Files that differ from the main branch, or on it from the commit before; empty where git cannot tell."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    head = git("rev-parse", "HEAD")
    bases = [git("merge-base", "HEAD", branch) for branch in ("origin/main", "main")]
    base = next((b for b in bases if b and b != head), git("rev-parse", "HEAD~"))
    return set(git("diff", "--name-only", base).split("\n")) if base else set()


def few(mutants: list[Mutant], seed: int) -> list[Mutant]:
    """Those of changed files, if there are any, else of all; at most ``SHORT``, drawn by a seed."""
    files = changed()
    some = [m for m in mutants if m["file"] in files] or mutants
    return random.Random(seed).sample(some, min(SHORT, len(some)))


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


def told_of(mutant: Mutant) -> str:
    return f"{mutant['file']}: {mutant['why']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help=f"{SHORT}, of changed files if it can be, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="TEXT", help="those whose file or reason contains TEXT")
    parser.add_argument("--tests", help="names of tests in place of the oracle, and what pytest is told")
    options = parser.parse_args()
    table = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))
    mutants: list[Mutant] = table["mutant"]
    if options.only:
        mutants = [m for m in mutants if options.only in m["file"] + m["why"]]
    start = time.perf_counter()
    prepare()
    here = isas()
    skipped = [m for m in mutants if m.get("isa", "scalar") not in here]
    mutants = [m for m in mutants if m not in skipped]
    if options.short:
        mutants = few(mutants, options.seed)
    first: First = {"": options.tests} if options.tests else table["first"]
    for tests in dict.fromkeys(first_tests(m, first) for m in mutants):
        green(tests)
    alive, survivors = [], []
    for number, mutant in enumerate(mutants, 1):
        lives = survives(mutant, first_tests(mutant, first))
        alive += [mutant] if lives else []
        print(f"[{number}/{len(mutants)}] {'lives' if lives else 'found'}: {told_of(mutant)}", flush=True)
    if alive and options.tests:
        survivors = alive
    elif alive:
        build()  # unbroken again
        green(ORACLE)
        for number, mutant in enumerate(alive, 1):
            lives = survives(mutant, ORACLE)
            survivors += [mutant] if lives else []
            said = "SURVIVES" if lives else "found by the whole oracle"
            print(f"[{number}/{len(alive)}] {said}: {told_of(mutant)}", flush=True)
    for mutant in skipped:
        print(f"skipped, no {mutant['isa']} here: {told_of(mutant)}")
    found = len(mutants) - len(survivors)
    print(f"mutants: {found} of {len(mutants)} found, {len(skipped)} skipped, {time.perf_counter() - start:.0f} s")
    if survivors or not mutants:
        sys.exit(1)


if __name__ == "__main__":
    main()
