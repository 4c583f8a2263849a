"""Builds the fuzzers (tests/cpp/fuzz) with clang's libFuzzer and sanitizers, and runs them over their corpora.

`border` calls the C interface, `model` opens model files and index files.

Run inside an environment with tools/requirements.txt: `make fuzz` makes one. The compiler is CXX, or else the newest
clang++ here that has libFuzzer. Ends with 1 on a finding, whose input is then in build/fuzz.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tsan import clangs, file_of, is_clang, symbolizer

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "fuzz"
CORPORA = ROOT / "tests" / "cpp" / "fuzz"
HINT = "Debian and Ubuntu: apt-get install clang libclang-rt-14-dev, or clang-19 libclang-rt-19-dev"
ENVIRONMENT = {
    # what was freed is kept from use for so little memory that it stays in the cache
    "ASAN_OPTIONS": "halt_on_error=1:allocator_may_return_null=1:quarantine_size_mb=4:malloc_context_size=4:"
    "detect_stack_use_after_return=0",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}
ISA = "avx2" if os.uname().machine == "x86_64" else ""  # the corpora hold 8-bit copies of items, which are of one kind
LONGEST = {"border": 512, "model": 24576}  # bytes of an input


def compiler() -> str:
    """A clang++ with libFuzzer, "" where there is none."""
    for name in [os.environ["CXX"]] if os.environ.get("CXX") else clangs():
        command = shlex.split(name)
        runtime = f"libclang_rt.fuzzer-{os.uname().machine}.a"
        if shutil.which(command[0]) and is_clang(command) and file_of(command, runtime):
            return name
    return ""


def build(cxx: str) -> None:
    """Compile the fuzzers."""
    define = {
        "ATTNREC_BUILD_FUZZ": "ON",
        "ATTNREC_OPENMP": "OFF",
        "ATTNREC_SANITIZE": "address,undefined",
        "CMAKE_BUILD_TYPE": "RelWithDebInfo",
        "CMAKE_CXX_COMPILER": shlex.split(cxx)[0],
        "CMAKE_C_COMPILER": shlex.split(cxx)[0].replace("clang++", "clang"),
    }
    defined = [f"-D{k}={v}" for k, v in define.items()]
    subprocess.run(["cmake", "-S", str(ROOT), "-B", str(BUILD), "-G", "Ninja", *defined], check=True)
    subprocess.run(["cmake", "--build", str(BUILD)], check=True)


def seeds(name: str) -> Path:
    """The corpus of a fuzzer in a folder: what the repository keeps, and what earlier runs have found."""
    folder = BUILD / f"corpus-{name}"
    folder.mkdir(exist_ok=True)
    kept = CORPORA / f"{name}_seed_corpus.tar.xz"
    if kept.exists():
        with tarfile.open(kept) as archive:
            archive.extractall(folder, filter="data")
    return folder


def keep(program: Path, name: str, env: dict[str, str]) -> None:
    """Write the smallest part of the corpus that covers as much into the repository."""
    small = BUILD / f"merged-{name}"
    shutil.rmtree(small, ignore_errors=True)
    small.mkdir()
    command = [str(program), "-merge=1", f"-max_len={LONGEST[name]}", str(small), str(seeds(name))]
    subprocess.run(command, env=env, check=True)
    kept = CORPORA / f"{name}_seed_corpus.tar.xz"
    with tarfile.open(kept, "w:xz") as archive:  # without dates and owners: the same inputs are the same file
        for i, data in enumerate(sorted(p.read_bytes() for p in small.iterdir())):
            member = tarfile.TarInfo(f"{i:04d}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    print(f"fuzz: {name}: {i + 1} inputs, {kept.stat().st_size} bytes in {kept.relative_to(ROOT)}")


def fuzz(program: Path, name: str, limits: list[str], jobs: int, env: dict[str, str]) -> tuple[int, bool]:
    """Executions of all jobs together, and whether one found something."""
    command = [str(program), str(seeds(name)), *limits, f"-max_len={LONGEST[name]}", "-timeout=60"]
    command += [f"-artifact_prefix={BUILD}/{name}-", "-verbosity=0", "-print_final_stats=1"]
    words = CORPORA / f"{name}.dict"
    command += [f"-dict={words}"] if words.exists() else []
    logs = [BUILD / f"{name}-{i}.log" for i in range(jobs)]
    team = []
    for log in logs:
        with log.open("wb") as to:
            team.append(subprocess.Popen(command, stdout=to, stderr=subprocess.STDOUT, env=env, cwd=BUILD))
    bad = [log for child, log in zip(team, logs, strict=True) if child.wait() != 0]
    for log in bad:
        print(log.read_text(errors="replace")[-6000:])
    counts = [re.findall(r"number_of_executed_units:\s*(\d+)", log.read_text(errors="replace")) for log in logs]
    return sum(int(c[-1]) for c in counts if c), bool(bad)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="time for each fuzzer (default: 60)")
    parser.add_argument("--runs", type=int, help="executions of each job instead of a time")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument(
        "--keep", action="store_true", help="reduce the corpus afterwards and keep it in tests/cpp/fuzz"
    )
    parser.add_argument("--only", choices=sorted(LONGEST), help="one fuzzer alone")
    parser.add_argument("--isa", default=ISA, help=f"kernels to run on (default: {ISA or 'the best'})")
    parser.add_argument("--find", action="store_true", help="only print the compiler; 1 without one")
    options = parser.parse_args()
    cxx = compiler()
    if options.find or not cxx:
        sys.exit(print(cxx) if cxx else f"fuzz: no clang++ with libFuzzer here. {HINT}")
    build(cxx)
    env = {**os.environ, **ENVIRONMENT, "ATTNREC_ISA": options.isa}
    env["ASAN_SYMBOLIZER_PATH"] = symbolizer(shlex.split(cxx))
    limits = [f"-max_total_time={options.seconds}"] if options.runs is None else [f"-runs={options.runs}"]
    found = False
    total = 0
    for name in [options.only] if options.only else sorted(LONGEST):
        program = BUILD / f"attnrec_fuzz_{name}"
        executions, bad = fuzz(program, name, limits, options.jobs, env)
        found = found or bad
        total += executions
        print(f"fuzz: {name}: {executions} executions, {'A FINDING' if bad else 'nothing found'}", flush=True)
        if options.keep and not bad:
            keep(program, name, env)
    print(f"fuzz: {total} executions, {'A FINDING' if found else 'nothing found'}")
    sys.exit(int(found))


if __name__ == "__main__":
    main()
