"""The rules of the house, read from the files: layers, sizes, names, words. Compiles nothing."""

from __future__ import annotations

import ast
import os
import re
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "attnrec"

# The rooms of the package, from the floor up: a file imports from its own room and from floors below. A room is a
# folder or a file, and the longest name in this list that a module begins with is its room.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("_util", "_core", "cy"),
    ("config", "reference"),
    ("index",),
    ("ops",),
    ("metrics", "explain"),
    ("data",),
    ("features",),
    ("models.inputs",),
    ("models.storage",),
    ("models.base",),
    ("models.linalg",),
    ("models.training",),
    ("models.content",),
    ("models.neighbours", "models.kernel_implicit", "models.kernel_explicit", "models.softmax", "models.bridge"),
    ("models",),
    ("evaluation", "serving"),
    ("plots", "report", "compat", "doctor"),
    ("cli",),
    ("bench",),
    ("__main__",),
)
# What a folder of csrc/ or tests/cpp/ may include: other folders, single files, and whether the standard library.
TABLES = ("kernels/table.h", "kernels/int8_table.h", "kernels/long_sum.h")
WALK = ("ops/ops.h", "ops/walk/", "core/", *TABLES, "attnrec/attnrec.h")
INCLUDES: dict[str, tuple[tuple[str, ...], bool]] = {
    "kernels/": (("kernels/",), False),
    "core/": (("core/", "kernels/table.h", "kernels/int8_table.h", "attnrec/attnrec.h"), True),
    "ops/walk/": (WALK, True),
    "ops/retrieval/": ((*WALK, "ops/retrieval/"), True),
    "ops/attention/": ((*WALK, "ops/attention/"), True),
    "ops/training/": ((*WALK, "ops/training/", "ops/attention/"), True),
    "ops/": (WALK, True),
    "checks/": (("checks/", "ops/", "attnrec/attnrec.h"), True),
    "io/": (("io/", "checks/", "ops/", "core/", "attnrec/attnrec.h"), True),
    "models/": (("models/", "io/", "checks/", "ops/", "core/", "attnrec/attnrec.h"), True),
    "api/": (("api/", "models/", "io/", "checks/", "ops/", "core/", "attnrec/attnrec.h"), True),
    "bind/": (("bind/", "attnrec/attnrec.h", "pybind11/"), True),
    "cpp/fuzz/file.": (("cpp/fuzz/", "io/mapped_file.h"), True),
    "cpp/fuzz/": (("cpp/fuzz/", "attnrec/attnrec.h"), True),
    "cpp/kernels/": (("cpp/kernels/", "core/", "kernels/"), True),
    "cpp/consumers/": (("attnrec/attnrec.h", "core/processors.h"), True),
}
LEAF_HEADERS = {"cstddef", "cstdint", "math.h", "immintrin.h", "arm_neon.h"}
SYSTEM_HEADERS = {
    "core/dispatch.cpp": {"cpuid.h", "sys/auxv.h", "sys/sysctl.h"},
    "io/mapped_file.cpp": {"sys/mman.h", "sys/stat.h"},
}
# Names of the package's public face that its own files take from there; everything else is imported from its module.
FACE = {"__version__"}
SIZED = {".py", ".pyi", ".pyx", ".pxd", ".cpp", ".h", ".c"}


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def cpp_files() -> list[Path]:
    """Those of csrc/, and the test programs of tests/cpp/, whose names begin with ``cpp/`` here."""
    found = (p for folder in ("csrc", "tests/cpp") for p in (ROOT / folder).rglob("*"))
    return sorted(p for p in found if p.suffix in {".cpp", ".h"})


def cpp_name(path: Path) -> str:
    return str(path.relative_to(ROOT / ("csrc" if path.is_relative_to(ROOT / "csrc") else "tests")))


def project_files() -> Iterator[Path]:
    """Every text file that belongs to the project: no build output, no hidden folder but the ones kept on purpose."""
    passed_by = {"build", "dist", "__pycache__"}
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in passed_by and (f[0] != "." or f in {".ci", ".github"}))
        yield from (Path(folder) / name for name in sorted(names) if name != ".git")  # of a linked working tree


def module_of(path: Path) -> str:
    """Dotted name inside the package, "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted module) of every import anywhere in a file; those of the package begin with "attnrec."."""
    here = ["attnrec", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "attnrec":
                yield from ((node.lineno, f"attnrec.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def room_of(module: str) -> tuple[int, str]:
    """(floor, room) of a dotted module inside the package."""
    found = max(
        ((floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms if f"{module}.".startswith(f"{room}.")),
        key=lambda x: len(x[1]),
        default=None,
    )
    assert found is not None, f"say in FLOORS where '{module}' belongs"
    return found


def inner_imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted module below attnrec) of what a file imports from the package."""
    for line, name in imports_of(path):
        if name.startswith("attnrec."):
            yield line, name.removeprefix("attnrec.")


def test_python_imports_downwards_only() -> None:
    """From one's own room or a floor below; so no estimator imports another, since they stand on one floor."""
    found = []
    for path in python_files():
        module = module_of(path)
        if not module:
            continue
        floor, room = room_of(module)
        for line, name in inner_imports(path):
            if name not in FACE and (there := room_of(name))[1] != room and there[0] >= floor:
                found += [f"{path}:{line} ({room}) imports {name} ({there[1]})"]
    assert not found, "\n".join(found)


def test_rooms_are_not_crowded() -> None:
    crowded = {
        str(folder.relative_to(ROOT)): n
        for folder in PACKAGE.rglob("*")
        if folder.is_dir() and (n := len(list(folder.glob("*.py")))) > 14
    }
    assert not crowded, f"more than 14 Python files: {crowded}"


NUMPY_ALONE = {"__future__", "typing", "collections", "dataclasses", "operator", "numpy", "ctypes", "math", "re"}
# What runs with NumPy alone, and the modules of ours that it may import, which are in this table too.
READERS = ("attnrec._util.arraylike", "attnrec._util.matrices")
ALONE = {
    **dict.fromkeys(("_util/arraylike.py", "_util/matrices.py", "_util/outputs.py"), ()),
    "reference.py": READERS,
    **{f"metrics/{p.name}": ("attnrec.metrics", *READERS) for p in (PACKAGE / "metrics").glob("*.py")},
}


def test_reference_and_metrics_import_numpy_alone() -> None:
    found = [
        f"{PACKAGE / name}:{line} imports {module}"
        for name, ours in ALONE.items()
        for line, module in imports_of(PACKAGE / name)
        if not module.startswith(ours) and module.partition(".")[0] not in NUMPY_ALONE
    ]
    assert not found, "\n".join(found)


def includes_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, target) of every include; those of files beside it by their names, the rest as written."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        target = match[2]
        if match[1] == '"' and (path.parent / target).exists():
            target = cpp_name((path.parent / target).resolve())
        yield number, target


def test_cpp_includes_downwards_only() -> None:
    found = []
    for path in cpp_files():
        name = cpp_name(path)
        folder = next((f for f in INCLUDES if name.startswith(f)), None)
        assert folder is not None, f"{name}: say in INCLUDES what it may include"
        allowed, standard = INCLUDES[folder]
        for line, target in includes_of(path):
            system = "/" not in target and not (path.parent / target).exists()
            listed = target in SYSTEM_HEADERS.get(name, ())
            if not (listed or (target in LEAF_HEADERS or standard if system else target.startswith(allowed))):
                found.append(f"{name}:{line} may not include {target}")
    assert not found, "\n".join(found)


def test_openmp_stays_in_parallel_and_std_out_of_kernels() -> None:
    found = []
    for path in cpp_files():
        name = cpp_name(path)
        text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        openmp = re.search(r"#\s*pragma\s+omp|\bomp_\w+\(|<omp\.h>", text)
        if openmp and not name.startswith("core/parallel."):
            found.append(f"{name} uses OpenMP; core/parallel does that")
        if name.startswith("kernels/") and "std::" in text:
            found.append(f"{name} uses the standard library")
        if name.startswith("kernels/") and re.search(r"^\s*static\s+(?!const|inline)", text, re.M):
            found.append(f"{name} keeps state")
    assert not found, "\n".join(found)


def test_files_are_small() -> None:
    sizes = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in project_files() if path.suffix in SIZED
    }
    long = {str(p.relative_to(ROOT)): n for p, n in sizes.items() if n > 400}
    assert not long, f"more than one thing in one room: {long}"
    source = [n for p, n in sizes.items() if p.relative_to(ROOT).parts[0] in {"csrc", "src"}]
    assert statistics.median(source) < 100


def test_one_name_in_every_layer() -> None:
    from attnrec import ops, reference
    from cases import CASES

    public = {name for name in reference.__all__ if name[0].islower()}
    assert set(ops.__all__) == public == set(CASES)
    assert list(ops.__all__) == sorted(ops.__all__)
    stub = (PACKAGE / "_core.pyi").read_text(encoding="utf-8")
    bound = [name for name in ops.__all__ if f"def {name}(" not in stub]
    assert not bound, f"_core.pyi does not know {bound}"


def test_first_line_says_what_the_file_is() -> None:
    opening = ('"""', 'r"""', "#", "//", "/*")
    found = []
    for path in (p for p in project_files() if p.suffix in SIZED):
        lines = path.read_text(encoding="utf-8").splitlines()
        first = next((line for line in lines if not line.startswith(("#!", "# cython:"))), None)
        if first is None:
            found += [f"{path} is empty"] if path.name != "__init__.py" else []
        elif not first.startswith(opening) or len(first.split()) < 4:
            found.append(f"{path} begins with {first!r}, which does not say what it is")
    assert not found, "\n".join(found)


def test_nothing_unfinished_and_no_machine_path() -> None:
    unfinished = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")) + r")\b")
    machine = re.compile(r"(?<![\w.~])/(" + "|".join(("work", "root", "home", "Users", "mnt")) + r")/\w")
    native = re.compile("march=" + "native|ffast-" + "math")
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            shipped = path.suffix in {".cpp", ".h", ".toml"} or path.name == "CMakeLists.txt"
            if unfinished.search(line) or machine.search(line) or (shipped and native.search(line)):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_mutants_are_up_to_date() -> None:
    mutants = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text(encoding="utf-8"))["mutant"]
    assert len(mutants) >= 25
    for mutant in mutants:
        times = (ROOT / mutant["file"]).read_text(encoding="utf-8").count(mutant["old"])
        assert times == 1, f"tools/mutants.toml: {mutant['file']} has {mutant['old']!r} {times} times, not once"
        assert mutant["new"] != mutant["old"]


def test_every_entry_of_the_c_interface_is_fuzzed() -> None:
    header = (PACKAGE / "include/attnrec/attnrec.h").read_text(encoding="utf-8")
    entries = set(re.findall(r"\(\*(\w+)\)", header[header.index("typedef struct attnrec_api {") :]))
    assert {"topk", "model_recommend", "index_free", "last_error"} <= entries
    fuzzers = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests/cpp/fuzz").glob("*.cpp"))
    called = set(re.findall(r"api\(\)\.(\w+)\(", fuzzers))
    assert called == entries, f"not called by a fuzzer in tests/cpp/fuzz: {sorted(entries - called)}"
