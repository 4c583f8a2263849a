"""Builds attnrec with sanitizers, apart from the installed one, and runs the kernel check and the oracle on it.

Run inside an environment with attnrec[test] and tools/requirements.txt: `make sanitize` makes one.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TESTS = ("tests/test_ops.py", "tests/test_int8.py", "tests/test_border.py")
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",  # CPython itself leaks on purpose
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0",
    "OPENBLAS_NUM_THREADS": "1",  # threads of others, built without a sanitizer
}


def run(*command: str, env: dict[str, str] | None = None) -> None:
    print("+", shlex.join(command), flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        sys.exit(f"sanitize: failed with {done.returncode}: {shlex.join(command)}")


def runtimes(compiler: list[str], thread: bool) -> str:
    """The libraries that a Python without sanitizers must load first; exceptions are intercepted, so libstdc++ too."""
    told = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout
    kind = "tsan" if thread else "asan"
    runtime = f"libclang_rt.{kind}-{os.uname().machine}.so" if "clang" in told else f"lib{kind}.so"
    paths = []
    for name in (runtime, "libstdc++.so.6"):
        command = [*compiler, f"-print-file-name={name}"]
        paths.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
        if not Path(paths[-1]).is_absolute():
            sys.exit(f"sanitize: {compiler[0]} has no {name}. Debian and Ubuntu: it comes with g++ and clang")
    return " ".join(paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thread", action="store_true", help="ThreadSanitizer instead of address and undefined")
    parser.add_argument("--short", action="store_true", help="the kernel check alone, without Python")
    parser.add_argument("tests", nargs="*", default=TESTS, help="what pytest runs")
    options = parser.parse_args()
    given = os.environ.get("CXX") or "c++"
    compiler = shlex.split(given)
    if shutil.which(compiler[0]) is None:
        sys.exit(f"sanitize: no {compiler[0]} here. Debian and Ubuntu: apt-get install g++")
    kinds = "thread" if options.thread else "address,undefined"
    build = Path("build") / f"sanitize-{kinds.partition(',')[0]}"
    env = {**ENVIRONMENT, "CXX": given, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    define = {"ATTNREC_SANITIZE": kinds, "CMAKE_BUILD_TYPE": "RelWithDebInfo"}
    if options.thread:  # it does not see how OpenMP's runtimes wait, but sees all of a team of plain threads
        define["ATTNREC_OPENMP"] = "OFF"

    defined = [f"-D{k}={v}" for k, v in {**define, "ATTNREC_BUILD_CHECK": "ON"}.items()]
    run("cmake", "-S", ".", "-B", str(build), "-G", "Ninja", *defined, env=env)
    run("cmake", "--build", str(build), "--target", "attnrec_check", env=env)
    run(str(ROOT / build / "attnrec_check"), env=env)
    if options.short:
        return
    site = build / "site"
    shutil.rmtree(ROOT / site, ignore_errors=True)
    settings = {"install.strip": "false", "build-dir": str(build / "wheel")}
    settings |= {f"cmake.define.{k}": v for k, v in define.items()}
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), "."]
    run(*command, *(f"--config-settings={k}={v}" for k, v in settings.items()), env=env)
    first = {"PYTHONPATH": str(ROOT / site), "LD_PRELOAD": runtimes(compiler, options.thread), "PYTHONMALLOC": "malloc"}
    run(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--capture=sys",
        *options.tests,
        env={**env, **first},
    )


if __name__ == "__main__":
    main()
