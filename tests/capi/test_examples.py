"""libattnrec as `cmake --install` leaves it, and the examples in C and C++ against it and run, on damaged files too.

ATTNREC_PREFIX names an installed library; else it is built in build/library, where the next run finds it.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

import attnrec
from attnrec.data import Interactions
from attnrec.models import NeighbourAttention, SoftmaxRecommender
from estimators import ITEMS, USERS, made
from toolchain import c_compiler, cmake, cxx_compiler, run

EXAMPLES = {"c": "recommend", "cpp": "serve"}
HISTORY, RATINGS = [12, 7, 21], [4.0, 5.0, 1.5]


@pytest.fixture(scope="module")
def prefix(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where libattnrec is installed."""
    given = os.environ.get("ATTNREC_PREFIX")
    if given:
        return Path(given)
    configure = cmake()
    cxx_compiler()
    build, into = root / "build" / "library", tmp_path_factory.mktemp("prefix")
    if not (build / "CMakeCache.txt").exists():
        run(
            *configure, "-S", root, "-B", build, "-DCMAKE_BUILD_TYPE=Release"
        )  # as in the wheel, so that a compiler cache has it
    run("cmake", "--build", build, "--parallel", "2")
    run("cmake", "--install", build, "--prefix", into)
    return into


def pkg_config(prefix: Path, *flags: str) -> list[str]:
    if shutil.which("pkg-config") is None:
        pytest.skip("no pkg-config on PATH. Debian and Ubuntu: apt-get install pkg-config")
    folders = os.pathsep.join(str(p) for p in prefix.glob("lib*/**/pkgconfig"))
    return shlex.split(run("pkg-config", *flags, "attnrec", env={"PKG_CONFIG_PATH": folders}))


@pytest.fixture(scope="module")
def programs(root: Path, prefix: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The examples as CMake builds them, through find_package."""
    out = {}
    for language, name in EXAMPLES.items():
        build = tmp_path_factory.mktemp(name)
        run(*cmake(), "-S", root / "examples" / language, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", build)
        out[language] = build / name
    return out


def ratings_model(folder: Path) -> tuple[NeighbourAttention, Path]:
    model, path = NeighbourAttention().fit(made("explicit")), folder / "model.safetensors"
    model.save(path)
    return model, path


def wanted(model: NeighbourAttention, k: int) -> tuple[list[int], list[float]]:
    x = csr_array((np.float32(RATINGS), ([0, 0, 0], HISTORY)), shape=(1, ITEMS))
    ids, scores = model.recommend(-1, x, N=k, recalculate_user=True)
    return ids[ids >= 0].tolist(), scores[ids >= 0].tolist()


def ask(program: Path, *arguments: str | Path, given: str = "") -> tuple[int, str, str]:
    done = subprocess.run([program, *arguments], input=given, capture_output=True, text=True, check=False, timeout=60)
    assert "Sanitizer" not in done.stderr, done.stderr
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    assert (done.returncode == 0) == (done.stderr == ""), done.stderr
    return done.returncode, done.stdout, done.stderr


RATED = [f"{item}={rating}" for item, rating in zip(HISTORY, RATINGS, strict=True)]


@pytest.mark.parametrize("k", [4, 100])
def test_c_recommends_what_python_does(k: int, programs: dict[str, Path], tmp_path: Path) -> None:
    model, path = ratings_model(tmp_path)
    lines = ask(programs["c"], path, str(k), *RATED)[1].split("\n")[:-1]
    ids, scores = wanted(model, k)
    assert [int(line.split()[0]) for line in lines] == ids
    assert [float(np.float32(line.split()[1])) for line in lines] == scores


@pytest.mark.parametrize("kind", ["integers", "texts"])
def test_c_speaks_in_outside_ids(kind: str, programs: dict[str, Path], tmp_path: Path) -> None:
    x = made("explicit")
    items = [2**60 - 7 * i for i in range(ITEMS)] if kind == "integers" else [f"é{i}=" for i in range(ITEMS)][::-1]
    data = Interactions.from_sparse(x, [f"user {i}" for i in range(USERS)], items)
    path = tmp_path / "model.safetensors"
    NeighbourAttention().fit(data, show_progress=False).save(path, titles={items[0]: "Ünder 😀", items[5]: "Heat"})
    bundle = attnrec.load(path)
    want = bundle.recommend("user 3", 30, backend="pyarrow").to_pylist()
    lines = ask(programs["c"], path, "30", "--user", "user 3")[1].split("\n")[:-1]
    told = [[*line.split(" ", 2), ""][:3] for line in lines]
    assert [one[0] for one in told] == [str(row["item"]) for row in want]
    assert [float(np.float32(one[1])) for one in told] == [row["score"] for row in want]
    assert [one[2] or one[0] for one in told] == [row["title"] for row in want]
    history = [f"{items[row]}={rating}" for row, rating in zip(HISTORY, RATINGS, strict=True)]
    lines = ask(programs["c"], path, "4", *history)[1].split("\n")[:-1]
    rows, _ = wanted(bundle.model, 4)
    assert [line.split(" ")[0] for line in lines] == [str(items[row]) for row in rows]


def test_cpp_recommends_what_python_does(programs: dict[str, Path], tmp_path: Path) -> None:
    model, path = ratings_model(tmp_path)
    told = ask(programs["cpp"], path, "5", given=f"{' '.join(RATED)}\n\n{' '.join(RATED)}\n")[1].split("\n")
    nobody = model.recommend(-1, csr_array((1, ITEMS)), N=5, recalculate_user=True)[0]
    assert told == [" ".join(map(str, ids)) for ids in (wanted(model, 5)[0], nobody, wanted(model, 5)[0])] + [""]
    softmax = SoftmaxRecommender(factors=8, epochs=1).fit(made("implicit"), show_progress=False)
    softmax.save(path)
    ids, _ = softmax.recommend(np.arange(9), made("implicit", seed=4)[:9], N=5, recalculate_user=True)
    x = made("implicit", seed=4)[:9]
    given = "".join(" ".join(map(str, x.indices[a:b])) + "\n" for a, b in zip(x.indptr, x.indptr[1:], strict=False))
    assert ask(programs["cpp"], path, "5", given=given)[1] == "".join(" ".join(map(str, row)) + "\n" for row in ids)


@pytest.mark.parametrize("language", EXAMPLES)
def test_pkg_config_serves_as_well(
    language: str, root: Path, prefix: Path, programs: dict[str, Path], tmp_path: Path
) -> None:
    compiler, flags = (c_compiler(), "CFLAGS") if language == "c" else (cxx_compiler(), "CXXFLAGS")
    standard = "-std=c99" if language == "c" else "-std=c++17"
    source = next((root / "examples" / language).glob("*.c*"))
    strict = ["-pedantic", "-Wall", "-Wextra", "-Werror", *shlex.split(os.environ.get(flags, ""))]
    library = pkg_config(prefix, "--variable=libdir")[0]
    said = pkg_config(prefix, "--cflags", "--libs")
    program = tmp_path / "program"
    run(*compiler, standard, *strict, source, *said, f"-Wl,-rpath,{library}", "-o", program)
    _, path = ratings_model(tmp_path)
    call = ([path, "5", *RATED], "") if language == "c" else ([path, "5"], " ".join(RATED))
    answers = [ask(one, *call[0], given=call[1])[1] for one in (program, programs[language])]
    assert answers[0] == answers[1] != ""


def test_bad_calls_say_what_is_wrong(programs: dict[str, Path], tmp_path: Path) -> None:
    _, path = ratings_model(tmp_path)
    for arguments, says in [
        ([], "call it as"),
        ([path], "call it as"),
        ([path, "0"], "call it as"),
        ([path, "5x"], "call it as"),
        ([path, "5", "twelve"], "ids of this model are whole numbers"),
        ([path, "5", "1=good"], "a rating is a number"),
        ([path, "5", "="], "a rating is a number"),
        ([path, "5", "=1"], "ids of this model are whole numbers"),
        ([path, "5", "-1"], "no item has the id -1"),
        ([path, "5", str(ITEMS)], f"no item has the id {ITEMS}"),
        ([path, "5", "99999999999"], "no item has the id 99999999999"),
        ([path, "5", "9" * 30], "ids of this model are whole numbers"),
        ([path, "5", "--user", str(USERS)], f"no user has the id {USERS}"),
        ([tmp_path / "nowhere", "5"], "model_open: "),
    ]:
        status, _, told = ask(programs["c"], *arguments)
        assert status == 1
        assert told.startswith("recommend: ")
        assert says in told
    status, _, told = ask(programs["cpp"], path, "5", given="1 2 three\n")
    assert status == 1
    assert told.startswith("serve: ")


def test_damaged_models_are_refused(programs: dict[str, Path], tmp_path: Path) -> None:
    _, path = ratings_model(tmp_path)
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for at in rng.integers(0, len(whole), 12):
        path.write_bytes(whole[:at])
        status, _, told = ask(programs["c"], path, "5", *RATED)
        assert status == 1
        assert told.startswith(f"recommend: model_open: '{path}'")
    for at in [*rng.integers(0, 1200, 40), *rng.integers(0, len(whole), 20)]:
        damaged = bytearray(whole)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        ask(programs["c"], path, "5", *RATED)


def test_one_symbol_is_exported(prefix: Path) -> None:
    """The library shows the function that gives the table, and carries the version of the interface in its name."""
    if shutil.which("nm") is None:
        pytest.skip("no nm on PATH. Debian and Ubuntu: apt-get install binutils")
    suffix = "dylib" if sys.platform == "darwin" else "so"
    library = next(iter(prefix.glob(f"lib*/**/libattnrec.{suffix}")))
    told = run("nm", *(["-gU"] if suffix == "dylib" else ["-D", "--defined-only"]), library)
    shown = [line.split()[-1].lstrip("_") for line in told.splitlines()]
    assert shown == ["attnrec_get_api"]
    assert library.resolve().name.startswith(("libattnrec.so.1.", "libattnrec.1."))
