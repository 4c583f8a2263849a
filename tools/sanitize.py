"""Builds attnrec with sanitizers, apart from the installed one, and runs the kernel check and the oracle on it, then
the examples in C and C++ on a libattnrec so built.

Run inside an environment with attnrec[test] and tools/requirements.txt: `make sanitize` makes one. The compiler is CXX,
or else c++; `--thread` without CXX takes the newest clang that can watch OpenMP, see tools/tsan.py.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import tsan

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TELLS = "import attnrec, sys; t = attnrec.show_config()['threading']; sys.exit(t != sys.argv[1] and f'built on {t}')"
TESTED = "ops large_scores gradients int8 long_lists border searcher gate churn index_file"
ENVIRONMENT = {
    "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1:allocator_may_return_null=1",  # CPython itself leaks on purpose
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    # A race goes unreported once the history of its earlier half is lost, and kernels fill it fast: the longest one.
    "TSAN_OPTIONS": "halt_on_error=1:report_signal_unsafe=0:history_size=7",
    "OPENBLAS_NUM_THREADS": "1",  # threads of others, built without a sanitizer
}


def run(*command: str, env: dict[str, str] | None = None) -> None:
    print("+", shlex.join(command), flush=True)
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, check=False)
    if done.returncode != 0:
        sys.exit(f"sanitize: failed with {done.returncode}: {shlex.join(command)}")


def tests_named(*names: str) -> list[str]:
    """tests/**/test_NAME.py of every name."""
    paths = [str(path) for name in names for path in ROOT.glob(f"tests/**/test_{name}.py")]
    if len(paths) != len(names):
        sys.exit(f"sanitize: {names} are not all names of one test: {paths}")
    return paths


def c_compiler(cxx: str) -> dict[str, str]:
    """The C compiler beside a clang++: two sanitizer runtimes, of two compilers, do not go together in a process."""
    *before, name = shlex.split(cxx)
    beside = name.replace("clang++", "clang")
    wanted = beside != name and shutil.which(beside) and "CC" not in os.environ
    return {"CC": shlex.join([*before, beside])} if wanted else {}


def extension() -> dict[str, str]:
    """What CMake must know to build the extension modules beside the library, from the same objects."""
    told = subprocess.run([sys.executable, "-m", "pybind11", "--cmakedir"], capture_output=True, text=True, check=True)
    version = re.search(r'^__version__ = "(.+)"', (ROOT / "src/attnrec/__init__.py").read_text(encoding="utf-8"), re.M)
    return {
        "SKBUILD": "ON",
        "SKBUILD_PROJECT_VERSION": version[1] if version else "0",
        "pybind11_DIR": told.stdout.strip(),
        "Python_EXECUTABLE": sys.executable,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thread", action="store_true", help="ThreadSanitizer instead of address and undefined")
    parser.add_argument("--short", action="store_true", help="the kernel check alone, without Python")
    parser.add_argument("--all", action="store_true", help="slow tests too")
    parser.add_argument("tests", nargs="*", help="what pytest runs in place of the oracle")
    options = parser.parse_args()
    tests = options.tests or tests_named(*TESTED.split(), "model_serving", "model_serving_files")
    kinds = "thread" if options.thread else "address,undefined"
    kind = kinds.partition(",")[0]
    if options.thread:
        way = tsan.find(os.environ.get("CXX"), ENVIRONMENT["TSAN_OPTIONS"], ROOT / "build" / "sanitize-thread")
    else:
        given = os.environ.get("CXX") or "c++"
        if shutil.which(shlex.split(given)[0]) is None:
            sys.exit(f"sanitize: no {given} here. Debian and Ubuntu: apt-get install g++")
        way = tsan.Way(given, True, (), tsan.runtimes(shlex.split(given), "asan"), {})
    # A build folder keeps the compiler it was made with, so every compiler has its own.
    build = Path("build") / f"sanitize-{kind}" / re.sub(r"[^\w+-]+", "-", way.compiler)
    path = {"CXX": way.compiler, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    env = {**ENVIRONMENT, **c_compiler(way.compiler), **path, **way.env}
    define = {
        "ATTNREC_SANITIZE": kinds,
        "CMAKE_BUILD_TYPE": "RelWithDebInfo",
        "ATTNREC_OPENMP": "ON" if way.openmp else "OFF",
    }
    define |= {"ATTNREC_BUILD_CHECK": "ON", "ATTNREC_BUILD_LIBRARY": "ON", **extension()}
    run("cmake", "-S", ".", "-B", str(build), "-G", "Ninja", *(f"-D{k}={v}" for k, v in define.items()), env=env)
    run("cmake", "--build", str(build), *(("--target", "attnrec_check") if options.short else ()), env=env)
    run(*way.launcher, str(ROOT / build / "attnrec_check"), env=env)
    if options.short:
        return
    if not way.preload:
        sys.exit(f"sanitize: {way.compiler} has no runtime to load. Debian and Ubuntu: it comes with g++ and clang")
    prefix, site = ROOT / build / "prefix", ROOT / build / "site"
    shutil.rmtree(site, ignore_errors=True)
    run("cmake", "--install", str(build), "--prefix", str(prefix), env=env)
    shutil.copytree(ROOT / "src", site, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for module in (prefix / "attnrec").glob("*.so"):
        shutil.copy(module, site / "attnrec")
    first = ["env", f"LD_PRELOAD={way.preload}", "PYTHONMALLOC=malloc", f"PYTHONPATH={site}", sys.executable]
    if options.thread:
        run(*way.launcher, *first, "-c", TELLS, "openmp" if way.openmp else "threads", env=env)
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--capture=sys"]
    if options.thread:
        run(*way.launcher, *first, *pytest, *tests, env=env)
        return
    flags = f"-fsanitize={kinds} -fno-sanitize-recover=undefined -g"
    outside = {"ATTNREC_PREFIX": str(prefix), "CFLAGS": flags, "CXXFLAGS": flags}
    run(*first, *pytest, *tests_named("examples"), env={**env, **outside})
    slow = ["--all"] if options.all else []
    run(*first, "tools/run_tests.py", *slow, *pytest[2:], *tests, env=env)


if __name__ == "__main__":
    main()
