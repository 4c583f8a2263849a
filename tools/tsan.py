"""Finds how ThreadSanitizer can watch a Python on this machine, and proves that it sees a race. Builds no attnrec.

It understands OpenMP with clang and LLVM's libomp, through libomp's tool libarcher; any other runtime gives false
reports. Where those are missing, or too old to be loaded into Python (clang 14 is), it watches plain threads.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

TOOLS = Path(__file__).resolve().parent
CALL = "import ctypes, sys; sys.exit(ctypes.CDLL(sys.argv[1]).team(int(sys.argv[2])) != 6)"
# Some kernels scatter memory further than the shadow of older runtimes reaches.
LAUNCHERS: tuple[tuple[str, ...], ...] = ((), ("setarch", "-R"))
HINT = "Debian and Ubuntu: apt-get install clang-19 libomp-19-dev libclang-rt-19-dev llvm-19, or newer ones"


class Way(NamedTuple):
    """How to build and run under ThreadSanitizer."""

    compiler: str  # what CXX holds
    openmp: bool
    launcher: tuple[str, ...]  # goes before every command that runs instrumented code
    preload: str
    env: dict[str, str]


def file_of(compiler: list[str], name: str) -> str:
    """Where a compiler has a file of its own, "" if nowhere."""
    command = [*compiler, f"-print-file-name={name}"]
    path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return path if Path(path).is_absolute() else ""


def is_clang(compiler: list[str]) -> bool:
    return "clang" in subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout


def runtimes(compiler: list[str], kind: str) -> str:
    """The libraries that a Python without sanitizers must load first; exceptions are intercepted, so libstdc++ too."""
    runtime = f"libclang_rt.{kind}-{os.uname().machine}.so" if is_clang(compiler) else f"lib{kind}.so"
    paths = [file_of(compiler, name) for name in (runtime, "libstdc++.so.6")]
    return " ".join(paths) if all(paths) else ""


def symbolizer(compiler: list[str]) -> str:
    """The program that gives names to addresses in reports; the runtime looks for one under a single name."""
    command = [*compiler, "-print-prog-name=llvm-symbolizer"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return shutil.which(told or "llvm-symbolizer") or ""


def clangs() -> list[str]:
    """The clang++ on PATH, the newest version first and the one without a version last."""
    folders = [Path(f) for f in os.environ.get("PATH", "").split(os.pathsep) if f]
    names = {p.name for folder in folders for p in folder.glob("clang++*")}
    versions = [int(m[1]) for name in names if (m := re.fullmatch(r"clang\+\+-(\d+)", name))]
    return [f"clang++-{v}" for v in sorted(versions, reverse=True)] + sorted(names & {"clang++"})


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def first_error(text: str) -> str:
    return next((line for line in text.splitlines() if "error" in line), last_line(text))


def refuses(way: Way, library: Path) -> str:
    """Why a way does not serve, "" if it does: a Python must start, run a team in silence, and die of a race."""
    command = [*way.launcher, "env", f"LD_PRELOAD={way.preload}", sys.executable, "-c", CALL, str(library)]
    env = {**os.environ, **way.env}
    for race in (False, True):
        done = subprocess.run([*command, str(int(race))], capture_output=True, text=True, env=env, check=False)
        told = done.stdout + done.stderr
        if race and (done.returncode == 0 or "data race" not in told):
            return "it does not see a race"
        if not race and "data race" in told:
            return "it reports a race where there is none"
        if not race and done.returncode != 0:
            end = f"of signal {-done.returncode}" if done.returncode < 0 else f"with {done.returncode}"
            return f"Python ends {end} under its runtime: {last_line(told)}"
    return ""


def attempt(given: str, openmp: bool, options: str, out: Path) -> Way | str:
    """A way with one compiler, or why there is none."""
    compiler = shlex.split(given)
    if shutil.which(compiler[0]) is None:
        return "not here"
    preload = runtimes(compiler, "tsan")
    if not preload:
        return "it has no runtime of ThreadSanitizer"
    env = {}
    if openmp:
        if not is_clang(compiler):
            return "not clang, and the OpenMP of others gives false reports"
        archer = file_of(compiler, "libarcher.so")
        if not archer:
            return "it has no libarcher.so, which comes with LLVM's libomp"
        env["OMP_TOOL_LIBRARIES"] = archer
        # libomp itself is not instrumented, and its team outlives a fork.
        options += ":ignore_noninstrumented_modules=1:die_after_fork=0"
    if is_clang(compiler) and symbolizer(compiler):
        options += f":external_symbolizer_path={symbolizer(compiler)}"
    env["TSAN_OPTIONS"] = options
    out.mkdir(parents=True, exist_ok=True)
    library = out / "race.so"
    flags = ["-std=c++17", "-g", "-O1", "-fPIC", "-shared", "-fsanitize=thread", "-fopenmp" if openmp else "-pthread"]
    command = [*compiler, *flags, str(TOOLS / "race.cpp"), "-o", str(library)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        return first_error(built.stderr)
    why = ""
    for launcher in LAUNCHERS:
        if launcher and shutil.which(launcher[0]) is None:
            continue
        way = Way(given, openmp, launcher, preload, env)
        refusal = refuses(way, library)
        if not refusal:
            return way
        why = why or refusal
    return why


def find(given: str | None, options: str, out: Path) -> Way:
    """The first way that serves: OpenMP with `given` or every clang here, then plain threads, which it says."""
    for compiler in [given] if given else clangs():
        way = attempt(compiler, True, options, out)
        if isinstance(way, Way):
            print(f"sanitize: OpenMP under ThreadSanitizer, by {compiler}; a planted race was seen", flush=True)
            return way
        print(f"sanitize: no OpenMP under ThreadSanitizer by {compiler}: {way}", flush=True)
    print(f"sanitize: falling back on PLAIN THREADS, OpenMP is not checked. {HINT}", flush=True)
    compiler = given or "c++"
    way = attempt(compiler, False, options, out)
    if isinstance(way, str):
        sys.exit(f"sanitize: no ThreadSanitizer by {compiler} either: {way}")
    print(f"sanitize: plain threads under ThreadSanitizer, by {compiler}; a planted race was seen", flush=True)
    return way
