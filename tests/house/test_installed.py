"""What an install gives: a quick import with NumPy alone, a small and whole wheel, a README that shows how to begin."""

from __future__ import annotations

import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

# fmt: off
OPTIONAL = [
    "click", "duckdb", "faiss", "implicit", "jinja2", "msgspec", "narwhals", "optuna", "pandas", "polars", "pyarrow",
    "pyspark", "ray", "rich", "safetensors", "scipy", "sklearn", "starlette", "torch", "tqdm", "uvicorn",
]
# fmt: on


def python(code: str, *flags: str) -> str:
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_core_runs_on_numpy_alone() -> None:
    """None in sys.modules makes an import of that name fail, as if it were not installed."""
    code = f"""
import sys
sys.modules.update(dict.fromkeys({OPTIONAL!r}))
import attnrec as ar
print(ar.topk([[1.0, 2.0]], [[1, 0], [0, 1], [1, 1]], k=2).ids.tolist())
print(ar.attend([[0]], [[1], [2]], [[2], [4]]).tolist())
"""
    assert python(code).strip() == "[[2, 1]]\n[[3.0]]"


@pytest.mark.parametrize("module", ["data", "models", "cli"])
def test_a_missing_extra_is_named(module: str) -> None:
    code = f"""
import sys
sys.modules.update(dict.fromkeys({OPTIONAL!r}))
try:
    import attnrec.{module}
except (ImportError, SystemExit) as error:
    sys.exit(0 if "attnrec[" in str(error) else f"does not name the extra: {{error}}")
"""
    python(code)


@pytest.mark.serial
def test_import_takes_less_than_100_ms_beyond_numpy() -> None:
    code = """
import time
import numpy
start = time.perf_counter()
import attnrec
print(time.perf_counter() - start)
"""
    python(code)  # warms the file cache
    seconds = statistics.median(float(python(code)) for _ in range(5))
    assert seconds < 0.1, f"import attnrec takes {1e3 * seconds:.0f} ms beyond NumPy"


def test_wheel_is_small_and_whole(root: Path) -> None:
    wheels = sorted([*Path(sys.prefix).glob("dist/attnrec-*.whl"), *root.glob("dist/attnrec-*.whl")])
    if not wheels:
        pytest.skip("no wheel in dist/ ('make wheel' puts one there)")
    for wheel in wheels:
        assert wheel.stat().st_size < 3_000_000, f"{wheel} has {wheel.stat().st_size} bytes"
        names = zipfile.ZipFile(wheel).namelist()
        for needed in (
            "attnrec/include/attnrec/attnrec.h",
            "attnrec/py.typed",
            "attnrec/_core.pyi",
            "attnrec/cy.pxd",
            "attnrec/report/templates/page.html.j2",
            "attnrec/report/templates/style.css",
        ):
            assert needed in names, f"{wheel} lacks {needed}"
        assert any(n.endswith("LICENSE") for n in names)
        strays = [n for n in names if not n.startswith(("attnrec/", "attnrec-"))]
        assert not strays, f"{wheel} puts {strays} beside the package"


def test_readme_shows_the_two_commands_first(root: Path) -> None:
    screen = (root / "README.md").read_text(encoding="utf-8").splitlines()[:40]
    for command in ("make demo", "make test"):
        assert any(command in line for line in screen), f"'{command}' is not on the first screen of README.md"
