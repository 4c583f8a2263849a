"""The rules of the house, read from the files: layers, sizes, names, words. Compiles nothing."""

from __future__ import annotations

import ast
import os
import re
import statistics
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "attnrec"

# Layer of each top-level module of the package; a module imports from its own layer or below, never upwards.
LAYERS = {
    **dict.fromkeys(("_arraylike", "_bars", "_core", "_estimator", "_extras", "_files", "_matrices", "_outputs"), 0),
    **dict.fromkeys(("_rows", "cy"), 0),
    **dict.fromkeys(("_snapshot", "config", "reference", "index", "searcher", "ops"), 1),
    **dict.fromkeys(("data", "features", "metrics", "selftest"), 2),
    **dict.fromkeys(("models", "explain", "counterfactuals"), 3),
    **dict.fromkeys(("bench", "cli", "doctor", "plots", "compat", "distributed", "serve", "report", "__main__"), 4),
}
FRONT = 4
# What a folder of csrc/ may include: other folders, single files, and whether the standard library.
INCLUDES: dict[str, tuple[tuple[str, ...], bool]] = {
    "kernels/": (("kernels/",), False),
    "core/": (("core/", "kernels/table.h", "kernels/int8_table.h"), True),
    "ops/": (
        ("ops/", "core/", "kernels/table.h", "kernels/int8_table.h", "kernels/long_sum.h", "attnrec/attnrec.h"),
        True,
    ),
    "model/": (("model/", "check.h", "ops/", "core/", "attnrec/attnrec.h"), True),
    "index_file.": (("index_file.h", "check.h", "ops/", "core/", "attnrec/attnrec.h"), True),
    "api": (
        ("api_border.h", "check.h", "index_file.h", "prepared.h", "model/", "ops/", "core/", "attnrec/attnrec.h"),
        True,
    ),
    "prepared.": (("check.h", "ops/", "attnrec/attnrec.h"), True),
    "check.": (("check.h", "ops/", "attnrec/attnrec.h"), True),
    "bind": (("bind", "attnrec/attnrec.h", "pybind11/"), True),
    "fuzz/file.": (("fuzz/", "core/mapped_file.h"), True),
    "fuzz/": (("fuzz/", "attnrec/attnrec.h"), True),
    "check_kernels/": (("check_kernels/", "core/", "kernels/"), True),
}
LEAF_HEADERS = {"cstddef", "cstdint", "math.h", "immintrin.h", "arm_neon.h"}
SYSTEM_HEADERS = {
    "core/dispatch.cpp": {"cpuid.h", "sys/auxv.h", "sys/sysctl.h"},
    "core/mapped_file.cpp": {"sys/mman.h", "sys/stat.h"},
}
SIZED = {".py", ".pyi", ".pyx", ".pxd", ".cpp", ".h", ".c"}


def python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def cpp_files() -> list[Path]:
    return sorted(p for p in (ROOT / "csrc").rglob("*") if p.suffix in {".cpp", ".h"})


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


def inner_imports(path: Path) -> list[tuple[int, str]]:
    """(line, top-level module of the package) imported by a file."""
    return [(line, name.split(".")[1]) for line, name in imports_of(path) if name.startswith("attnrec.")]


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_python_imports_downwards_only(path: Path) -> None:
    top = module_of(path).partition(".")[0]
    if top == "":
        ours = FRONT - 1
    else:
        assert top in LAYERS, f"{path}: say in LAYERS which layer '{top}' belongs to"
        ours = LAYERS[top]
    for line, name in inner_imports(path):
        if name in LAYERS:
            assert LAYERS[name] <= ours, f"{path}:{line} (layer {ours}) imports '{name}' (layer {LAYERS[name]})"
        elif top:
            assert ours == FRONT, f"{path}:{line} imports '{name}' from the package's public face; import its module"


def test_python_imports_have_no_cycle() -> None:
    graph: dict[str, set[str]] = {}
    for path in python_files():
        top = module_of(path).partition(".")[0]
        if top:
            graph.setdefault(top, set()).update(name for _, name in inner_imports(path) if name != top)
    while graph:
        leaves = [m for m, needs in graph.items() if not needs & graph.keys()]
        assert leaves, f"modules import each other in a circle: {sorted(graph)}"
        for m in leaves:
            del graph[m]


METRICS = [f"metrics/{p.name}" for p in (PACKAGE / "metrics").glob("*.py")]


@pytest.mark.parametrize("name", ["reference.py", "_arraylike.py", "_matrices.py", "_outputs.py", *METRICS])
def test_reference_and_metrics_import_numpy_alone(name: str) -> None:
    ours = (
        ("attnrec.metrics", "attnrec._arraylike", "attnrec._matrices")
        if name in METRICS or name == "reference.py"
        else ()
    )
    modules = {module for _, module in imports_of(PACKAGE / name) if not module.startswith(tuple(ours))}
    found = {module.partition(".")[0] for module in modules}
    assert found <= {"__future__", "typing", "collections", "dataclasses", "operator", "numpy", "ctypes", "math", "re"}


def includes_of(path: Path) -> Iterator[tuple[int, str]]:
    """(line, target) of every include; quoted ones relative to csrc/, the rest as written."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        target = match[2]
        if match[1] == '"' and (path.parent / target).exists():
            target = str((path.parent / target).resolve().relative_to(ROOT / "csrc"))
        yield number, target


@pytest.mark.parametrize("path", cpp_files(), ids=lambda p: str(p.relative_to(ROOT / "csrc")))
def test_cpp_includes_downwards_only(path: Path) -> None:
    name = str(path.relative_to(ROOT / "csrc"))
    folder = next((f for f in INCLUDES if name.startswith(f)), None)
    assert folder is not None, f"{name}: say in INCLUDES what it may include"
    allowed, standard = INCLUDES[folder]
    for line, target in includes_of(path):
        system = "/" not in target and not (path.parent / target).exists()
        listed = target in SYSTEM_HEADERS.get(name, ())
        fine = listed or (target in LEAF_HEADERS or standard if system else target.startswith(allowed))
        assert fine, f"csrc/{name}:{line} may not include {target}"


@pytest.mark.parametrize("path", cpp_files(), ids=lambda p: str(p.relative_to(ROOT / "csrc")))
def test_openmp_stays_in_parallel_and_std_out_of_kernels(path: Path) -> None:
    name = str(path.relative_to(ROOT / "csrc"))
    text = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
    if not name.startswith("core/parallel."):
        assert not re.search(r"#\s*pragma\s+omp|\bomp_\w+\(|<omp\.h>", text), (
            f"{name} uses OpenMP; core/parallel does that"
        )
    if name.startswith("kernels/"):
        assert "std::" not in text, f"{name} uses the standard library"
        assert not re.search(r"^\s*static\s+(?!const|inline)", text, re.M), f"{name} keeps state"


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


@pytest.mark.parametrize(
    "path", [p for p in project_files() if p.suffix in SIZED], ids=lambda p: str(p.relative_to(ROOT))
)
def test_first_line_says_what_the_file_is(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(("#!", "# cython:"))]
    if not lines:
        assert path.name == "__init__.py", f"{path} is empty"
        return
    first = lines[0]
    opening = ('"""', 'r"""', "#", "//", "/*")
    assert first.startswith(opening), f"{path} begins with {first!r}, not with what it is"
    assert len(first.split()) >= 4, f"{path} says too little: {first!r}"


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
    fuzzers = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "csrc/fuzz").glob("*.cpp"))
    called = set(re.findall(r"api\(\)\.(\w+)\(", fuzzers))
    assert called == entries, f"not called by a fuzzer in csrc/fuzz: {sorted(entries - called)}"
